/** @file The parsers never throw and never lose count, whatever JSON or bytes they are given. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodingOf } from "./encoding.js";
import { isRejection, timeMsOf } from "./fields.js";
import { batchHalf, parseBatchPair } from "./formats/openai-batch.js";
import { generic } from "./formats/generic.js";
import { formatOf, recordFormats } from "./formats/index.js";
import { recordsOf } from "./formats/format.js";
import { parseLine } from "./json-line.js";
import { isJsonObject } from "../json.js";

const names = [
  "messages",
  "role",
  "content",
  "request",
  "response",
  "choices",
  "message",
  "input",
  "output",
  "text",
  "label",
  "usage",
  "reqPayload",
  "respPayload",
  "conversations",
  "from",
  "value",
  "custom_id",
  "body",
  "tool_calls",
  "function",
  "logprobs",
  "__proto__",
];
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom(null, true, 0, 1e18, "", "user", "assistant", "text"),
    fc.string(),
    tie("list"),
    tie("object"),
  ),
  list: fc.array(tie("any"), { maxLength: 4 }),
  object: fc.dictionary(fc.constantFrom(...names), tie("any"), { maxKeys: 6 }),
})).object;

describe("parsers", () => {
  it("turn any object into a record with an answer or a tool call, or a rejection with a reason", () => {
    fc.assert(
      fc.property(value, (object) => {
        if (!isJsonObject(object)) return;
        formatOf(object, {});
        batchHalf(object);
        for (const parsed of [
          ...recordFormats.map((format) => format.parse(object, {})),
          parseBatchPair(object, object),
        ]) {
          for (const one of recordsOf(parsed)) {
            if (isRejection(one)) expect(one.reject).not.toBe("");
            else expect(one.answer.trim() !== "" || one.toolCalls !== undefined).toBe(true);
          }
        }
      }),
      { numRuns: 1_000, seed: 1 },
    );
  });

  it("take the right answer as the answer where a generic row holds no other", () => {
    const columnsOf = (row: Record<string, string>): unknown => {
      const [parsed] = recordsOf(generic.parse(row, {}));
      if (parsed === undefined) return undefined;
      return isRejection(parsed) ? parsed : [parsed.answer, parsed.gold];
    };
    expect(columnsOf({ text: "カードをなくした", gold: "紛失" })).toEqual(["紛失", "紛失"]);
    expect(columnsOf({ text: "lost it", output: "fee", gold: "lost" })).toEqual(["fee", "lost"]);
  });

  it("read a line as JSON.parse does, or reject it", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.json()), (text) => {
        const parsed = parseLine(text);
        if (!isRejection(parsed) && !parsed.replacedSurrogates) expect(parsed.value).toEqual(JSON.parse(text));
      }),
      { numRuns: 300, seed: 2 },
    );
  });

  it("find an encoding for any bytes and a whole number for any time", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(["utf-8", "shift_jis", "euc-jp", "windows-1252"]).toContain(encodingOf(Buffer.from(bytes)));
      }),
      { seed: 3 },
    );
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.double(), fc.constant(null)), (time) => {
        const ms = timeMsOf(time);
        expect(ms === undefined || Number.isInteger(ms)).toBe(true);
      }),
      { seed: 4 },
    );
  });

  it("read epochs in seconds, milliseconds, microseconds and nanoseconds alike", () => {
    for (const time of [
      1_700_000_000,
      1_700_000_000_000,
      1_700_000_000_000_000,
      1.7e18,
      "1700000000",
      "2023-11-14T22:13:20Z",
      "2023-11-14 22:13:20",
    ]) {
      expect(timeMsOf(time)).toBe(1_700_000_000_000);
    }
  });
});
