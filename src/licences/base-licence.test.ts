/** @file What model folders say of their licence: card, licence text, note of origin; and what damaged ones say. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { licenceOfFolder } from "./base-licence.js";

const root = mkdtempSync(join(tmpdir(), "joryu-licence-"));
const folder = join(root, "model");
afterAll(() => rmSync(root, { recursive: true, force: true }));
beforeEach(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
});

function write(name: string, text: string): void {
  writeFileSync(join(folder, name), text);
}

const card = (header: string): string => `---\nlanguage: en\n${header}\ntags:\n- sentence\n---\n\n# A model\n`;

describe("licenceOfFolder", () => {
  it.each([
    ["license: apache-2.0", "apache-2.0"],
    ["license: 'mit'", "mit"],
    ["license: cc-by-nc-4.0 # see below", "cc-by-nc"],
    ["license:\n- mit\n- cc-by-nc-sa-4.0", "cc-by-nc"],
    ["license: [mit, cc-by-4.0]", "cc-by"],
    ["license: other\nlicense_name: llama3.2", "llama-3.1"],
  ])("reads the card's %j as %s", (header, name) => {
    write("README.md", card(header));
    expect(licenceOfFolder(folder)).toMatchObject({ stated: [], entry: { name } });
  });

  it("reads a licence by its own words", () => {
    write(
      "LICENSE.txt",
      `MIT License\n\nPermission is hereby granted, free of charge, to any person\n${"x".repeat(1e5)}`,
    );
    expect(licenceOfFolder(folder).entry?.name).toBe("mit");
  });

  it("reads a note of origin", () => {
    write("SOURCE.md", "From the hub. Licence of the model: Apache-2.0 (stated in its card). Weights: somebody.\n");
    expect(licenceOfFolder(folder)).toMatchObject({ stated: [], entry: { name: "apache-2.0" } });
  });

  it("takes the strictest where sources differ, and keeps an id that nobody knows", () => {
    write("README.md", card("license: our-own-licence"));
    write("SOURCE.md", "Licence: MIT.\n");
    write("LICENSE", "Creative Commons Attribution-NonCommercial 4.0 International\n");
    expect(licenceOfFolder(folder)).toMatchObject({ stated: ["our-own-licence"], entry: { name: "cc-by-nc" } });
  });

  it("says nothing of a folder that says nothing", () => {
    write("README.md", "# A model\n\nlicense: mit is only talked about\n");
    write("config.json", '{"license": "mit"}');
    expect(licenceOfFolder(folder)).toEqual({ stated: [] });
  });
});

describe("a damaged folder", () => {
  it.each([
    ["an open header", "---\nlicense: mit\n"],
    ["no id", card("license:")],
    ["an id as long as a page", card(`license: ${"a".repeat(5000)}`)],
    ["other without a name", card("license: other")],
    ["bytes", "\u0000\uFFFD---\u0000"],
  ])("with %s states nothing", (_name, text) => {
    write("README.md", text);
    expect(licenceOfFolder(folder)).toEqual({ stated: [] });
  });

  it("with a folder in a file's place states nothing", () => {
    mkdirSync(join(folder, "LICENSE"));
    expect(licenceOfFolder(folder)).toEqual({ stated: [] });
  });

  it("with any card gives short ids", () => {
    const part = fc.constantFrom(
      "---\n",
      "license:",
      " mit",
      "\n- ",
      "[",
      "]",
      "#",
      "license_name: ",
      "é",
      "\r\n",
      ": ",
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 30 }), (parts) => {
        write("README.md", parts.join(""));
        write("SOURCE.md", parts.join(""));
        for (const id of licenceOfFolder(folder).stated) expect(id.length).toBeLessThanOrEqual(80);
      }),
      { numRuns: 60 },
    );
  });
});
