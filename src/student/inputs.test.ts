import { describe, expect, it } from "vitest";
import { InputError } from "../errors.js";
import { readInputs } from "./inputs.js";

const TEMPLATE = { system: "", userPrefix: "Q: ", userSuffix: "" };

describe("the inputs of a student", () => {
  it("are texts or messages, in order, each without the template", () => {
    const asked = [
      "Q: one",
      { text: "two" },
      [{ role: "user", content: "Q: three" }],
      { messages: [{ role: "user", content: "Q: four" }] },
    ];
    expect(readInputs(asked, TEMPLATE)).toEqual([
      { text: "one", template: "stripped" },
      { text: "two", template: "absent" },
      { text: "three", template: "stripped" },
      { text: "four", template: "stripped" },
    ]);
    expect(readInputs([], TEMPLATE)).toEqual([]);
  });

  it.each([
    [null, "null"],
    ["one text", "string"],
    [{ text: "one" }, "object"],
    [undefined, "undefined"],
  ])("are an array: %o is none", (inputs, came) => {
    expect(() => readInputs(inputs, TEMPLATE)).toThrow(InputError);
    expect(() => readInputs(inputs, TEMPLATE)).toThrow(`predict: expected an array of inputs, came ${came}`);
  });

  it("are refused by the index of the first that cannot be read, a hole too", () => {
    expect(() => readInputs(["fine", 5, null], TEMPLATE)).toThrow(/predict: inputs\[1\]: /);
    // oxlint-disable-next-line no-sparse-arrays
    expect(() => readInputs(["fine", , "fine"], TEMPLATE)).toThrow(/predict: inputs\[1\]: /);
  });
});
