/** @file Openings of sealed rows are counted by row and run, and the gate of a student is what its calls, the promise and the risk give. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { writeExported } from "../../test/exported.js";
import { temporaryFolder } from "../../test/joryu.js";
import type { Row } from "../dataset/types.js";
import { fitCalibrator } from "../evaluate/calibration.js";
import { openGate, planGate } from "../evaluate/gate.js";
import { createRandom } from "../random.js";
import { parseManifest } from "../student/manifest.js";
import { answersOf } from "../student/student.js";
import { logitRows } from "./outcomes.js";
import { datasetOf, rowsOf } from "./pretrained/tiny-base.test.fixture.js";
import { countOpening, proveStudent, type Proof } from "./prove.js";
import { openRunFolder } from "./run-folder.js";

const folder = temporaryFolder();
afterAll(() => folder.remove());

const RUNS = ["aaaaaaaaaaaa", "bbbbbbbbbbbb", "cccccccccccc", "dddddddddddd"] as const;

describe("openings of the seal", () => {
  const state = join(folder.path, "state");
  const rows = rowsOf();
  const open = (run: number, from: number, to: number): number =>
    countOpening(state, rows.slice(from, to), RUNS[run] ?? "");

  it("are one for each run that opened some of the rows, however often it is resumed", () => {
    expect([open(0, 0, 40), open(0, 0, 40)]).toEqual([1, 1]);
    expect(open(1, 39, 80)).toBe(2);
    expect(open(2, 80, 120)).toBe(1);
    expect([open(3, 0, 120), open(3, 0, 120)]).toEqual([4, 4]);
  });

  it("are none where nothing is sealed", () => {
    expect(countOpening(join(folder.path, "other"), [], RUNS[0])).toBe(0);
  });
});

describe("the proof of a student", () => {
  const path = join(writeExported("bert-wordpiece", folder.path), "joryu.json");
  const exported = parseManifest(readFileSync(path, "utf8"), path);
  const classes = exported.labels.length;
  const rows = rowsOf(0, 900).map((row, i): Row => {
    const label = row.label;
    return i < 450 ? { ...row, label } : { ...row, label, sealed: true, fold: -1, weight: i % 3 === 0 ? 2 : 1 };
  });
  const open = rows.filter(({ sealed }) => !sealed);
  const sealed = rows.filter((row) => row.sealed);

  /** The right answer with some confidence, another one where there is less of it. */
  function logitsOf(some: readonly Row[], seed: number): Float32Array {
    const random = createRandom(seed, "logits");
    const logits = new Float32Array(some.length * classes);
    for (const [i, { label }] of some.entries()) {
      const sure = random.float();
      const answer = random.float() < 0.25 * (1 - sure) ** 2 ? (label + 1) % classes : label;
      logits[i * classes + answer] = 1 + 3 * sure;
    }
    return logits;
  }

  const outOfFold = { rows: Uint32Array.from(open.keys()), logits: logitsOf(open, 1) };
  const logits = logitsOf(sealed, 2);
  const fitted = fitCalibrator(logitRows(open, outOfFold.logits, classes), exported.sha256.weights);
  // What is shown differs from what the gate compares.
  const calibrator = { ...fitted, kind: "isotonic" as const, knots: { scores: [0, 1], probabilities: [0.4, 0.6] } };
  const manifest = { ...exported, calibrator };

  function prove(
    promise: "delivered" | "kept",
    epsilon: number,
    wasm?: Float32Array,
  ): Proof & { readonly lines: readonly GateLine[] } {
    const run = openRunFolder(join(folder.path, `run-${promise}-${epsilon}`));
    const progress = { update: () => undefined, note: () => undefined };
    const context = { dataset: datasetOf(rows), rows: open, folder: run, progress, threads: 1, seed: 1 };
    const proof = proveStudent(
      context,
      manifest,
      outOfFold,
      { node: logits, ...(wasm && { wasm }) },
      { promise, epsilon },
    );
    const lines = readFileSync(run.file("gate.jsonl"), "utf8").trimEnd().split("\n");
    return { ...proof, lines: lines.map((line) => JSON.parse(line) as GateLine) };
  }

  interface GateLine {
    readonly fold: number;
    readonly score: number;
    readonly correct: number;
    readonly group: number;
  }

  it.each(["delivered", "kept"] as const)("is what gate.jsonl gives under the promise %s", (promise) => {
    const { lines, gate, other } = prove(promise, 0.06);
    const column = (sealedOnes: boolean) => {
      const some = lines.filter(({ fold }) => fold < 0 === sealedOnes);
      return {
        scores: some.map(({ score }) => score),
        right: some.map(({ correct }) => correct),
        groups: some.map(({ group }) => group),
      };
    };
    const again = (promised: "delivered" | "kept", epsilon = 0.06, delta = 0.05) => {
      const options = { promise: promised, epsilon, delta, seed: 1 };
      return openGate(planGate(column(false), column(true), options), column(true));
    };
    expect(gate).toEqual(again(promise));
    expect(other).toEqual(again(promise === "delivered" ? "kept" : "delivered"));
    expect(gate).toMatchObject({ promise, epsilon: 0.06, delta: 0.05, sealedCalls: 600 });
    expect(gate.threshold).toBeGreaterThan(0);
    for (const looser of [again(promise, 0.09), again(promise, 0.06, 0.5)])
      expect(looser.threshold).toBeLessThan(gate.threshold ?? 0);
    expect(other.threshold).not.toBe(gate.threshold);
  });

  it.each(["delivered", "kept"] as const)(
    "holds in another runtime where its answers prove the threshold too, under the promise %s",
    (promise) => {
      expect(prove(promise, 0.06).runtimes).toBeUndefined();
      const [close] =
        prove(
          promise,
          0.06,
          logits.map((logit, i) => logit + 1e-6 * (i % 3)),
        ).runtimes ?? [];
      expect(close).toMatchObject({ runtime: "wasm", rows: 450, sameAnswers: 450, isProved: true });
      expect(close?.maxProbabilityDifference).toBeGreaterThan(0);
      expect(close?.maxProbabilityDifference).toBeLessThan(1e-5);
      // Every tenth row has another label's logits.
      const other = logits.map((logit, i) =>
        Math.floor(i / classes) % 10 === 0 ? (logits[i - (i % classes) + ((i + 1) % classes)] ?? 0) : logit,
      );
      const [far] = prove(promise, 0.06, other).runtimes ?? [];
      expect(far).toMatchObject({ sameAnswers: 405, isProved: false });
    },
  );

  it("keeps in the student exactly the calls whose score in gate.jsonl reaches the threshold", () => {
    const { lines, gate } = prove("delivered", 0.06);
    const gated = { ...manifest, gate: { ...manifest.gate, threshold: gate.threshold } };
    const texts = sealed.map(({ text }) => text);
    const scores = lines.filter(({ fold }) => fold < 0).map(({ score }) => score);
    const decisions = answersOf(gated, texts, logits).flatMap(({ decision }, i) =>
      new Array<string>(sealed[i]?.weight ?? 0).fill(decision),
    );
    expect(decisions).toEqual(scores.map((score) => (score >= (gate.threshold ?? Infinity) ? "keep" : "defer")));
    expect(new Set(decisions).size).toBe(2);
    const none = { ...manifest, gate: { ...manifest.gate, threshold: null } };
    expect(new Set(answersOf(none, texts, logits).map(({ decision }) => decision))).toEqual(new Set(["defer"]));
  });
});
