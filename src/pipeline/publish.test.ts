/** @file The proved folder is written once, and what was added to it since stays. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { LABELS, WIDE, writeExported } from "../../test/exported.js";
import { temporaryFolder } from "../../test/joryu.js";
import { measureCalibration } from "../evaluate/calibration.js";
import { singleCalls } from "../evaluate/calls.js";
import { chooseThreshold, type GateInput, type GateResult } from "../evaluate/gate.js";
import type { Promised } from "../evaluate/risk-test.js";
import { addFourBitGraph } from "../export/four-bit.js";
import { INT4_FILE, type StudentManifest } from "../student/manifest.js";
import { clopperPearson } from "../stats.js";
import type { Proof } from "./prove.js";
import { publishStudent } from "./publish.js";

const folder = temporaryFolder();
afterAll(() => folder.remove());

type ProofOptions = Pick<GateInput, "promise" | "epsilon" | "delta">;

/** Proves as many single calls as are told, all of them answered rightly. */
function proofOf({ calibrator }: StudentManifest, rows: number, options: ProofOptions = {}): Proof {
  const labels = new Array<number>(rows).fill(0);
  const logits = Float32Array.from({ length: rows * LABELS.length }, (_value, i) => (i % LABELS.length === 0 ? 3 : 0));
  const calibration = measureCalibration(calibrator, { logits, classes: LABELS.length, labels });
  const calls = singleCalls(calibration.scores, calibration.outcomes);
  const gateOf = (promise: Promised): GateResult =>
    chooseThreshold({ outOfFold: calls, sealed: calls, ...options, promise });
  const { promise = "delivered" } = options;
  return {
    outOfFold: calibration,
    calibration,
    outOfFoldCalls: calls,
    sealedCalls: calls,
    gate: gateOf(promise),
    other: gateOf(promise === "delivered" ? "kept" : "delivered"),
    runtimes: undefined,
  };
}

describe("publishing a student again", () => {
  const from = writeExported("bert-wordpiece", folder.path, WIDE);
  const to = join(folder.path, "published");
  const fourBit = join(to, INT4_FILE);
  const publish = (rows: number) =>
    publishStudent({ from, to, name: "support", prove: (manifest) => proofOf(manifest, rows) });

  it("keeps the 4-bit graph that was added", async () => {
    publish(200);
    await addFourBitGraph(to);
    const manifest = readFileSync(join(to, "joryu.json"), "utf8");
    expect(publish(200).manifest.evaluation?.sealedRows).toBe(200);
    expect(existsSync(fourBit)).toBe(true);
    expect(readFileSync(join(to, "joryu.json"), "utf8")).toBe(manifest);
  });

  it("writes the folder anew where the proof is another one or the manifest is damaged", () => {
    publish(201);
    expect(existsSync(fourBit)).toBe(false);
    writeFileSync(join(to, "joryu.json"), "{");
    publish(201);
    expect(JSON.parse(readFileSync(join(to, "joryu.json"), "utf8"))).toMatchObject({ evaluation: { sealedRows: 201 } });
  });
});

describe("the gate of a published student", () => {
  const from = writeExported("bert-wordpiece", join(folder.path, "gates"), WIDE);

  it.each(["delivered", "kept"] as const)("is the one that was proved, promise %s", (promise) => {
    const to = join(folder.path, `gate-${promise}`);
    const options = { promise, epsilon: 0.03, delta: 0.05 };
    publishStudent({ from, to, name: "support", prove: (manifest) => proofOf(manifest, 200, options) });
    expect(JSON.parse(readFileSync(join(to, "joryu.json"), "utf8"))).toMatchObject({
      gate: { ...options, threshold: 0, coverage: 1 },
      evaluation: { sealedRows: 200, sealedCalls: 200, agreement: { value: 1 } },
    });
  });

  it("stands beside an agreement that goes by group", () => {
    const { manifest } = publishStudent({
      from,
      to: join(folder.path, "gate-groups"),
      name: "support",
      prove: (each) => {
        const proof = proofOf(each, 200);
        const groups = Array.from({ length: 200 }, (_, call) => Math.floor(call / 10));
        return { ...proof, sealedCalls: { ...proof.sealedCalls, groups } };
      },
    });
    expect(manifest.evaluation?.agreement.low).toBeCloseTo(clopperPearson(20, 20).low, 12);
  });

  it("has no coverage where there is no threshold", () => {
    const to = join(folder.path, "gate-none");
    const { manifest } = publishStudent({ from, to, name: "support", prove: (each) => proofOf(each, 20) });
    expect(manifest.gate).toEqual({
      promise: "delivered",
      threshold: null,
      epsilon: 0.02,
      delta: 0.05,
      coverage: null,
    });
  });
});
