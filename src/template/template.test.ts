/** @file Templates: found where they are, not found where they are not, and stripped without loss. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findAffixes } from "../dataset/find-template.js";
import { stripAffixes } from "./affixes.js";
import { readPrompt, stripTemplate } from "./template.js";

const texts = Array.from(
  { length: 60 },
  (_, i) => `${["Where is", "I lost", "Why did", "When will", "カードが"][i % 5]} my thing ${i * 7919}?`,
);

describe("findAffixes", () => {
  it("finds instructions before and after the customer's words", () => {
    const prefix = 'Classify the message into one of: a, b, c.\n\nMessage: "';
    const suffix = '"\n\nAnswer with the label only.';
    expect(findAffixes(texts.map((text) => prefix + text + suffix))).toEqual({ prefix, suffix });
  });

  it("finds a quote that closes what the prefix opens, and Japanese instructions", () => {
    expect(findAffixes(texts.map((text) => `次の問い合わせを分類してください。\n「${text}」`))).toEqual({
      prefix: "次の問い合わせを分類してください。\n「",
      suffix: "」",
    });
  });

  it("eats no real text: shared first words, question marks and few messages are no template", () => {
    expect(findAffixes(texts)).toEqual({ prefix: "", suffix: "" });
    expect(findAffixes(texts.map((text) => `I want to know. ${text}`))).toEqual({ prefix: "", suffix: "" });
    expect(findAffixes(texts.slice(0, 9).map((text) => `Message: ${text}`))).toEqual({ prefix: "", suffix: "" });
  });

  it("tolerates the one message in twenty that lacks the template", () => {
    const messages = texts.map((text, i) => (i % 25 === 3 ? text : `Ticket text:\n${text}`));
    expect(findAffixes(messages).prefix).toBe("Ticket text:\n");
  });

  it("is undone by putting the parts back, for any prefix, suffix and texts", () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.string(),
        fc.array(fc.string(), { minLength: 12, maxLength: 20 }),
        (before, after, middles) => {
          const messages = middles.map((middle) => `${before}\nText: ${middle}\n${after}`);
          const { prefix, suffix } = findAffixes([...new Set(messages)]);
          for (const message of messages) {
            const text = stripAffixes(message, prefix, suffix);
            const start = message.startsWith(prefix) ? prefix : "";
            expect([start + text + suffix, start + text]).toContain(message);
          }
        },
      ),
      { seed: 1 },
    );
  });

  it("strips a template from a constructed prompt exactly", () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1 }),
        fc.string({ minLength: 1 }),
        fc.string(),
        (userPrefix, userSuffix, text) => {
          expect(stripTemplate(userPrefix + text + userSuffix, { system: "", userPrefix, userSuffix })).toBe(text);
        },
      ),
      { seed: 2 },
    );
  });
});

describe("stripTemplate", () => {
  const template = { system: "Route.", userPrefix: "Message: ", userSuffix: "" };

  it("gives the same text for bare text, a templated text and whole messages", () => {
    const messages = [
      { role: "system", content: "Route." },
      { role: "user", content: "Message: hello" },
    ];
    for (const input of ["hello", "Message: hello", messages]) expect(stripTemplate(input, template)).toBe("hello");
  });

  it("joins earlier turns before the last user message", () => {
    const messages = [
      { role: "user", content: "Message: hello" },
      { role: "assistant", content: "which card?" },
      { role: "user", content: "Message: the red one" },
    ];
    expect(stripTemplate(messages, template)).toBe("user: hello\nassistant: which card?\nthe red one");
  });

  it("says whether the template stood around what was asked last", () => {
    const stateOf = (input: Parameters<typeof readPrompt>[0], userSuffix = ""): string =>
      readPrompt(input, { ...template, userSuffix }).template;
    const earlier = [
      { role: "user", content: "hello" },
      { role: "assistant", content: "which card?" },
    ];
    expect(stateOf("Message: hello")).toBe("stripped");
    expect(stateOf("hello")).toBe("absent");
    expect(stateOf([...earlier, { role: "user", content: "Message: the red one" }])).toBe("stripped");
    expect(stateOf(earlier)).toBe("absent");
    expect(stateOf([{ role: "tool", content: "Message: hello" }])).toBe("absent");
    expect(stateOf("Message: hello", "</m>")).toBe("absent");
    expect(stateOf("Message: hello</m>", "</m>")).toBe("stripped");
    for (const input of ["hello", earlier, []]) {
      expect(readPrompt(input, { system: "Route.", userPrefix: "", userSuffix: "" }).template).toBe("none");
    }
  });
});
