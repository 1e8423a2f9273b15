/** @file Affixes are found however their white space is written, and nothing of the customer's goes with them. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { takeAffixes } from "./affixes.js";

const PREFIX = 'Route the ticket.\n\nTicket: "';
const SUFFIX = '"\n\nAnswer with one label.\n';

describe("takeAffixes", () => {
  it.each([
    ["as they are written", `${PREFIX}my card${SUFFIX}`],
    ["with other line endings", `${PREFIX}my card${SUFFIX}`.replaceAll("\n", "\r\n")],
    ["with the line endings of old files", `${PREFIX}my card${SUFFIX}`.replaceAll("\n", "\r")],
    ["in a message without white space at its ends", `${PREFIX}my card${SUFFIX}`.trim()],
    ["in a message with more white space at its ends", `\n ${PREFIX}my card${SUFFIX} \r\n`],
  ])("takes affixes off that stand there %s", (_, message) => {
    expect(takeAffixes(message, PREFIX, SUFFIX)).toEqual({ text: "my card", complete: true });
  });

  it("takes affixes off that were learned with \\r\\n and come with \\n", () => {
    const [prefix, suffix] = [PREFIX, SUFFIX].map((affix) => affix.replaceAll("\n", "\r\n"));
    const message = `${PREFIX}two\nlines${SUFFIX}`;
    expect(takeAffixes(message, prefix ?? "", suffix ?? "")).toEqual({ text: "two\nlines", complete: true });
  });

  it.each([
    ["Text:\n", "\n</text>", "Text: hello </text>"],
    ["Text: ", "", "Text:hello"],
    ["Text: ", "", "Text:\n\nhello"],
    ["Decide what the customer wants ", "", "Decide what the customer wants\nhello"],
    ["Ticket\n", "\nEnd of the ticket", "Ticket  \nhello\n\tEnd of the ticket"],
  ])("takes %j and %j off %j, where only white space before or behind the text differs", (prefix, suffix, message) => {
    expect(takeAffixes(message, prefix, suffix)).toEqual({ text: "hello", complete: true });
  });

  it("keeps the line endings and the white space of the text itself", () => {
    const text = "  one\r\ntwo\rthree\n\n";
    for (const ending of ["\n", "\r\n"]) {
      const [prefix, suffix] = ["Ticket:\n<t>".replace("\n", ending), "</t>"];
      expect(takeAffixes(prefix + text + suffix, "Ticket:\n<t>", "</t>").text).toBe(text);
    }
    expect(takeAffixes(`Ticket:\r\n  indented`, "Ticket:\n", "").text).toBe("  indented");
  });

  it.each([
    ["words that go on where the prefix ends", "Decide what ", "", "Decide whatever"],
    ["a bracket that begins a word", "[Ticket] ", "", "[Ticket]s are lost"],
    ["words of a line that the suffix has for itself", "", "\nLabel", "which is the Label"],
    ["words joined to those of the suffix", "", " Answer with the label", "reAnswer with the label"],
    ["another case", "Ticket: ", "", "ticket: hello"],
    ["a part of the prefix", "Ticket: ", "", "Ticket"],
    ["a prefix further on", "Ticket: ", "", "my Ticket: hello"],
    ["a closing quote without its prefix", 'Ticket: "', '"', 'the button says "pay"'],
    ["a suffix in other white space without its prefix", "Ticket: ", "\n</t>", "I wrote </t>"],
    ["white space where the template is white space", "\n\n\n\n", "", "\n hello"],
  ])("leaves %s to the customer", (_, prefix, suffix, message) => {
    expect(takeAffixes(message, prefix, suffix)).toEqual({ text: message, complete: false });
  });

  it("takes off the one that stands there, and says that the other did not", () => {
    expect(takeAffixes(`${PREFIX}my card`, PREFIX, SUFFIX)).toEqual({ text: "my card", complete: false });
    expect(takeAffixes(`my card${SUFFIX}`, PREFIX, SUFFIX)).toEqual({ text: "my card", complete: false });
  });

  it("reads an empty text between its affixes, and no suffix out of the prefix", () => {
    expect(takeAffixes(PREFIX + SUFFIX, PREFIX, SUFFIX)).toEqual({ text: "", complete: true });
    expect(takeAffixes("Text:\nAnswer", "Text:\n", "\nAnswer")).toEqual({ text: "", complete: true });
    expect(takeAffixes("a: b", "a: b", ": b")).toEqual({ text: "", complete: false });
    expect(takeAffixes("x:\r\n", "x:\r", "\r\n")).toMatchObject({ complete: false });
  });

  it("gives the text of any message whose line endings and outer white space were changed", () => {
    const ending = fc.constantFrom("\n", "\r\n", "\r");
    const outer = fc.stringMatching(/^[ \t\n\r]{0,3}$/);
    const word = fc.stringMatching(/^[a-z]{1,8}$/);
    fc.assert(
      fc.property(word, fc.string(), word, ending, outer, outer, (before, text, after, lineEnd, lead, trail) => {
        const [prefix, suffix] = [`${before}\n<t>`, `</t>\n${after}\n`];
        const written = (affix: string): string => affix.replaceAll("\n", lineEnd);
        const message = lead + written(prefix) + text + written(suffix).trimEnd() + trail;
        expect(takeAffixes(message, prefix, suffix)).toEqual({ text, complete: true });
      }),
      { seed: 3 },
    );
  });

  it("takes nothing off a text without the template", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "B", " ", "\n", "\r", '"', ":", "」", "<", "漢") });
    fc.assert(
      fc.property(text, (message) => {
        expect(takeAffixes(message, PREFIX, SUFFIX)).toEqual({ text: message, complete: false });
      }),
      { seed: 4 },
    );
  });

  it("reads long runs of white space and long texts once", () => {
    const space = " \r\n".repeat(400_000);
    expect(takeAffixes(space, PREFIX, SUFFIX)).toEqual({ text: space, complete: false });
    const long = '"\n\nAnswer with one '.repeat(60_000);
    expect(takeAffixes(`${PREFIX}${long}${SUFFIX}`, PREFIX, SUFFIX)).toEqual({ text: long, complete: true });
  });
});
