import { describe, expect, it } from "vitest";
import { repeatsRepetition } from "./repetition.js";

describe("a repetition inside a repeated group", () => {
  it.each([
    "(a+)+",
    "(?:a*)*b",
    "((ab)+c)*",
    "(?:x|(?:y{2,})z)+",
    "(?<name>\\p{L}+)+$",
    "(a{1,3}){2,}",
    "(?:\\s+|b)*?",
    "((a+))+",
    "(a+){10}b",
    "(?:a+|b){2}",
  ])("is found in %s", (source) => {
    expect(repeatsRepetition(new RegExp(source, "gu").source)).toBe(true);
  });

  it.each([
    // Those of GPT-2, Llama 3, o200k and DeepSeek.
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
    "(?:'[sS]|'[tT])|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}]*[\\p{Ll}\\p{M}]+(?:'s|'t)?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*",
    "[!\"#$%&'()*+,\\-.\\/:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+",
    "\\p{N}{1,3}(?=(?:\\p{N}{3})*(?!\\p{N}))",
    "(?:\\p{N}{3})+",
    "(a+)b+",
    "(a+)(b)+",
    "(a+)?",
    "(a+){0,1}",
    "(a+){1}",
    "[(a+)]+",
    "\\(a+\\)+",
    " {2,}",
  ])("is not in %s", (source) => {
    expect(repeatsRepetition(new RegExp(source, "gu").source)).toBe(false);
  });
});
