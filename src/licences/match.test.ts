/** @file The registry is sound, and names as logs and model cards have them find the entry that is meant, and no other. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isBlocking, licenceOfId, licenceOfModel, licenceOfText, strictest } from "./match.js";
import { LICENCES } from "./registry.js";

describe("the registry", () => {
  it("has one entry a name, each with a clause, where it stands and when it read so", () => {
    expect(new Set(LICENCES.map(({ name }) => name)).size).toBe(LICENCES.length);
    for (const entry of LICENCES) {
      expect(entry.name).toMatch(/^[a-z0-9.-]+$/);
      expect(entry.terms.length).toBeGreaterThan(20);
      expect(entry.source).toMatch(/^[a-z0-9.-]+\.[a-z]+\//i);
      expect(entry.checked).toMatch(/^2026-\d\d-\d\d$/);
      expect(entry.models ?? entry.ids).toBeDefined();
    }
  });
});

describe("licenceOfModel", () => {
  it.each([
    ["gpt-4o-mini-2024-07-18", "openai"],
    ["openai/gpt-4.1", "openai"],
    ["ft:gpt-4o-mini-2024-07-18:acme::abc", "openai"],
    ["gpt-35-turbo", "openai"],
    ["chatgpt-4o-latest", "openai"],
    ["o3-mini", "openai"],
    ["o1", "openai"],
    ["claude-3-5-haiku-20241022", "anthropic"],
    ["us.anthropic.claude-sonnet-4-20250514-v1:0", "anthropic"],
    ["openrouter/anthropic/claude-3.7-sonnet", "anthropic"],
    ["models/gemini-2.5-flash", "gemini"],
    ["qwen-max", "qwen-hosted"],
    ["qwen3-max", "qwen-hosted"],
    ["deepseek-chat", "deepseek"],
    ["meta-llama/Meta-Llama-3-8B-Instruct", "llama-3"],
    ["llama3-70b-8192", "llama-3"],
    ["llama-2-13b-chat", "llama-3"],
    ["meta-llama/Llama-3.1-8B-Instruct", "llama-3.1"],
    ["meta.llama3-1-70b-instruct-v1:0", "llama-3.1"],
    ["accounts/fireworks/models/llama-v3p1-70b-instruct", "llama-3.1"],
    ["llama3.2:1b", "llama-3.1"],
    ["Llama-4-Scout-17B-16E-Instruct", "llama-3.1"],
    ["google/gemma-2-9b-it", "gemma"],
    ["gemma-7b-it", "gemma"],
    ["gemma3:4b", "gemma"],
    ["openai/gpt-oss-20b", "apache-2.0"],
  ])("puts %s under %s", (model, name) => {
    expect(licenceOfModel(model)?.name).toBe(name);
  });

  it.each([
    "linear-teacher",
    "gpt2",
    "EleutherAI/gpt-j-6b",
    "gpt-neox-20b",
    "gpt4all-j",
    "qwen2.5-7b-instruct",
    "mistral-small-latest",
    "deepseek-r1-distill-llama-70b",
    "google/gemma-4-31b-it",
    "llama-65b",
    "our-claude-like-model",
    "codellama:7b",
    "o",
    "",
  ])("knows nothing of %s", (model) => {
    expect(licenceOfModel(model)).toBeUndefined();
  });

  it("takes any text for a name", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const entry = licenceOfModel(text);
        expect(entry === undefined || LICENCES.includes(entry)).toBe(true);
      }),
    );
  });
});

describe("licenceOfId", () => {
  it.each([
    ["Apache-2.0", "apache-2.0"],
    ["mit", "mit"],
    ["cc-by-nc-4.0", "cc-by-nc"],
    ["CC-BY-NC-SA-4.0", "cc-by-nc"],
    ["cc-by-nc-nd-4.0", "cc-by-nc-nd"],
    ["cc-by-4.0", "cc-by"],
    ["llama3.2", "llama-3.1"],
    ["gemma", "gemma"],
  ])("puts %s under %s", (id, name) => {
    expect(licenceOfId(id)?.name).toBe(name);
  });

  it("knows only whole ids", () => {
    for (const id of ["mit-like", "not-mit", "cc-by-nc-4.0-custom", "other", ""])
      expect(licenceOfId(id)).toBeUndefined();
  });
});

describe("licenceOfText", () => {
  it.each([
    [
      "                                 Apache License\n                           Version 2.0, January 2004",
      "apache-2.0",
    ],
    ["MIT License\n\nPermission is hereby granted, free of\ncharge, to any person", "mit"],
    ["Attribution-NonCommercial-NoDerivatives 4.0 International", "cc-by-nc-nd"],
    ["Creative Commons Attribution-NonCommercial 4.0 International", "cc-by-nc"],
    ["Creative Commons Attribution-ShareAlike 4.0 International", "cc-by-sa"],
    ["Attribution 4.0 International", "cc-by"],
    ["META LLAMA 3 COMMUNITY LICENSE AGREEMENT", "llama-3"],
    ["LLAMA 3.2 COMMUNITY LICENSE AGREEMENT", "llama-3.1"],
  ])("knows %j as %s", (words, name) => {
    expect(licenceOfText(words)?.name).toBe(name);
  });

  it("knows no other text", () => {
    expect(licenceOfText("All rights reserved.")).toBeUndefined();
  });
});

describe("what stops a run", () => {
  it("is what terms forbid of answers for a teacher, and of use and change for a base", () => {
    expect(isBlocking("teacher", "outputs-restricted")).toBe(true);
    expect(isBlocking("base", "outputs-restricted")).toBe(false);
    expect(isBlocking("base", "non-commercial")).toBe(true);
    expect(isBlocking("base", "no-derivatives")).toBe(true);
    for (const subject of ["base", "teacher"] as const)
      for (const status of ["allowed", "conditions", "unknown"] as const)
        expect(isBlocking(subject, status)).toBe(false);
  });

  it("is the strictest of several", () => {
    const entries = ["mit", "cc-by-nc-4.0", "cc-by-4.0"].flatMap((id) => licenceOfId(id) ?? []);
    expect(strictest(entries)?.name).toBe("cc-by-nc");
    expect(strictest([])).toBeUndefined();
  });
});
