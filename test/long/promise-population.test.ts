/** @file What a run promises holds on the traffic to come: logs of known populations go through the command line, fresh draws of the same population through
 *  the student that came out. Seeds are fixed; bench/promise-cases.ts does the same with many. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { LOG_POPULATIONS, logLines, type LogPopulation } from "../../bench/promise-logs.js";
import { joryu, lastJson, MACHINE, temporaryFolder } from "../joryu.js";

const EPSILON = 0.02;
const [LOG_CALLS, FRESH_CALLS] = [2_000, 4_000];
const START_MS = Date.UTC(2025, 0, 1);

const folder = temporaryFolder();
afterAll(() => folder.remove());

interface Case {
  readonly name: string;
  readonly promise: "delivered" | "kept";
  readonly isTimed?: boolean;
  /** Largest number of calls that are wrong together; the sampling error of a fresh draw grows with it. */
  readonly together: number;
  /** Calls of the log; few conversations could prove nothing. */
  readonly calls?: number;
}

function populationOf(name: string): LogPopulation {
  const found = LOG_POPULATIONS.find((population) => population.name === name);
  if (found === undefined) throw new Error(`no population is called ${name}`);
  return found;
}

interface Outcome {
  readonly verdict: unknown;
  readonly coverage: number;
  readonly risk: number;
  readonly model: string;
}

async function runCase({ name, promise, isTimed = false, calls = LOG_CALLS }: Case): Promise<Outcome> {
  const population = populationOf(name);
  const [logs, fresh] = [join(folder.path, `${name}.jsonl`), join(folder.path, `${name}-fresh.jsonl`)];
  writeFileSync(logs, logLines(population.draw(calls, 1), isTimed ? START_MS : undefined));
  writeFileSync(fresh, logLines(population.draw(FRESH_CALLS, 2)));
  const target = `agreement=${1 - EPSILON},promise=${promise}`;
  const flags = ["--minutes", "0.1", "--machine", MACHINE, "--target", target, "--json"];
  const run = lastJson((await joryu(["run", "--logs", logs, "--out", join(folder.path, name), ...flags])).stdout);
  const model = String(run["model"]);
  const evaluated = lastJson((await joryu(["evaluate", "--model", model, "--records", fresh, "--json"])).stdout);
  const valueOf = (key: string): number | undefined =>
    (evaluated[key] as { readonly value: number } | undefined)?.value;
  const coverage = valueOf("coverage") ?? Number.NaN;
  const keptRisk = 1 - (valueOf("keptAgreement") ?? 1);
  return { verdict: run["verdict"], model, coverage, risk: promise === "delivered" ? coverage * keptRisk : keptRisk };
}

/** Epsilon and three standard errors of the fresh draw. */
function bound(judged: number, together: number): number {
  return EPSILON + 3 * Math.sqrt((EPSILON * (1 - EPSILON) * together) / judged);
}

describe("the promise of a run", () => {
  it.each<Case>([
    { name: "rare-hidden", promise: "delivered", together: 1 },
    { name: "conversations", promise: "delivered", together: 6, calls: 6_000 },
    { name: "bursts", promise: "delivered", isTimed: true, together: 8 },
    { name: "recurring", promise: "delivered", together: 1 },
    { name: "rare", promise: "kept", together: 1 },
  ])("of $name ($promise) holds on fresh traffic", async (each) => {
    const { verdict, coverage, risk } = await runCase(each);
    expect(verdict).toMatch(/^(deploy|deploy-with-fallback|keep-teacher)$/);
    if (verdict === "keep-teacher") return;
    expect(coverage).toBeGreaterThan(0);
    expect(risk).toBeLessThanOrEqual(
      bound(each.promise === "delivered" ? FRESH_CALLS : coverage * FRESH_CALLS, each.together),
    );
  });

  it("is not given where the teacher answers every input 6:4, and predict then keeps nothing", async () => {
    const { verdict, coverage, model } = await runCase({ name: "noisy", promise: "delivered", together: 4 });
    expect([verdict, coverage]).toEqual(["keep-teacher", 0]);
    const texts = populationOf("noisy")
      .draw(100, 3)
      .map(({ messages }) => JSON.stringify(messages[0]?.content ?? ""));
    const { stdout } = await joryu(["predict", "--model", model, "--json"], `${texts.join("\n")}\n`);
    const decisions = stdout
      .trimEnd()
      .split("\n")
      .map((line) => (JSON.parse(line) as { decision: string }).decision);
    expect(new Set(decisions)).toEqual(new Set(["defer"]));
    expect(decisions).toHaveLength(texts.length);
  });
});
