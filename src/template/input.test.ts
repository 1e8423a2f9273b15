/** @file What can be asked, what cannot, and why. */
import { describe, expect, it } from "vitest";
import { isStudentInput, parseInput } from "./input.js";

const user = { role: "user", content: "hello" };
const answer = { role: "assistant", content: "greeting" };

describe("parseInput", () => {
  it("takes texts, messages and objects with either", () => {
    for (const value of ["hello", { text: "hello" }, { text: "hello", messages: 3 }]) {
      expect(parseInput(value)).toBe("hello");
    }
    for (const value of [[user], { messages: [user] }, { messages: [user], text: 1 }]) {
      expect(parseInput(value)).toEqual([user]);
    }
  });

  it("reads parts of text, no content, and the roles of the chat API", () => {
    const parts = [{ type: "text", text: "hel" }, "lo"];
    expect(
      parseInput([{ role: "developer", content: parts }, { role: "tool" }, { role: "function", content: null }]),
    ).toEqual([
      { role: "system", content: "hello" },
      { role: "tool", content: "" },
      { role: "tool", content: "" },
    ]);
  });

  it("leaves the answer out that ends the messages, one message alone", () => {
    expect(parseInput([user, answer])).toEqual([user]);
    expect(parseInput([user, { role: "assistant", content: null, tool_calls: [] }])).toEqual([user]);
    expect(parseInput([user, answer, answer])).toEqual([user, answer]);
    expect(parseInput([user, answer, user])).toEqual([user, answer, user]);
  });

  it.each([
    ["null", null, "expected a text or messages, came null"],
    ["nothing", undefined, "expected a text or messages, came undefined"],
    ["a number", 7, "expected a text or messages, came number"],
    ["one message", user, "expected a text or messages, came an object without either"],
    ["a text that is none", { text: 1 }, "expected a text or messages, came an object without either"],
    ["no message", [], "`messages` is empty"],
    ["messages that are no list", { messages: 3 }, "`messages` is missing or not a list"],
    ["texts for messages", ["a", "b"], "a message is not an object"],
    ["another role", [{ role: "customer", content: "x" }], "a message has an unknown role"],
    ["a role that every object has", [{ role: "constructor", content: "x" }], "a message has an unknown role"],
    ["a number for content", [{ role: "user", content: 3 }], "a message's content is neither text nor a list of parts"],
    [
      "a picture",
      [{ role: "user", content: [{ type: "image_url", image_url: {} }] }],
      "a message holds something that is not text (image, audio or file)",
    ],
    ["instructions alone", [{ role: "system", content: "x" }], "the messages ask nothing: none of them is the user's"],
    ["an answer alone", [answer], "the messages ask nothing: none of them is the user's"],
  ])("says why it cannot read %s", (_, value, reject) => {
    expect(parseInput(value)).toEqual({ reject });
    expect(isStudentInput(value)).toBe(false);
  });
});
