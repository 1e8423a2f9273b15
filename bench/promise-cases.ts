/** @file Whether what a run promises holds on the traffic to come: logs of known populations go through `joryu run`, fresh draws of the same population
 *  through `joryu evaluate`. Prints a JSON line per run (verdict, coverage and risk per call on fresh traffic) and a last one over all.
 *
 *      node dist/bench/promise-cases.js [--seeds 2] [--calls 2000] [--fresh 4000] [--only NAME] [--machine FILE]
 *
 *  Odd seeds promise `delivered`, even ones `kept`; populations whose inputs come again run with and without times. A run is broken where it would deploy
 *  and the mean risk of its fresh draws is above epsilon. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { evaluateProduct, printJson, runProduct, withFolder } from "./product.js";
import { LOG_POPULATIONS, logLines, type LogPopulation } from "./promise-logs.js";

const EPSILON = 0.02;
const FRESH_DRAWS = 2;
const START_MS = Date.UTC(2025, 0, 1);

interface Case {
  readonly population: LogPopulation;
  readonly promise: "delivered" | "kept";
  readonly isTimed: boolean;
  readonly seed: number;
}

interface Settings {
  readonly calls: number;
  readonly fresh: number;
  readonly machine?: string;
}

/** Risk per call of a promise on each of some fresh draws. */
async function freshRisks(
  model: string,
  { population, promise, seed }: Case,
  fresh: number,
  folder: string,
): Promise<{ readonly risks: number[]; readonly coverages: number[] }> {
  const [risks, coverages]: [number[], number[]] = [[], []];
  for (let draw = 0; draw < FRESH_DRAWS; draw++) {
    const records = join(folder, "fresh.jsonl");
    writeFileSync(records, logLines(population.draw(fresh, 1_000 + 100 * seed + draw)));
    const { coverage, keptAgreement } = await evaluateProduct(model, records);
    const keptRisk = keptAgreement === undefined ? 0 : 1 - keptAgreement.value;
    risks.push(promise === "delivered" ? coverage.value * keptRisk : keptRisk);
    coverages.push(coverage.value);
  }
  return { risks, coverages };
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

async function tryCase(each: Case, { calls, fresh, machine }: Settings): Promise<boolean> {
  const { population, promise, isTimed, seed } = each;
  return withFolder(undefined, async (folder) => {
    const logs = join(folder, "logs.jsonl");
    writeFileSync(logs, logLines(population.draw(calls, seed), isTimed ? START_MS : undefined));
    const run = await runProduct({
      logs,
      out: join(folder, "state"),
      minutes: 0.1,
      seed,
      target: `agreement=${1 - EPSILON},promise=${promise}`,
      ...(machine === undefined ? {} : { machine }),
    });
    const { risks, coverages } = await freshRisks(run.model, each, fresh, folder);
    const isBroken = run.verdict !== "keep-teacher" && mean(risks) > EPSILON;
    printJson({
      population: population.name,
      promise,
      isTimed,
      seed,
      verdict: run.verdict,
      reasons: run.reasons.map(({ code }) => code),
      sealedCoverage: run.metrics["coverage"],
      freshCoverage: mean(coverages),
      freshRisk: mean(risks),
      freshRisks: risks,
      isBroken,
      seconds: run.seconds,
    });
    return isBroken;
  });
}

const { values: flags } = parseArgs({
  options: {
    seeds: { type: "string", default: "2" },
    calls: { type: "string", default: "2000" },
    fresh: { type: "string", default: "4000" },
    only: { type: "string" },
    machine: { type: "string" },
  },
});
const settings: Settings = {
  calls: Number(flags.calls),
  fresh: Number(flags.fresh),
  ...(flags.machine === undefined ? {} : { machine: flags.machine }),
};
let [runs, broken] = [0, 0];
for (let seed = 1; seed <= Number(flags.seeds); seed++) {
  for (const population of LOG_POPULATIONS.filter(({ name }) => flags.only === undefined || name === flags.only)) {
    for (const isTimed of population.repeats ? [false, true] : [false]) {
      const promise = seed % 2 === 1 ? "delivered" : "kept";
      runs++;
      if (await tryCase({ population, promise, isTimed, seed }, settings)) broken++;
    }
  }
}
printJson({ summary: true, runs, broken, brokenRatio: broken / runs });
