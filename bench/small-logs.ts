/** @file What a small log gets: runs of the product on so many rows of some labels of a data set, drawn by seed, and what the rows of these labels that
 *  were not drawn say of its verdict. Prints JSON lines: one per seed, a last one with shares over the seeds.
 *
 *      node dist/bench/small-logs.js --set banking77 --labels 10 --rows 700 --seeds 1,2,3 --minutes 1 [--data DIR] [--target LIST] [--machine FILE] */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createRandom, permutation } from "../src/random.js";
import { loadDataSet, writeChatLogs, type DataSet, type LabelledText } from "./datasets.js";
import { predictTexts, printJson, runProduct, withFolder } from "./product.js";

/** A student that keeps less than this is not worth a verdict to deploy. */
const LEAST_COVERAGE_RATIO = 0.1;

interface Drawn {
  readonly log: readonly LabelledText[];
  readonly fresh: readonly LabelledText[];
}

function shuffle<T>(values: readonly T[], seed: number, name: string): T[] {
  return Array.from(permutation(values.length, createRandom(seed, name))).flatMap((i) => values[i] ?? []);
}

function draw({ train, test }: DataSet, labels: number, rows: number, seed: number): Drawn {
  const all = [...train, ...test];
  const chosen = new Set(shuffle([...new Set(all.map(({ label }) => label))].sort(), seed, "labels").slice(0, labels));
  const seen = new Set<string>();
  const distinct = shuffle(all, seed, "rows").filter(({ text, label }) => {
    if (!chosen.has(label) || seen.has(text)) return false;
    seen.add(text);
    return true;
  });
  return { log: distinct.slice(0, rows), fresh: distinct.slice(rows) };
}

/** The most that a threshold chosen on the fresh rows keeps within the risk, and what the gate's own does to them. */
function judge(fresh: readonly LabelledText[], predictions: Awaited<ReturnType<typeof predictTexts>>, epsilon: number) {
  const outcomes = predictions
    .map(({ label, probability, decision }, i) => ({ wrong: label !== fresh[i]?.label, probability, decision }))
    .sort((a, b) => b.probability - a.probability);
  let [wrong, most] = [0, 0];
  for (const [i, outcome] of outcomes.entries()) {
    wrong += outcome.wrong ? 1 : 0;
    if (wrong <= epsilon * outcomes.length) most = (i + 1) / outcomes.length;
  }
  const kept = outcomes.filter(({ decision }) => decision === "keep");
  return {
    freshRows: outcomes.length,
    hindsightCoverage: most,
    freshCoverage: kept.length / outcomes.length,
    freshRisk: kept.filter((outcome) => outcome.wrong).length / outcomes.length,
  };
}

const { values: flags } = parseArgs({
  options: {
    set: { type: "string", default: "banking77" },
    labels: { type: "string", default: "10" },
    rows: { type: "string", default: "700" },
    seeds: { type: "string", default: "1" },
    minutes: { type: "string", default: "1" },
    data: { type: "string", default: "../shared/data" },
    target: { type: "string", default: "agreement=0.98" },
    machine: { type: "string" },
  },
});

const set = loadDataSet(flags.set, flags.data);
const results: { deployed: boolean; worth: boolean; within: boolean }[] = [];
for (const seed of flags.seeds.split(",").map(Number)) {
  const { log, fresh } = draw(set, Number(flags.labels), Number(flags.rows), seed);
  await withFolder(undefined, async (folder) => {
    const run = await runProduct({
      logs: writeChatLogs(join(folder, "log.jsonl"), set.system, log),
      out: join(folder, "out"),
      minutes: Number(flags.minutes),
      seed,
      target: flags.target,
      ...(flags.machine === undefined ? {} : { machine: flags.machine }),
    });
    const epsilon = run.metrics["epsilon"] ?? 0;
    const found = judge(
      fresh,
      await predictTexts(
        run.model,
        fresh.map(({ text }) => text),
      ),
      epsilon,
    );
    const deployed = run.verdict !== "keep-teacher";
    results.push({
      deployed,
      worth: found.hindsightCoverage >= LEAST_COVERAGE_RATIO,
      within: found.freshRisk <= epsilon,
    });
    const { agreement, coverage, sealedCalls } = run.metrics;
    printJson({ seed, verdict: run.verdict, agreement, coverage, sealedCalls, ...found, seconds: run.seconds });
  });
}
const share = (some: readonly boolean[]): number => some.filter(Boolean).length / Math.max(1, some.length);
printJson({
  seeds: results.length,
  deployedRatio: share(results.map(({ deployed }) => deployed)),
  worthDeployingRatio: share(results.map(({ worth }) => worth)),
  withinPromiseOfDeployed: share(results.filter(({ deployed }) => deployed).map(({ within }) => within)),
});
