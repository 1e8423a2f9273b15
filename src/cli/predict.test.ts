/** @file What a line of the command line asks. */
import { describe, expect, it } from "vitest";
import { inputOfLine } from "./predict.js";

describe("inputOfLine", () => {
  it("hands over what a line holds as JSON", () => {
    const messages = [
      { role: "user", content: "Q: what?" },
      { role: "assistant", content: "letter" },
    ];
    for (const value of ["Q: what?", { text: "Q: what?" }, messages, { messages }]) {
      expect(inputOfLine(JSON.stringify(value))).toEqual(value);
    }
  });

  it("takes for text what is no JSON or holds neither text nor messages", () => {
    const lines = ["{ not JSON", '"open', '{"other":1}', '{"messages":3}', '{"messages":[]}', "[]", '["a"]', "plain"];
    for (const line of lines) expect(inputOfLine(line)).toBe(line);
  });
});
