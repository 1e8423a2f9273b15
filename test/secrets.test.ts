/** @file What the command line prints when a key was typed or written where none belongs. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { joryu, temporaryFolder } from "./joryu.js";

const folder = temporaryFolder();
afterAll(() => folder.remove());

const KEY = "sk-ant-api03-aB3dE6gH9jK2mN5pQ8sT1vW4yZ7";
const PASSWORD = "hunter2hunter2";

describe("joryu with a secret in its input", () => {
  it.each([
    ["an unknown flag", ["run", `--api-key=${PASSWORD}`]],
    ["a key as a flag", ["run", `--${KEY}`]],
    ["a command", [KEY]],
    ["a value that is none", ["run", "--minutes", KEY]],
    ["the name of a variable", ["label", "--api-key-env", KEY, "--teacher", "http://127.0.0.1:1/v1", "--texts", "x"]],
    ["a file", ["predict", "--model", join(folder.path, KEY), "text"]],
    ["an address", ["label", "--teacher", `http://user:${PASSWORD}@127.0.0.1:1/v1`, "--model", "m", "--texts", "x"]],
  ])("shows no part of it: %s", async (_what, args) => {
    const { code, stdout, stderr } = await joryu(args);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/^joryu: /);
    expect(stdout + stderr).not.toContain(KEY.slice(13));
    expect(stdout + stderr).not.toContain(PASSWORD);
  });

  it.each([
    ["an unknown key", `${KEY}: 1\n`],
    ["broken YAML", `label: { apiKey: "${KEY}\n`],
    ["a key in the place of a name", `label:\n  apiKey: ${KEY}\n`],
    ["an address", `logs: [x]\nlabel:\n  teacher: http://user:${PASSWORD}@host/v1\n`],
  ])("shows no part of what a configuration holds: %s", async (_what, text) => {
    const path = join(folder.path, "joryu.yaml");
    writeFileSync(path, text);
    const { code, stdout, stderr } = await joryu(["run", "--config", path, "--out", join(folder.path, "out")]);
    expect(code).not.toBe(0);
    expect(stdout + stderr).not.toContain(KEY.slice(13));
    expect(stdout + stderr).not.toContain(PASSWORD);
  });
});
