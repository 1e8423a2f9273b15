/** @file Planted violations are found, and a table row that nothing uses is one. */
import { describe, expect, it } from "vitest";
import { checkBoundaries, usedEdges } from "./boundaries.js";
import { parseSource } from "./sources.js";

const importing = (path: string, specifier: string) =>
  parseSource(path, `import { x } from "${specifier}";\nexport const y = x;\n`);

describe("boundaries", () => {
  it("accepts an edge that the table has", () => {
    expect(checkBoundaries([importing("src/graph/a.ts", "../errors.js")], { graph: ["errors"] })).toEqual([]);
  });

  it("names file and line of an edge that the table lacks", () => {
    const problems = checkBoundaries([importing("src/graph/a.ts", "../runtime/b.js")], {});
    expect(problems).toEqual(["src/graph/a.ts:1: edge graph -> runtime is not in the table"]);
  });

  it("refuses a circle of files, of types and worker addresses too", () => {
    const file = (path: string, text: string) => parseSource(path, text);
    const sources = [
      file("src/a/a.ts", 'import { b } from "./b.js";\nexport const a = b;'),
      file("src/a/b.ts", 'export const b = new URL("./c.js", import.meta.url);'),
      file("src/a/c.ts", 'import type { A } from "./a.js";\nexport let c: A;'),
      file("src/a/d.ts", 'import { a } from "./a.js";\nexport const d = a;'),
      file("src/a/e.test.ts", 'import { f } from "./f.js";\nexport const e = f;'),
      file("src/a/f.ts", 'import { e } from "./e.test.js";\nexport const f = e;'),
    ];
    expect(checkBoundaries(sources, {})).toEqual([
      "circle of imports: src/a/a.ts, src/a/b.ts, src/a/c.ts; move what they share into a file of its own",
    ]);
    expect(checkBoundaries(sources.slice(1), {})).toEqual([]);
  });

  it("refuses a row that nothing uses", () => {
    expect(checkBoundaries([], { graph: ["errors"] })).toEqual([
      "tools/boundaries.ts: row graph -> errors is used by nothing; remove it",
    ]);
  });

  it("sees type imports, re-exports, dynamic imports and worker addresses", () => {
    const text = `import type { A } from "../a/x.js";
      export * from "../b/x.js";
      export const c = () => import("../c/x.js");
      export const d = new URL("../d/x.js", import.meta.url);
      export let e: import("../e/x.js").E;
      export let f: A;`;
    expect([...usedEdges([parseSource("src/z/z.ts", text)]).keys()]).toEqual([
      "z -> a",
      "z -> b",
      "z -> c",
      "z -> d",
      "z -> e",
    ]);
  });

  it("keeps a library in its home", () => {
    const [problem] = checkBoundaries([importing("src/evaluate/a.ts", "onnxruntime-node")], {});
    expect(problem).toContain("only in src/runtime/onnxruntime.ts");
    expect(checkBoundaries([importing("src/runtime/onnxruntime.ts", "onnxruntime-node")], {})).toEqual([]);
  });

  it("refuses a library that has no home", () => {
    expect(checkBoundaries([importing("src/cli/a.ts", "left-pad")], {})[0]).toContain("has no home");
  });

  it.each(["Math.random()", "Date.now()", "performance.now()", "new Date()", "process.env.HOME"])(
    "finds %s away from home",
    (expression) => {
      expect(checkBoundaries([parseSource("src/distill/a.ts", `export const x = ${expression};\n`)], {})).toHaveLength(
        1,
      );
    },
  );

  it("lets a test compose folders but not draw chance", () => {
    expect(checkBoundaries([importing("src/graph/a.test.ts", "../runtime/b.js")], {})).toEqual([]);
    expect(checkBoundaries([parseSource("src/graph/a.test.ts", "export const x = Math.random();")], {})).toHaveLength(
      1,
    );
  });
});
