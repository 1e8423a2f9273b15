import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { VERSION } from "./version.js";

it("the version is that of package.json", () => {
  expect(JSON.parse(readFileSync("package.json", "utf8"))).toHaveProperty("version", VERSION);
});
