/** @file The gate on real predictions: coverage with and without the guarantee, and how often the chosen threshold breaks its
 *  promise in draws with replacement from the sealed rows. Prints JSON lines, one per file and a last one with the medians.
 *
 *      node dist/bench/gate.js --file SEED0.jsonl [--file SEED1.jsonl ...] [--epsilon 0.02] [--delta 0.05] [--draws 1000]
 *
 *  A line is {"fold", "score", "correct"}, as a run leaves them in `gate.jsonl`: fold -1 for a sealed row; with "logits" and "label" (and a first line that has
 *  "labels", as bench/peers/linear_sklearn.py writes with --folds and --logits) the score is our calibrator's instead. */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { z } from "zod";
import { UsageError } from "../src/errors.js";
import { fitCalibrator, measureCalibration, type LogitRows } from "../src/evaluate/calibration.js";
import { chooseThreshold, type GateInput, type GateResult } from "../src/evaluate/gate.js";
import { createRandom } from "../src/random.js";
import { binomialCdf, percentile } from "../src/stats.js";

const predictionSchema = z.object({
  fold: z.number(),
  score: z.number(),
  correct: z.union([z.boolean(), z.number()]).transform(Number),
  label: z.string().optional(),
  logits: z.array(z.number()).optional(),
});
const summarySchema = z.object({ labels: z.array(z.string()) });

type PredictionLine = z.infer<typeof predictionSchema>;

function logitRows(lines: readonly PredictionLine[], labels: readonly string[]): LogitRows {
  const logits = new Float32Array(lines.length * labels.length);
  for (const [row, line] of lines.entries()) logits.set(line.logits ?? [], row * labels.length);
  const index = new Map(labels.map((label, i) => [label, i]));
  return { logits, classes: labels.length, labels: lines.map((line) => index.get(line.label ?? "") ?? -1) };
}

interface Loaded extends GateInput {
  readonly calibration?: Readonly<Record<string, number | string>>;
}

function load(path: string): Loaded {
  const lines = readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line): unknown => JSON.parse(line));
  const predictions = lines.flatMap((line) => predictionSchema.safeParse(line).data ?? []);
  const [oof, sealed] = [predictions.filter((line) => line.fold >= 0), predictions.filter((line) => line.fold < 0)];
  const labels = summarySchema.safeParse(lines[0]).data?.labels;
  if (labels === undefined || predictions.some((line) => line.logits === undefined)) {
    const [scores, correct] = [(line: PredictionLine) => line.score, (line: PredictionLine) => line.correct];
    return {
      oofScores: oof.map(scores),
      oofCorrect: oof.map(correct),
      sealedScores: sealed.map(scores),
      sealedCorrect: sealed.map(correct),
    };
  }
  const [oofRows, sealedRows] = [logitRows(oof, labels), logitRows(sealed, labels)];
  const calibrator = fitCalibrator(oofRows, "bench");
  const [fitted, measured] = [measureCalibration(calibrator, oofRows), measureCalibration(calibrator, sealedRows)];
  return {
    oofScores: fitted.scores,
    oofCorrect: fitted.outcomes,
    sealedScores: measured.scores,
    sealedCorrect: measured.outcomes,
    calibration: {
      kind: calibrator.kind,
      eceBefore: measured.eceBefore,
      eceAfter: measured.eceAfter,
      auroc: measured.auroc,
    },
  };
}

/** Share of draws whose threshold has a risk above epsilon over all sealed rows. */
function violations(
  input: GateInput,
  draws: number,
  seed: number,
): { violationRatio: number; nullRatio: number; meanCoverage: number } {
  const { sealedScores, sealedCorrect } = input;
  const rows = sealedScores.length;
  const random = createRandom(seed, "gate draws");
  let [broken, nulls, coverage] = [0, 0, 0];
  for (let draw = 0; draw < draws; draw++) {
    const drawn = Array.from({ length: rows }, () => random.int(rows));
    const result = chooseThreshold({
      ...input,
      sealedScores: drawn.map((row) => sealedScores[row] ?? 0),
      sealedCorrect: drawn.map((row) => sealedCorrect[row] ?? 0),
    });
    coverage += result.coverage.value / draws;
    if (result.threshold === null) nulls += 1;
    else if (trueRisk(input, result.threshold) > result.epsilon) broken += 1;
  }
  return { violationRatio: broken / draws, nullRatio: nulls / draws, meanCoverage: coverage };
}

/** The loosest coverage that one test with all of delta passes on the sealed rows, chosen with hindsight: no gate that tests them keeps more. */
function hindsightCoverage({ sealedScores, sealedCorrect }: GateInput, epsilon: number, delta: number): number {
  const order = Array.from({ length: sealedScores.length }, (_, row) => row).sort(
    (a, b) => (sealedScores[b] ?? 0) - (sealedScores[a] ?? 0),
  );
  let [errors, most] = [0, 0];
  for (const [i, row] of order.entries()) {
    errors += sealedCorrect[row] ? 0 : 1;
    if (binomialCdf(errors, i + 1, epsilon) <= delta) most = i + 1;
  }
  return order.length === 0 ? 0 : most / order.length;
}

function trueRisk({ sealedScores, sealedCorrect }: GateInput, threshold: number): number {
  let [kept, errors] = [0, 0];
  for (let row = 0; row < sealedScores.length; row++) {
    if ((sealedScores[row] ?? 0) < threshold) continue;
    kept += 1;
    errors += sealedCorrect[row] ? 0 : 1;
  }
  return kept === 0 ? 0 : errors / kept;
}

const { values: flags } = parseArgs({
  options: {
    file: { type: "string", multiple: true },
    epsilon: { type: "string", default: "0.02" },
    delta: { type: "string", default: "0.05" },
    draws: { type: "string", default: "1000" },
  },
});
const files = flags.file ?? [];
if (files.length === 0) throw new UsageError("bench/gate: expected --file PREDICTIONS.jsonl, came none");
const results: GateResult[] = [];
for (const [seed, file] of files.entries()) {
  const { calibration, ...data } = load(file);
  const input: GateInput = { ...data, epsilon: Number(flags.epsilon), delta: Number(flags.delta) };
  const result = chooseThreshold(input);
  results.push(result);
  const { curve: _, ...facts } = result;
  const hindsight = hindsightCoverage(input, result.epsilon, result.delta);
  const drawn = violations(input, Number(flags.draws), seed);
  console.log(JSON.stringify({ seed, ...facts, hindsightCoverage: hindsight, ...drawn, calibration }));
}
const median = (pick: (result: GateResult) => number): number =>
  percentile(
    results.map(pick).sort((a, b) => a - b),
    0.5,
  );
console.log(
  JSON.stringify({
    medianCoverage: median((result) => result.coverage.value),
    medianUnguaranteedCoverage: median((result) => result.unguaranteedCoverage),
    medianGap: median((result) => result.unguaranteedCoverage - result.coverage.value),
    tolerated:
      Number(flags.delta) + 2 * Math.sqrt((Number(flags.delta) * (1 - Number(flags.delta))) / Number(flags.draws)),
  }),
);
