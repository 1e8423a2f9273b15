/** @file Planted untruths of the page on the architecture are found. */
import { describe, expect, it } from "vitest";
import { architectureProblems, arrowsOf } from "./architecture.js";
import { parseSource } from "./sources.js";

const SOURCES = [
  parseSource("src/a/a.ts", 'import { b } from "../b/b.js";\nexport const a = b;'),
  parseSource("src/b/b.ts", "export const b = 1;"),
  parseSource("src/root.ts", 'import { a } from "./a/a.js";\nexport const root = a;'),
];
const page = (rooms: string, arrows: string): string =>
  `# A\n## The rooms\n\n| room | what |\n|---|---|\n${rooms}\n\n## The way\n\n\`\`\`\n${arrows}\n\`\`\`\n`;

describe("the page on the architecture", () => {
  it("holds where rooms are folders and arrows are imports, chains too", () => {
    const chain = "src/root.ts -> src/a/a.ts -> src/b/b.ts";
    expect(arrowsOf(chain)).toHaveLength(2);
    expect(architectureProblems(page("| `a` | x |\n| `b` | y |", chain), SOURCES)).toEqual([]);
  });

  it("does not hold with a room too many or too few, or an arrow that is no import", () => {
    expect(
      architectureProblems(page("| `a` | x |\n| `c` | y |", "src/a/a.ts -> src/b/b.ts -> src/a/a.ts"), SOURCES),
    ).toEqual([
      "docs/architecture.md: the room b is not in the table",
      "docs/architecture.md: no folder src/c",
      "docs/architecture.md: src/b/b.ts does not import src/a/a.ts",
    ]);
  });
});
