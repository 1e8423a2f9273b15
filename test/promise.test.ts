/** @file The promise of a run reaches everything that rests on it: the plan, the gate, the model folder, the report, what is printed and what the
 *  student keeps; and how often its sealed calls were opened is counted and told. */
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readDataset } from "../src/dataset/snapshot.js";
import { openStudent, type Prediction } from "../src/index.js";
import type { Facts } from "../src/report/facts.js";
import { chatLine, joryu, lastJson, MACHINE, temporaryFolder, writeSmallLogs } from "./joryu.js";

const folder = temporaryFolder();
afterAll(() => folder.remove());
const logs = join(folder.path, "logs.jsonl");
const state = join(folder.path, "state");
const config = join(folder.path, "joryu.yaml");

interface Run {
  readonly stdout: string;
  readonly model: string;
  readonly folder: string;
  readonly metrics: Readonly<Record<string, number | null>>;
}

async function run(flags: readonly string[]): Promise<Run> {
  const { stdout } = await joryu(["run", "--minutes", "0.1", "--machine", MACHINE, "--out", state, "--json", ...flags]);
  const { model, metrics } = lastJson(stdout) as unknown as Run;
  return { stdout, model, metrics, folder: join(state, "runs", String(model.split("@").at(-1))) };
}

function json<T>(...path: readonly string[]): T {
  return JSON.parse(readFileSync(join(...path), "utf8")) as T;
}

const DELIVERED = ["--logs", logs, "--target", "agreement=0.94"];
let delivered: Run;
let kept: Run;

beforeAll(async () => {
  writeSmallLogs(logs);
  writeFileSync(config, "promise: kept\ntarget: { agreement: 0.94 }\n");
  delivered = await run(DELIVERED);
  kept = await run(["--logs", logs, "--config", config]);
});

describe("the promise of a run", () => {
  it.each(["delivered", "kept"] as const)("%s stands in plan, model folder and report", (promise) => {
    const { folder: path, model } = promise === "kept" ? kept : delivered;
    expect(json(path, "plan.json")).toMatchObject({ target: { promise, agreement: 0.94 } });
    expect(json(model, "joryu.json")).toMatchObject({ gate: { promise, epsilon: 0.06, delta: 0.05 } });
    const { facts } = json<{ facts: Facts }>(path, "report.json");
    const other = promise === "kept" ? "delivered" : "kept";
    expect(facts).toMatchObject({ target: { promise }, gate: { promise, epsilon: 0.06, other: { promise: other } } });
  });

  it("decides the gate: each run keeps what the other one says of it", () => {
    expect(delivered.metrics["threshold"]).not.toBe(kept.metrics["threshold"]);
    expect(delivered.metrics["coverage"]).toBe(kept.metrics["otherPromiseCoverage"]);
    expect(kept.metrics["coverage"]).toBe(delivered.metrics["otherPromiseCoverage"]);
    expect(delivered.metrics["coverage"]).toBeGreaterThanOrEqual(kept.metrics["coverage"] ?? 1);
    for (const { metrics, model } of [delivered, kept]) {
      expect(json(model, "joryu.json")).toMatchObject({ gate: { threshold: metrics["threshold"] } });
      expect(metrics).toMatchObject({ epsilon: 0.06, delta: 0.05, targetAgreement: 0.94, sealedCalls: 160 });
      const wrong = (metrics["coverage"] ?? 0) * (1 - (metrics["keptAgreement"] ?? 0));
      expect(metrics["deliveredAgreement"]).toBeCloseTo(1 - wrong, 12);
    }
  });

  it.each([
    ["--promise kept", ["--promise", "kept"]],
    ["--target promise=kept", ["--target", "agreement=0.94,promise=kept"]],
  ])("is the same run by %s as by the file", async (_, flags) => {
    const again = await run([...DELIVERED, ...flags]);
    expect([again.model, again.metrics]).toEqual([kept.model, kept.metrics]);
  });

  it.each(["delivered", "kept"] as const)("%s is printed with the gate", async (promise) => {
    const { stdout } = await joryu([
      "report",
      "--out",
      state,
      "--run",
      String((promise === "kept" ? kept : delivered).model.split("@").at(-1)),
    ]);
    expect(stdout).toMatch(new RegExp(`^Gate \\(promise “${promise}”\\): [^]*?6%`, "m"));
  });

  it("is refused where two are named", async () => {
    const { code, stdout, stderr } = await joryu([
      "run",
      ...DELIVERED,
      "--promise",
      "kept",
      "--target",
      "promise=delivered",
    ]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^joryu: .*two promises.*\n$/);
  });
});

