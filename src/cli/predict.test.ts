import { describe, expect, it } from "vitest";
import { textOfLine } from "./predict.js";

const TEMPLATE = { system: "Answer.", userPrefix: "Q: ", userSuffix: "" };

describe("textOfLine", () => {
  it("takes the template off once, as training does, whatever the line is", () => {
    const text = "Q: Q: what is Q?";
    const messages = [{ role: "user", content: text }];
    const answered = [...messages, { role: "assistant", content: "letter" }];
    for (const value of [text, { text }, { messages }, { messages: answered }]) {
      expect(textOfLine(JSON.stringify(value), TEMPLATE)).toBe("Q: what is Q?");
    }
    expect(textOfLine(text, TEMPLATE)).toBe("Q: what is Q?");
  });

  it("takes for text what is no JSON or holds none", () => {
    for (const line of ["{ not JSON", '"open', '{"other":1}', '{"messages":3}', "plain"]) {
      expect(textOfLine(line, TEMPLATE)).toBe(line);
    }
  });
});
