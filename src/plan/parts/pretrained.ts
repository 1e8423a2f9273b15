/** @file What is left of a pretrained encoder: whole, or cut and recovered under its teacher. */
import { InvariantError } from "../../errors.js";
import { KEPT_STATE_BYTES, type ModelAccounting, pretrainedAccounting, stateBytes } from "../../models/accounting.js";
import { controlEpochs, controlRates, POOLING_TRIAL, type PretrainedRecipe, type SelfTaught } from "../candidates.js";
import { MEMORY_COSTS, SERVE_COSTS, SIZE_COSTS, TRAIN_COSTS } from "../costs-table.js";
import type { BaseFacts, PlanFacts } from "../facts.js";
import { sideBySideSeconds } from "../lanes.js";
import { shortNumber } from "../numbers.js";
import type { MachineProfile } from "../profile.js";
import { nodesMs, type Part, productsMs } from "./part.js";

function baseOf({ base }: PlanFacts): BaseFacts {
  if (base === undefined) throw new InvariantError("plan: a pretrained candidate without a base");
  return base;
}

/** A pretrained encoder after its cut, its vocabulary trimmed. */
function cutAccounting({ layers, feedForward }: PretrainedRecipe, facts: PlanFacts): ModelAccounting {
  const { config, pooling, keptPieces, meanPieces } = baseOf(facts);
  const sizes = { layers: config.layers.slice(0, layers), feedForward, vocabularySize: keptPieces };
  return pretrainedAccounting({ ...config, ...sizes }, { labelCount: facts.labels, pooling }, meanPieces);
}

/** Seconds of one fit of a pretrained encoder or a cut on `rows` rows, on one thread. */
function pretrainedFitSeconds(
  { batchSize }: PretrainedRecipe,
  facts: PlanFacts,
  profile: MachineProfile,
): (epochs: number, flopsPerToken: number, rows: number) => number {
  const { meanPieces } = baseOf(facts);
  const { paddingFactor, pretrainedEfficiencyRatio, stepOverheadSeconds, encoderOverheadSeconds } = TRAIN_COSTS;
  const flopsPerSecond = profile.singleThreadGflops * 1e9 * pretrainedEfficiencyRatio;
  return (epochs, flopsPerToken, rows) =>
    (epochs * rows * meanPieces * paddingFactor * flopsPerToken) / flopsPerSecond +
    epochs * Math.ceil(rows / batchSize) * stepOverheadSeconds +
    encoderOverheadSeconds;
}

/** Seconds of the control of a cut: a fit at each rate without judging and choosing fold, then one without the judging fold. */
export function controlSecondsOf(recipe: PretrainedRecipe, facts: PlanFacts, profile: MachineProfile): number {
  const { trainRows, folds } = facts;
  const fit = pretrainedFitSeconds(recipe, facts, profile);
  const flops = TRAIN_COSTS.backwardFactor * cutAccounting(recipe, facts).flopsPerToken;
  const without = (held: number): number => {
    const rows = (trainRows * Math.max(0, folds - held)) / folds;
    return fit(controlEpochs(recipe, rows), flops, rows);
  };
  return (
    sideBySideSeconds(
      controlRates(recipe).map(() => without(2)),
      profile.cores,
    ) + without(1)
  );
}

/** Seconds in which the fine-tuned bases of the fold and of the final fit answer so many texts. */
export function answerSeconds(rows: number, facts: PlanFacts, profile: MachineProfile): number {
  const { config, pooling, meanPieces } = baseOf(facts);
  const whole = pretrainedAccounting(config, { labelCount: facts.labels, pooling }, meanPieces).flopsPerToken;
  const { paddingFactor, pretrainedEfficiencyRatio } = TRAIN_COSTS;
  const flops = 2 * rows * meanPieces * paddingFactor * whole;
  return flops / (profile.singleThreadGflops * 1e9 * pretrainedEfficiencyRatio);
}

/** Seconds of a short fit with each pooling. */
function poolingTrialSeconds(recipe: PretrainedRecipe, facts: PlanFacts, profile: MachineProfile): number {
  const { config, pooling, meanPieces } = baseOf(facts);
  const { flopsPerToken } = pretrainedAccounting(config, { labelCount: facts.labels, pooling }, meanPieces);
  const { epochs, trainRows } = POOLING_TRIAL;
  const rows = Math.min(trainRows, facts.trainRows);
  const seconds = pretrainedFitSeconds(recipe, facts, profile)(
    epochs,
    TRAIN_COSTS.backwardFactor * flopsPerToken,
    rows,
  );
  return sideBySideSeconds([seconds, seconds], profile.cores);
}

type Recovery = NonNullable<PretrainedRecipe["recovery"]>;

/** Bytes of the teacher's hidden states that a recovery keeps; 0 where it asks the teacher in every epoch instead. */
function keptStateBytes({ layers, recovery }: PretrainedRecipe, facts: PlanFacts): number {
  const { config, meanPieces } = baseOf(facts);
  const { epochs = 0, transferRows = 0 } = recovery ?? {};
  const tokens = (facts.trainRows + transferRows) * meanPieces;
  const bytes = stateBytes({ tokens, width: config.width, layers });
  return epochs > 1 && bytes <= KEPT_STATE_BYTES ? bytes : 0;
}

