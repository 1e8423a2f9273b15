/** @file The limits hold, and an exemption must name a file that is there. */
import { describe, expect, it } from "vitest";
import { checkSizes, FILE_LINES_LIMIT, folderLines, FUNCTION_LINES_LIMIT } from "./size.js";
import { parseSource } from "./sources.js";

const ofLines = (path: string, lines: number) =>
  parseSource(path, `export function long(): void {\n${"  void 0;\n".repeat(lines - 2)}}\n`);

describe("sizes", () => {
  it("accepts a function at the limit and refuses one line more", () => {
    expect(checkSizes([ofLines("src/a/a.ts", FUNCTION_LINES_LIMIT)], {})).toEqual([]);
    expect(checkSizes([ofLines("src/a/a.ts", FUNCTION_LINES_LIMIT + 1)], {})).toEqual([
      `src/a/a.ts:1: function long has ${FUNCTION_LINES_LIMIT + 1} lines, at most ${FUNCTION_LINES_LIMIT}`,
    ]);
  });

  it("names a function by the constant that holds it", () => {
    const source = parseSource("src/a/a.ts", `export const held = () => {\n${"  void 0;\n".repeat(70)}};\n`);
    expect(checkSizes([source], {})[0]).toContain("function held has 72 lines");
  });

  it("refuses a long file unless it is exempt", () => {
    const source = parseSource("src/a/a.ts", "export {};\n".repeat(FILE_LINES_LIMIT + 1));
    expect(checkSizes([source], {})).toHaveLength(1);
    expect(checkSizes([source], { "src/a/a.ts": "a table" })).toEqual([]);
  });

  it("refuses an exemption of a file that is not there", () => {
    expect(checkSizes([], { "src/gone.ts": "a table" })).toHaveLength(1);
  });

  it("counts the lines of a folder, tests apart", () => {
    expect(folderLines([ofLines("src/a/a.ts", 10), ofLines("src/a/b/c.ts", 5), ofLines("src/a/a.test.ts", 7)])).toEqual(
      [["src/a", 15, 7]],
    );
  });
});
