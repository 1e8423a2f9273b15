/** @file The path from teacher to student after the ladder: which steps were trained, what each ships as, and what is known of each out of fold.
 *  Trains nothing but final fits that a single lane has left to do. */
import { type PretrainedRecipe, UNCUT } from "../../plan/candidates.js";
import type { Plan, PlannedCandidate } from "../../plan/plan.js";
import type { ControlFacts } from "../../report/facts.js";
import { controlOf } from "./control.js";
import type { Ladder } from "../ladder.js";
import { judgedCut, pretrainedFinal, pretrainedOutOfFold } from "./rung.js";
import { answersTo, bestLabels, JUDGING_FOLD, pretrainedTask, type PretrainedTask } from "./spec.js";
import { silentProgress } from "../progress.js";
import type { ProvedStudent } from "../prove-job.js";
import { rowsOfFold } from "../rungs.js";
import type { TrainContext } from "../train-context.js";
import type { Trained } from "../ship.js";

type Precision = ProvedStudent["precision"];
export const PRECISIONS: readonly Precision[] = ["fp32", "int8"];

/** Name under which the proof answers for a step: the chosen one is the student. */
export function proofName(step: string, chosen: string, precision: Precision): string {
  return `${step === chosen ? "student" : step}-${precision}`;
}

/** The teacher that cuts were taught by, as a student of its own, read back from its stages; undefined where the plan has none. */
export async function uncutTeacher(
  context: TrainContext,
  cut: PretrainedRecipe,
  planned: readonly PlannedCandidate[],
): Promise<Trained | undefined> {
  const { recovery: _, from: _from, ...recipe } = cut;
  const uncut = planned.find(({ name }) => name === UNCUT);
  if (uncut === undefined || context.base === undefined) return undefined;
  const { layers, feedForward } = context.base.config;
  const whole = { ...recipe, layers: layers.length, feedForward };
  const quiet = { ...context, progress: silentProgress(context.progress) };
  const outOfFold = await pretrainedOutOfFold(quiet, pretrainedTask(context, UNCUT, whole), { asTeacher: true });
  return { candidate: { ...uncut, pretrained: whole }, outOfFold };
}

function taskOf(context: TrainContext, { candidate }: Trained): PretrainedTask | undefined {
  const { name, pretrained } = candidate;
  return pretrained === undefined ? undefined : pretrainedTask(context, name, pretrained);
}

/** The steps that were trained, uncut first. */
export async function pathSteps(
  context: TrainContext,
  { climbed }: Ladder,
  planned: readonly PlannedCandidate[],
): Promise<readonly Trained[]> {
  const steps = climbed.filter(({ candidate }) => candidate.pretrained !== undefined).toReversed();
  const [top] = steps;
  if (top?.candidate.pretrained === undefined || top.candidate.name === UNCUT) return steps;
  const uncut = await uncutTeacher(context, top.candidate.pretrained, planned);
  return uncut === undefined ? steps : [uncut, ...steps];
}

/** A step of the path with what is known of it apart from the sealed rows. */
export interface PathStep {
  readonly trained: Trained;
  /** Layers of the teacher that the one whose answers are shown has, from 0: the shipped one, where nothing is sealed the fold's. */
  readonly layers: readonly number[];
  /** Best labels on the judging fold. */
  readonly answers: {
    readonly fp32: readonly number[];
    /** Where nothing is sealed. */
    readonly int8?: readonly number[];
  };
  /** Of a cut, the one that the judging fold judges before it learned from the teacher: its own layers and answers. */
  readonly before?: { readonly layers: readonly number[]; readonly answers: readonly number[] };
}

/** Answers of a step in int8 to the judging fold, once per run. */
async function int8Answers(context: TrainContext, task: PretrainedTask): Promise<number[]> {
  const found = await context.folder.arrays(`path-${task.name}-int8`, async () => {
    const { encoder } = await judgedCut(context, task);
    const soft = await answersTo(context, task, encoder, rowsOfFold(context, JUDGING_FOLD), true);
    return new Map([["answers", Float32Array.from(bestLabels(soft, context.dataset.labels.length + 1))]]);
  });
  return Array.from(found.get("answers") ?? []);
}

/** What is known of the steps apart from the sealed rows. */
export async function describePath(context: TrainContext, steps: readonly Trained[]): Promise<PathStep[]> {
  const classes = context.dataset.labels.length;
  const hasSealed = context.rows.length < context.dataset.rows.length;
  const described: PathStep[] = [];
  for (const trained of steps) {
    const task = taskOf(context, trained);
    if (task === undefined) continue;
    const judged = await judgedCut(context, task);
    const { layers } = hasSealed ? await pretrainedFinal(context, task) : judged;
    const isCut = task.recipe.recovery !== undefined;
    described.push({
      trained,
      layers: [...layers],
      answers: {
        fp32: bestLabels(trained.outOfFold.logits, classes),
        ...(!hasSealed && { int8: await int8Answers(context, task) }),
      },
      ...(isCut && {
        before: { layers: [...judged.layers], answers: bestLabels(judged.before, classes + 1) },
      }),
    });
  }
  return described;
}

/** The controls that the plan has the time for: of the chosen student where it is a cut, else of the largest cut; then of the other cuts. */
export async function plannedControls(
  context: TrainContext,
  { chosen, climbed }: Ladder,
  { control }: Plan,
): Promise<readonly ControlFacts[]> {
  if (control?.status !== "train") return [];
  const others = climbed
    .filter(({ candidate }) => candidate.name !== chosen.candidate.name)
    .toSorted((a, b) => b.candidate.parameters - a.candidate.parameters);
  const cuts = [chosen, ...others].flatMap((rung) => {
    const task = taskOf(context, rung);
    return task?.recipe.recovery === undefined ? [] : [{ task, correct: rung.correct }];
  });
  const controls: ControlFacts[] = [];
  for (const { task, correct } of control.of === "every-cut" ? cuts : cuts.slice(0, 1))
    controls.push(await controlOf(context, task, correct));
  return controls;
}
