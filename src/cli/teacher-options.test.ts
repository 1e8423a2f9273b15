import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { InputError } from "../errors.js";
import { teacherConfigOf } from "./teacher-options.js";

const folder = mkdtempSync(join(tmpdir(), "joryu-teacher-options-"));
afterEach(() => vi.restoreAllMocks());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

describe("files of labels and prompts", () => {
  it("are decoded as texts are, and an encoding that is not UTF-8 is told", () => {
    const told = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    // 紛失, 残高照会; in EUC-JP: 意図を答えて
    const labelsFile = file("labels.txt", Buffer.from("95b48eb80d0a8e638d828fc689ef0d0a", "hex"));
    const promptFile = [file("prompt.txt", Buffer.from("b0d5bfdea4f2c5faa4a8a4c6", "hex"))];
    expect(teacherConfigOf({ labelsFile, promptFile }).label).toMatchObject({
      labels: ["紛失", "残高照会"],
      prompts: ["意図を答えて"],
    });
    expect(told.mock.calls.map(([text]) => text)).toEqual([
      "labels.txt: not UTF-8; read as Shift_JIS (CP932)\n",
      "prompt.txt: not UTF-8; read as EUC-JP\n",
    ]);
  });

  it("lose a byte-order mark and may be as large as the limit", () => {
    expect(teacherConfigOf({ labelsFile: file("bom.txt", "\ufeffa\r\nb\n") }).label?.labels).toEqual(["a", "b"]);
    const largest = "x".repeat(1 << 20);
    expect(teacherConfigOf({ promptFile: [file("largest.txt", largest)] }).label?.prompts).toEqual([largest]);
  });

  it.each([
    ["large.txt", "紛".repeat(350_000), /--labels-file .*large\.txt: larger than 1048576 bytes/],
    ["utf16.txt", Buffer.from("\ufeff紛失", "utf16le"), /found UTF-16 text; convert it/],
    [
      "mixed.txt",
      Buffer.concat([Buffer.from("残高\n"), Buffer.from("95b48eb8", "hex")]),
      /lines in another encoding; save/,
    ],
    ["empty.txt", "", /the file is empty/],
  ])("are refused in one line: %s", (name, content, message) => {
    const read = (): unknown => teacherConfigOf({ labelsFile: file(name, content) });
    expect(read).toThrow(InputError);
    expect(read).toThrow(message);
  });

  it("that are missing are told with their flag", () => {
    expect(() => teacherConfigOf({ promptFile: [join(folder, "none")] })).toThrow(/--prompt-file .*none: no such file/);
  });
});