/** Seconds of the fits of a pretrained encoder: those of the teacher, which all cuts share, and those of this cut. The teacher's label layer
 *  starts from a pass over the rows; a cut needs its answers, and its hidden states once or in every epoch. */
export function pretrainedSecondsOf(
  recipe: PretrainedRecipe,
  facts: PlanFacts,
  profile: MachineProfile,
): { readonly teacher: number; readonly recovery: number } {
  const { config, pooling, poolingIsKnown, meanPieces } = baseOf(facts);
  const fit = pretrainedFitSeconds(recipe, facts, profile);
  const both = (epochs: number, flopsPerToken: number, more = 0): number =>
    sideBySideSeconds(
      [facts.trainRows, (facts.trainRows * (facts.folds - 1)) / facts.folds].map((rows) =>
        fit(epochs, flopsPerToken, rows + more),
      ),
      profile.cores,
    );
  const whole = pretrainedAccounting(config, { labelCount: facts.labels, pooling }, meanPieces).flopsPerToken;
  const cut = cutAccounting(recipe, facts).flopsPerToken;
  const { teacher, recovery } = recipe;
  const { selfTaught } = teacher;
  const again = ({ epochs, transferRows }: SelfTaught): number =>
    both(epochs, TRAIN_COSTS.backwardFactor * whole + whole / epochs, transferRows);
  const taught = ({ epochs, transferRows = 0 }: Recovery): number => {
    const asked = 1 + (keptStateBytes(recipe, facts) > 0 ? 1 : epochs);
    return both(epochs, TRAIN_COSTS.backwardFactor * cut + (asked / epochs) * whole, transferRows);
  };
  return {
    teacher:
      (poolingIsKnown ? 0 : poolingTrialSeconds(recipe, facts, profile)) +
      both(teacher.epochs, TRAIN_COSTS.backwardFactor * whole + whole / teacher.epochs) +
      (selfTaught === undefined ? 0 : again(selfTaught)),
    recovery: recovery === undefined ? 0 : taught(recovery),
  };
}

/** Seconds of everything that a recipe needs: the teacher, the cuts above it, its own fits. */
export function pathSecondsOf(recipe: PretrainedRecipe, facts: PlanFacts, profile: MachineProfile): number {
  const { teacher, recovery } = pretrainedSecondsOf(recipe, facts, profile);
  const { from } = recipe;
  return recovery + (from === undefined ? teacher : pathSecondsOf(from.recipe, facts, profile));
}

export const pretrainedPart = (recipe: PretrainedRecipe): Part => ({
  parameters: (facts) => cutAccounting(recipe, facts).parameters,
  sizeBytes: (facts) =>
    SIZE_COSTS.tokenizerBytes +
    baseOf(facts).keptPieces * SIZE_COSTS.pieceBytes +
    SIZE_COSTS.pretrainedBytes +
    recipe.layers * SIZE_COSTS.pretrainedLayerBytes +
    cutAccounting(recipe, facts).bytesInt8,
  latencyMs: (facts, profile) =>
    nodesMs(SERVE_COSTS.pretrainedNodes + recipe.layers * SERVE_COSTS.layerNodes, profile) +
    productsMs(baseOf(facts).meanPieces * cutAccounting(recipe, facts).flopsPerToken, profile),
  trainSeconds: (facts, profile) => pathSecondsOf(recipe, facts, profile),
  trainMemoryBytes(facts, profile) {
    const { encoderBytesPerParameter, activationsPerWidth, activationsPerFeedForward } = MEMORY_COSTS;
    const { config, pooling, meanPieces } = baseOf(facts);
    const { layers, width, feedForward } = config;
    const perToken = layers.length * (activationsPerWidth * width + activationsPerFeedForward * feedForward) * 4;
    const weights =
      pretrainedAccounting(config, { labelCount: facts.labels, pooling }).parameters * encoderBytesPerParameter;
    const states = keptStateBytes(recipe, facts);
    return Math.min(2, profile.cores) * (weights + states + recipe.batchSize * meanPieces * perToken);
  },
  describe(folds) {
    const { teacher, recovery, from, layers, feedForward } = recipe;
    const { selfTaught } = teacher;
    const again =
      selfTaught === undefined
        ? ""
        : ` and ${selfTaught.epochs} on its answers to ${shortNumber(selfTaught.transferRows)} texts`;
    const tuned = `${teacher.epochs} epochs${again}`;
    if (recovery === undefined) return `${tuned}, 1 of ${folds} folds`;
    const { transferRows = 0 } = recovery;
    const more = transferRows > 0 ? `, ${shortNumber(transferRows)} texts without answers` : "";
    const source = from === undefined ? "" : ` of ${from.name}`;
    return `teacher ${tuned}; ${layers} layers, ${feedForward} neurons${source}, ${recovery.epochs} epochs${more}, 1 of ${folds} folds`;
  },
});
