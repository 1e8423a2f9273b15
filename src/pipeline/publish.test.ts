/** @file The proved folder is written once, and what was added to it since stays. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { LABELS, WIDE, writeExported } from "../../test/exported.js";
import { temporaryFolder } from "../../test/joryu.js";
import { measureCalibration } from "../evaluate/calibration.js";
import { chooseThreshold } from "../evaluate/gate.js";
import { addFourBitGraph } from "../export/four-bit.js";
import { INT4_FILE, type StudentManifest } from "../student/manifest.js";
import type { Proof } from "./prove.js";
import { publishStudent } from "./publish.js";

const folder = temporaryFolder();
afterAll(() => folder.remove());

/** Proves as many rows as are told, all of them answered rightly. */
function proofOf({ calibrator }: StudentManifest, rows: number): Proof {
  const labels = new Array<number>(rows).fill(0);
  const logits = Float32Array.from({ length: rows * LABELS.length }, (_value, i) => (i % LABELS.length === 0 ? 3 : 0));
  const calibration = measureCalibration(calibrator, { logits, classes: LABELS.length, labels });
  const { scores, outcomes } = calibration;
  const gate = chooseThreshold({
    oofScores: scores,
    oofCorrect: outcomes,
    sealedScores: scores,
    sealedCorrect: outcomes,
  });
  return { outOfFold: calibration, calibration, gate };
}

describe("publishing a student again", () => {
  const from = writeExported("bert-wordpiece", folder.path, WIDE);
  const to = join(folder.path, "published");
  const fourBit = join(to, INT4_FILE);
  const publish = (rows: number) => publishStudent({ from, to, prove: (manifest) => proofOf(manifest, rows) });

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
