import { describe, expect, it } from "vitest";
import { parseColumns } from "./columns-option.js";

describe("--columns", () => {
  it.each([
    [undefined, {}],
    ["input=question,output=answer", { input: "question", output: "answer" }],
    [" input = the question , gold=正解 ", { input: "the question", gold: "正解" }],
    ["input=2,output=1", { input: "2", output: "1" }],
    ["output=a=b", { output: "a=b" }],
  ])("%s", (list, columns) => {
    expect(parseColumns(list)).toEqual(columns);
  });

  it.each([
    ["question", '--columns: expected key=column, got "question"'],
    ["input=", '--columns: expected key=column, got "input="'],
    ["", '--columns: expected key=column, got ""'],
    ["outptu=a", '--columns: unknown key "outptu", did you mean output?'],
    ["input=a,input=b", "--columns: input is given twice"],
  ])("refuses %s", (list, message) => {
    expect(() => parseColumns(list)).toThrow(message);
  });
});
