/** @file A base that a hub serves by name: `joryu plan --base hf:ORG/NAME` on a server that breaks, and killed on the way. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { COMMIT, startTestHub, type TestHub } from "../src/hub/hub.test.fixture.js";
import { writeExported } from "./exported.js";
import { joryu, lastJson, MACHINE, startJoryu, temporaryFolder, writeSmallLogs } from "./joryu.js";

const folder = temporaryFolder();
const [logs, good] = [join(folder.path, "logs.jsonl"), join(folder.path, "bert-wordpiece")];
const WEIGHTS = "model.safetensors";
let hub: TestHub;

/** The files of the exported base, with some replaced. */
function filesWith(changed: Readonly<Record<string, string>> = {}): ReadonlyMap<string, Uint8Array> {
  const own = readdirSync(good, { withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map([
    ...own.map(({ name }) => [name, readFileSync(join(good, name))] as const),
    ...Object.entries(changed).map(([path, text]) => [path, Buffer.from(text)] as const),
  ]);
}

beforeAll(async () => {
  writeSmallLogs(logs, 400, 4);
  writeExported("bert-wordpiece", folder.path);
  hub = await startTestHub("acme/tiny", filesWith());
});
afterAll(async () => {
  await hub.close();
  folder.remove();
});

const plan = (base: string, state: string): readonly string[] => [
  "plan",
  "--logs",
  logs,
  "--out",
  join(folder.path, state),
  "--machine",
  MACHINE,
  "--base",
  base,
  "--json",
];

/** The variables that the command reads, for one call. */
function reached<T>(endpoint: string, call: () => T): T {
  process.env["HF_ENDPOINT"] = endpoint;
  process.env["JORYU_CACHE"] = join(folder.path, "cache");
  try {
    return call();
  } finally {
    delete process.env["HF_ENDPOINT"];
    delete process.env["JORYU_CACHE"];
  }
}

const weightsAsked = (): readonly string[] => hub.asked.filter((asked) => asked.startsWith(WEIGHTS));

describe("a base that is named by a hub", () => {
  it("is planned with as the folder is, after a kill on the way took up where it ended", async () => {
    hub.treat = (path, start) => (path === WEIGHTS && start === 0 ? { stallAfterBytes: 20_000 } : undefined);
    const killed = reached(hub.endpoint, () => startJoryu(plan("hf:acme/tiny", "killed")));
    while (weightsAsked().length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    await new Promise((resolve) => setTimeout(resolve, 500));
    killed.signal("SIGKILL");
    expect((await killed.done).code).toBeNull();
    const named = await reached(hub.endpoint, () => joryu(plan("hf:acme/tiny", "named")));
    expect(named.stderr + named.stdout).not.toMatch(/^\w*Error/m);
    expect(named.code).toBe(0);
    expect(weightsAsked()).toHaveLength(2);
    expect(weightsAsked()[1]).not.toBe(`${WEIGHTS} 0`);
    const local = await joryu(plan(good, "local"));
    expect(lastJson(named.stdout)).toEqual(lastJson(local.stdout));
    expect(readdirSync(join(folder.path, "cache", "hub", "acme")).sort()).toEqual([
      ".incomplete",
      `tiny@${COMMIT.slice(0, 12)}`,
      "tiny@main.ref",
    ]);
  });

  it("is refused by one line before its weights come: of an unknown family, or under a licence that stands against the use", async () => {
    const card = "---\nlicense: cc-by-nc-4.0\n---\n";
    const unfit = [
      [{ "config.json": '{"model_type": "gpt2"}' }, /model_type must be one of .* came "gpt2"/],
      [{ "README.md": card }, /licence \(non-commercial\): base tiny@\w+ under cc-by-nc/],
    ] as const;
    for (const [changed, message] of unfit) {
      const other = await startTestHub("acme/tiny", filesWith(changed));
      try {
        const { code, stderr } = await reached(other.endpoint, () => {
          process.env["JORYU_CACHE"] = join(folder.path, `cache-${Object.keys(changed)[0] ?? ""}`);
          return joryu(plan("hf:acme/tiny", "unfit"));
        });
        expect(stderr).toMatch(message);
        expect(code).toBe(2);
        expect(other.asked.filter((asked) => asked.startsWith(WEIGHTS))).toEqual([]);
      } finally {
        await other.close();
      }
    }
  });

  it("is a wrong usage when the name is none", async () => {
    const { code, stderr } = await joryu(plan("hf:a/b/c", "unfit"));
    expect([code, stderr]).toEqual([2, expect.stringMatching(/--base: expected hf:ORG\/NAME/)]);
  });
});