describe("the student", () => {
  /** The sealed texts, and the score of each in gate.jsonl. */
  function sealed(): { readonly texts: string[]; readonly scores: number[] } {
    const datasets = join(state, "datasets");
    const names = readdirSync(datasets).filter((name) => existsSync(join(datasets, name, "manifest.json")));
    const { hash } = json<{ facts: Facts }>(delivered.folder, "report.json").facts.dataset;
    expect(names).toContain(hash);
    const rows = readDataset(join(datasets, hash)).rows.filter((row) => row.sealed);
    const lines = readFileSync(join(delivered.folder, "gate.jsonl"), "utf8").trimEnd().split("\n");
    const scores = lines
      .map((line) => JSON.parse(line) as { fold: number; score: number })
      .flatMap(({ fold, score }) => (fold < 0 ? [score] : []));
    return { texts: rows.flatMap(({ text, weight }) => new Array<string>(weight).fill(text)), scores };
  }

  /** A copy of the model folder whose manifest was changed. */
  function changed(name: string, change: (manifest: Manifest) => object): string {
    const path = join(folder.path, name);
    cpSync(delivered.model, path, { recursive: true });
    writeFileSync(join(path, "joryu.json"), JSON.stringify(change(json<Manifest>(delivered.model, "joryu.json"))));
    return path;
  }

  interface Manifest {
    readonly gate: { readonly promise: string; readonly threshold: number | null };
    readonly calibrator: object;
    readonly parity: readonly { readonly artefact: string; readonly maxProbabilityDifference: number }[];
  }

  async function decisions(path: string, precision: "int8" | "fp32" = "int8"): Promise<Prediction["decision"][]> {
    const student = await openStudent(path, { precision });
    try {
      return (await student.predict(sealed().texts)).map(({ decision }) => decision);
    } finally {
      await student.close();
    }
  }

  it("keeps exactly the sealed calls whose score in gate.jsonl reaches the threshold", async () => {
    const { scores } = sealed();
    const expected = (threshold: number) => scores.map((score) => (score >= threshold ? "keep" : "defer"));
    const { threshold } = json<Manifest>(delivered.model, "joryu.json").gate;
    expect(await decisions(delivered.model)).toEqual(expected(threshold ?? Infinity));
    const middle = scores.toSorted((a, b) => a - b)[80] ?? 0;
    const half = changed("half", (manifest) => ({ ...manifest, gate: { ...manifest.gate, threshold: middle } }));
    expect(await decisions(half)).toEqual(expected(middle));
  });

  it("defers everything without a threshold, and in a form that the gate was not proved for", async () => {
    const none = changed("none", (manifest) => ({ ...manifest, gate: { ...manifest.gate, threshold: null } }));
    expect(new Set(await decisions(none))).toEqual(new Set(["defer"]));
    expect(new Set(await decisions(delivered.model, "fp32"))).toEqual(new Set(["defer"]));
  });

  it("of before the two promises opens as one that promises the kept answers", async () => {
    const before = changed("before", (manifest) => {
      const { promise: _, ...gate } = manifest.gate;
      return { ...manifest, gate };
    });
    const student = await openStudent(before);
    expect(student.manifest.gate.promise).toBe("kept");
    await student.close();
  });

  it("is refused with the calibrator of other weights", async () => {
    const other = changed("other", (manifest) => ({
      ...manifest,
      calibrator: { ...manifest.calibrator, modelHash: "0".repeat(64) },
    }));
    await expect(openStudent(other)).rejects.toThrow(/calibrator/);
  });

  it("is evaluated with what the cascade delivers", async () => {
    const { stdout } = await joryu(["evaluate", "--model", delivered.model, "--records", logs, "--json"]);
    type Shares = Readonly<Record<"coverage" | "keptAgreement" | "deliveredAgreement", { readonly value: number }>>;
    const { coverage, keptAgreement, deliveredAgreement } = lastJson(stdout) as unknown as Shares;
    expect(deliveredAgreement.value).toBeCloseTo(1 - coverage.value * (1 - keptAgreement.value), 12);
  });
});

describe("openings of the sealed calls", () => {
  it("are counted by other promises, further lines and other seeds, and the report names the chance of m x delta", async () => {
    expect([delivered.metrics["sealOpenings"], kept.metrics["sealOpenings"]]).toEqual([1, 2]);
    const more = join(folder.path, "more.jsonl");
    writeFileSync(more, readFileSync(logs, "utf8") + chatLine("My card has not come at all so far", "card_arrival"));
    const longer = await run(["--logs", more, "--target", "agreement=0.94"]);
    expect(longer.metrics["sealOpenings"]).toBe(3);
    const reseeded = await run([...DELIVERED, "--seed", "2"]);
    expect(reseeded.metrics["sealOpenings"]).toBe(4);
    expect(readFileSync(join(longer.folder, "report.md"), "utf8")).toMatch(
      /3 runs have opened .* up to 15\.0%, not 5\.0%/,
    );
    expect(readFileSync(join(reseeded.folder, "report.md"), "utf8")).toMatch(/4 runs have opened .* up to 20\.0%, not/);
  });
});
