/** @file Which of the joined students is taken. */
import { expect, it } from "vitest";
import { bestJoined } from "./ladder.js";
import { datasetOf, LABELS, rowsOf } from "./pretrained/tiny-base.test.fixture.js";
import type { OutOfFold } from "./train-context.js";

it("a joined student has the weight of the part that answers better out of fold", () => {
  const rows = rowsOf();
  const context = { dataset: datasetOf(rows), rows };
  const places = Uint32Array.from(rows.keys());
  const answering = (shift: number): OutOfFold => {
    const logits = new Float32Array(rows.length * LABELS.length);
    for (const [row, { label }] of rows.entries()) logits[row * LABELS.length + ((label + shift) % LABELS.length)] = 2;
    return { rows: places, logits };
  };
  const [right, wrong] = [answering(0), answering(1)];
  expect(bestJoined(context, right, wrong).linearRatio).toBe(0.6);
  expect(bestJoined(context, wrong, right).linearRatio).toBe(0.2);
});
