/** @file Snippets, links and commands are found in markdown as they stand there. */
import { describe, expect, it } from "vitest";
import { relativeLinks, snippetsOf, unknownScripts } from "./docs.js";

describe("docs", () => {
  it("takes the blocks of the language asked for, with their lines", () => {
    const markdown = "# T\n```ts\nconst a = 1;\n```\n```sh\nls\n```\n```ts\nlet b;\n```\n";
    expect(snippetsOf(markdown, "ts")).toEqual([
      { line: 2, code: "const a = 1;" },
      { line: 8, code: "let b;" },
    ]);
  });

  it("lists relative links and pictures and leaves addresses, anchors and code alone", () => {
    const markdown =
      '[a](docs/a.md#part) ![p](p.png "t") [web](https://example.com) [here](#x) <img src="q.png"> `[no](n.md)`\n```\n[no](m.md)\n```';
    expect(relativeLinks(markdown)).toEqual(["docs/a.md", "p.png", "q.png"]);
  });

  it("knows the scripts of the package and npm's own commands", () => {
    expect(unknownScripts("npm cit, npm run demo, npm run gone, one npm package", new Set(["demo"]))).toEqual(["gone"]);
  });
});
