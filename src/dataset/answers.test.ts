import { describe, expect, it } from "vitest";
import { unwrapAnswer } from "./answers.js";

describe("an answer unwrapped", () => {
  it.each([
    ["billing", "billing", []],
    ['"billing"', "billing", ["JSON"]],
    ['["billing"]', "billing", ["JSON", "a list of one"]],
    ["['billing']", "billing", ["JSON", "a list of one"]],
    ['["login", "Login"]', "login", ["JSON", "a list of one"]],
    ['{"role":"assistant","content":"billing"}', "billing", ["JSON", "a message"]],
    ['[{"type":"text","text":"billing"}]', "billing", ["JSON", "a list of one", "a message"]],
    ['[{"type":"text","text":"bil"},{"type":"text","text":"ling"}]', "billing", ["JSON", "text parts"]],
    ['{"choices":[{"message":{"content":"billing"}}]}', "billing", ["JSON", "a message"]],
    ["```\nbilling\n```", "billing", ["Markdown fence"]],
    ["<think>it may be login</think>\nbilling", "billing", ["reasoning"]],
    ["no start tag</think>billing", "billing", ["reasoning"]],
    ["<thinking>hm</thinking>billing", "billing", ["reasoning"]],
    [
      "<|channel|>analysis<|message|>login?<|end|><|start|>assistant<|channel|>final<|message|>billing<|return|>",
      "billing",
      ["reasoning (channels)"],
    ],
    ["It is about money.\n\nAnswer: billing", "billing", ["a phrase before it"]],
    ["Answer: login? No.\n**Final answer:** billing", "billing", ["a phrase before it"]],
    ["**Label: billing**", "billing", ["a phrase before it"]],
    ["The correct category is billing", "billing", ["a phrase before it"]],
    ["請求の話です。\n回答：請求", "請求", ["a phrase before it"]],
    ["答え: 請求", "請求", ["a phrase before it"]],
    ["<answer>billing</answer>", "billing", ["tags"]],
    ["So \\boxed{billing}", "billing", ["boxed"]],
    ["- billing", "billing", ["a bullet"]],
    ['[{"label":"a","score":0.2},{"label":"b","score":0.8}]', "b", ["JSON", "the highest score"]],
    ["true", "true", []],
    ["none", "none", []],
  ])("%s", (answer, text, unwrapped) => {
    expect(unwrapAnswer(answer)).toEqual({ kind: "text", text, unwrapped });
  });

  it.each([
    ['{"label": "billing"}', ["JSON"]],
    ['```json\n{"label": "billing"}\n```', ["Markdown fence", "JSON"]],
    ['Here you are: {"label": "billing"} as asked.', ["JSON among words"]],
    ["{'label': 'billing'}", ["JSON"]],
    ['"{\\"label\\": \\"billing\\"}"', ["JSON", "JSON"]],
    ['<think>x</think>Answer: {"label": "billing"}', ["reasoning", "JSON among words"]],
  ])("%s is an object", (answer, unwrapped) => {
    expect(unwrapAnswer(answer)).toEqual({ kind: "fields", fields: { label: "billing" }, unwrapped });
  });

  it.each([
    ["nan", "no value (null, None, NaN)"],
    ["None", "no value (null, None, NaN)"],
    ["null", "no value (null, None, NaN)"],
    ["[]", "an empty list or object"],
    ["{ }", "an empty list or object"],
    ['{"error":{"message":"overloaded"}}', "an error instead of an answer"],
    ['{"error":"overloaded"}', "an error instead of an answer"],
    ["I'm sorry, but I can't help with that.", "a refusal"],
    ["申し訳ありませんが、その質問にはお答えできません。", "a refusal"],
    ["<think>unfinished", "reasoning without an answer"],
    ["<think>done</think>", "reasoning without an answer"],
    ['["billing", "login"]', "several labels in one answer"],
    ["- billing\n- login", "several labels in one answer"],
  ])("%s is no label: %s", (answer, reason) => {
    expect(unwrapAnswer(answer)).toMatchObject({ kind: "none", reason });
  });

  it("is left as it stands where the prompt names it", () => {
    for (const answer of ["None", "Label: a", '["a", "b"]', "I'm sorry, wrong desk"]) {
      expect(unwrapAnswer(answer, (text) => text === answer)).toEqual({ kind: "text", text: answer, unwrapped: [] });
    }
  });

  it("ends for whatever is nested or broken", () => {
    for (const answer of ["[".repeat(5000), `${"[".repeat(50)}1${"]".repeat(50)}`, "```", "<|", "{", "\\boxed{", '"'])
      expect(["text", "none"]).toContain(unwrapAnswer(answer).kind);
  });
});
