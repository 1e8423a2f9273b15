/** @file Terms stop a run in one line until they are acknowledged by name; the others are noted. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { UsageError } from "../errors.js";
import type { LicenceFacts } from "../report/facts.js";
import { checkAcknowledged, licencesOf, noteLicences, stopAtBlocked } from "./licence-gate.js";

const root = mkdtempSync(join(tmpdir(), "joryu-gate-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function base(name: string, licence: string): string {
  const folder = join(root, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "README.md"), `---\nlicense: ${licence}\n---\n`);
  return folder;
}

function notesOf(licences: readonly LicenceFacts[]): string[] {
  const notes: string[] = [];
  noteLicences(licences, { update: () => undefined, note: (text) => notes.push(text) });
  return notes;
}

describe("teachers", () => {
  it("without a name in the log say nothing and stop nothing", () => {
    const licences = licencesOf({ acknowledged: [] }, [""]);
    expect(licences).toEqual([]);
    stopAtBlocked(licences);
    expect(notesOf(licences)).toEqual([]);
  });

  it("whose terms restrict their answers stop the run, with the clause and how to go on", () => {
    const licences = licencesOf({ acknowledged: [] }, ["claude-sonnet-4-5", "mystery", "claude-3-haiku"]);
    expect(() => stopAtBlocked(licences)).toThrow(UsageError);
    expect(() => stopAtBlocked(licences)).toThrow(
      /^licence \(outputs-restricted\): teacher claude-sonnet-4-5, claude-3-haiku under anthropic: "\[not allowed:\] Use outputs to train an AI model.*go on with --acknowledge anthropic$/,
    );
  });

  it("go on when they are acknowledged by name, which the facts keep", () => {
    const licences = licencesOf({ acknowledged: ["gemini", "anthropic"] }, ["claude-3-haiku"]);
    stopAtBlocked(licences);
    expect(licences).toMatchObject([
      { subject: "teacher", models: ["claude-3-haiku"], name: "anthropic", acknowledged: true },
    ]);
    expect(notesOf(licences)).toEqual(["licence of teacher claude-3-haiku: anthropic, acknowledged"]);
  });

  it("are all named when several stop the run", () => {
    const licences = licencesOf({ acknowledged: ["gemini"] }, ["qwen-max", "gemini-2.5-pro", "claude-3-haiku"]);
    expect(() => stopAtBlocked(licences)).toThrow(/--acknowledge qwen-hosted --acknowledge anthropic$/);
  });

  it("that nobody knows, or whose terms set conditions, are noted only", () => {
    const licences = licencesOf({ acknowledged: [] }, ["house\u001bmodel", "gpt-4o", "deepseek-chat"]);
    stopAtBlocked(licences);
    expect(notesOf(licences)).toEqual([
      "licence of teacher house model: not in the registry, read its terms yourself",
      expect.stringMatching(/^licence of teacher gpt-4o: openai sets conditions: .*classifiers.* not distributed/),
    ]);
  });

  it("of many names are shown in one short line", () => {
    const licences = licencesOf({ acknowledged: [] }, ["x".repeat(500), "b", "c", "d"]);
    expect(notesOf(licences)[0]).toMatch(/x{80}, b, c and others: not in/);
  });
});

describe("a base", () => {
  it("that is free is a fact and no note", () => {
    const licences = licencesOf({ base: base("free", "apache-2.0"), acknowledged: [] }, []);
    expect(licences).toMatchObject([{ subject: "base", models: ["free"], status: "allowed", acknowledged: false }]);
    expect(notesOf(licences)).toEqual([]);
  });

  it("for no commercial use stops the run until it is acknowledged", () => {
    const folder = base("research", "cc-by-nc-4.0");
    expect(() => stopAtBlocked(licencesOf({ base: folder, acknowledged: [] }, []))).toThrow(
      /^licence \(non-commercial\): base research under cc-by-nc: .*--acknowledge cc-by-nc$/,
    );
    stopAtBlocked(licencesOf({ base: folder, acknowledged: ["cc-by-nc"] }, []));
  });

  it("with an id that nobody knows is noted by it", () => {
    const licences = licencesOf({ base: base("odd", "house-licence"), acknowledged: [] }, []);
    expect(notesOf(licences)).toEqual([
      "licence of base odd (house-licence): not in the registry, read its terms yourself",
    ]);
  });

  it("that is not there is left to the one that opens it", () => {
    expect(licencesOf({ base: join(root, "absent"), acknowledged: [] }, [])).toEqual([]);
  });
});

describe("acknowledging", () => {
  it("takes names of the registry only and offers the nearest", () => {
    checkAcknowledged(["openai", "cc-by-nc"]);
    expect(() => checkAcknowledged(["opneai"])).toThrow(/unknown licence "opneai", did you mean openai\?/);
  });
});
