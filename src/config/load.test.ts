import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { ConfigError } from "../errors.js";
import { loadConfig, parseConfig, secretFromEnvironment, threadsFromEnvironment } from "./load.js";
import { nearest } from "./nearest.js";

const folder = mkdtempSync(join(tmpdir(), "joryu-config-"));
const path = join(folder, "joryu.yaml");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function load(text: string, flags = {}): ReturnType<typeof loadConfig> {
  writeFileSync(path, text);
  return loadConfig(path, flags);
}

describe("loadConfig", () => {
  it("fills defaults in where neither file nor flags say anything", () => {
    expect(loadConfig(undefined, {})).toMatchObject({
      out: ".joryu",
      minutes: 20,
      seed: 1,
      lang: "en",
      target: { agreement: 0.98 },
    });
    expect(load("")).toEqual(loadConfig(undefined, {}));
  });

  it("lets flags win over the file and the file over the defaults", () => {
    const config = load("minutes: 3\nseed: 5\ntarget: { p95Ms: 4 }\n", { seed: 7, minutes: undefined });
    expect(config).toMatchObject({ minutes: 3, seed: 7, target: { agreement: 0.98, p95Ms: 4 } });
  });

  it("takes a promise beside the target and within it, and refuses a word that is none", () => {
    expect(load("promise: kept").promise).toBe("kept");
    expect(load("target: { promise: delivered }").target.promise).toBe("delivered");
    expect(load("").promise).toBeUndefined();
    for (const text of ["promise: keep", "target: { promise: keep }"]) expect(() => load(text)).toThrow(/promise/);
  });

  it("takes log files of a configuration relative to it, those of flags as they are", () => {
    expect(load("logs: [a.jsonl, /b.jsonl]").logs).toEqual([join(folder, "a.jsonl"), resolve("/b.jsonl")]);
    expect(load("logs: [a.jsonl]", { logs: ["c.jsonl"] }).logs).toEqual(["c.jsonl"]);
  });

  it.each([
    ["minuts: 3", /unknown key minuts; did you mean minutes\?/],
    ["target:\n  p99Ms: 3", /unknown key target\.p99Ms; did you mean p95Ms\?/],
    ["columns:\n  inptu: a", /columns\.inptu; did you mean input\?/],
    ["__proto__: 1", /unknown key __proto__/],
    ["minutes: soon", /minutes/],
    ["target:\n  agreement: 98", /target\.agreement/],
    ["label:\n  timeoutSeconds: 301", /label\.timeoutSeconds: expected at most 300/],
    ["- 1", /expected settings, got a list/],
    ["just text", /expected settings, got string/],
    ["a: [", /joryu\.yaml: /],
    ["a: &a [*a, *a]", /joryu\.yaml: /],
  ])("refuses %j in one line", (text, message) => {
    expect(() => load(text)).toThrow(ConfigError);
    expect(() => load(text)).toThrow(message);
    try {
      load(text);
    } catch (error) {
      expect(String(error).split("\n")).toHaveLength(1);
    }
  });

  it("refuses brackets nested 100,000 deep", () => {
    expect(() => load("[".repeat(100_000))).toThrow(ConfigError);
  });

  it("names the file that cannot be read", () => {
    expect(() => loadConfig(join(folder, "absent.yaml"), {})).toThrow(/absent\.yaml: cannot read/);
    expect(() => loadConfig(folder, {})).toThrow(/cannot read/);
  });

  it("lays the flags of a section over the file's section, key by key", () => {
    const config = load("label: { model: a, samples: 3 }\nteacher: { pricePer1kUsd: 2 }", {
      label: { model: "b", samples: undefined },
      teacher: { inputUsdPerMillion: 1 },
    });
    expect(config.label).toMatchObject({ model: "b", samples: 3, concurrency: 8 });
    expect(config.teacher).toEqual({ pricePer1kUsd: 2, inputUsdPerMillion: 1 });
    expect(() => loadConfig(undefined, { label: { topLogprobs: 21 } })).toThrow(/^--top-logprobs: /);
  });

  it("checks what flags say as it checks the file", () => {
    expect(() => loadConfig(undefined, { minutes: -1 })).toThrow(/^--minutes: /);
    expect(() => loadConfig(undefined, { callsPerMonth: -1 })).toThrow(/^--calls-per-month: /);
    expect(() => parseConfig({ seed: 1.5 }, "here")).toThrow(/here: seed/);
  });
});

describe("nearest", () => {
  it("finds the known word with the fewest edits, whatever the case", () => {
    expect(nearest("AGREMENT", ["p95Ms", "agreement", "sizeMb"])).toBe("agreement");
    expect(nearest("x".repeat(100_000), ["a", "xx"])).toBe("xx");
    expect(nearest("a", [])).toBe("");
  });
});

describe("secretFromEnvironment", () => {
  it("gives what the named variable holds, and never tells it in an error", () => {
    const name = "JORYU_TEST_SECRET";
    process.env[name] = " visible-only-here\n";
    expect(secretFromEnvironment(name)).toBe("visible-only-here");
    for (const value of ["two words", "schlüssel", "a\nb"]) {
      process.env[name] = value;
      expect(() => secretFromEnvironment(name)).toThrow(ConfigError);
      expect(() => secretFromEnvironment(name)).not.toThrow(value);
    }
    delete process.env[name];
    expect(() => secretFromEnvironment(name)).toThrow(/JORYU_TEST_SECRET: not set/);
  });

  it("refuses a key that stands where its variable's name belongs, without repeating it", () => {
    expect(() => secretFromEnvironment("abc-secret-key")).toThrow(/not the key itself/);
    expect(() => secretFromEnvironment("abc-secret-key")).not.toThrow(/secret-key/);
  });
});

describe("threadsFromEnvironment", () => {
  it("takes JORYU_THREADS where it is a whole number above 0, the cores otherwise", () => {
    const before = process.env["JORYU_THREADS"];
    for (const [value, threads] of [
      ["3", 3],
      ["0", 8],
      ["many", 8],
      ["1.5", 8],
      ["100000", 256],
    ] as const) {
      process.env["JORYU_THREADS"] = value;
      expect(threadsFromEnvironment(8)).toBe(threads);
    }
    delete process.env["JORYU_THREADS"];
    expect(threadsFromEnvironment(8)).toBe(8);
    if (before !== undefined) process.env["JORYU_THREADS"] = before;
  });
});
