/** @file What users' disks and logs really hold: each bad input is handled and counted, or gives one clear line and the contract's exit
 *  code, and never leaves half-written output. Ctrl-C and two runs at once stand in cli.test.ts. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readDataset } from "../src/dataset/snapshot.js";
import {
  chatLine,
  joryu,
  lastJson,
  limitedJoryu,
  MACHINE,
  temporaryFolder,
  writeSmallLogs,
  type Finished,
} from "./joryu.js";

const folder = temporaryFolder();
const logs = join(folder.path, "logs.jsonl");
const state = join(folder.path, "state");
afterAll(() => folder.remove());

let files = 0;
/** A new file with the given contents. */
function file(contents: string | Uint8Array): string {
  const path = join(folder.path, `file-${files++}.jsonl`);
  writeFileSync(path, contents);
  return path;
}

function run(log: string, out: string, ...more: readonly string[]): Promise<Finished> {
  return joryu(["run", "--logs", log, "--minutes", "0.1", "--machine", MACHINE, "--out", out, ...more]);
}

/** Expects one clear line on stderr after the notes, no stack trace, nothing on stdout. */
function expectOneLine(finished: Finished, code: number, message: RegExp): void {
  expect(finished).toMatchObject({ code, stdout: "" });
  const lines = finished.stderr
    .trimEnd()
    .split("\n")
    .filter((line) => line.startsWith("joryu: "));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(message);
  expect(finished.stderr).not.toMatch(/^\s+at |internal|Node\.js v/m);
}

/** Files below a folder, but for the machine profile and empty folders. */
function filesBelow(path: string): string[] {
  if (!existsSync(path)) return [];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name);
}

const WORDS = ["apple", "river", "stone", "cloud", "piano", "tiger", "lemon", "chair", "violet", "engine"];

/** Distinct questions that tell their class; `labels` in turn. */
function questions(labels: readonly string[], rows: number): string {
  return Array.from({ length: rows }, (_, i) => {
    const label = i % labels.length;
    return chatLine(
      `${WORDS[label % 10]} ${WORDS[(i * 7) % 10]} number ${i} of ${WORDS[(i * 3) % 10]} ${label}`,
      labels[label] ?? "",
    );
  }).join("");
}

describe("logs that cannot be used", () => {
  const html = "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>502</body></html>\n";
  it.each([
    ["an empty file", "", /empty/],
    ["a file of one record", chatLine("hello", "greeting"), /at least two classes|closed set|distinct inputs/],
    ["one class only", questions(["same"], 60), /at least two classes/],
    ["an HTML error page", html, /HTML/],
    ["200,000 nested brackets", `${"[".repeat(200_000)}\n`, /./],
    ["half of a file that was never text", Uint8Array.from({ length: 5000 }, (_, i) => (i * 37) % 256), /./],
  ])("%s: one line, exit code 2, nothing written", async (_, contents, message) => {
    const out = join(folder.path, `out-${files}`);
    expectOneLine(await run(file(contents), out), 2, message);
    expect(filesBelow(out)).toEqual([]);
  });

  it("a missing file, an empty folder and a wrong format: one line, exit code 2", async () => {
    expectOneLine(await run(join(folder.path, "absent.jsonl"), state), 2, /absent\.jsonl/);
    const empty = mkdtempSync(join(folder.path, "empty-"));
    expectOneLine(await run(empty, state), 2, /holds no log/);
    const log = file(questions(["a", "b"], 60));
    expectOneLine(await joryu(["import", log, "--format", "cvs"]), 2, /csv/);
    expectOneLine(await joryu(["import", log, "--format", "openpipe"]), 2, /openpipe/);
    expect(filesBelow(state)).toEqual([]);
  });
});

describe("logs that know the right answers", () => {
  const logOf = (wrongInTen: number): string =>
    Array.from({ length: 400 }, (_, i) => {
      const output = ["card", "refund", "transfer", "other"][i % 4] ?? "";
      const gold = i % 10 < wrongInTen ? (["refund", "transfer", "other", "card"][i % 4] ?? "") : output;
      const input = `${WORDS[i % 10]} ${WORDS[(i * 7) % 10]} number ${i} of ${WORDS[(i * 3) % 10]}`;
      return `${JSON.stringify({ input, output, gold })}\n`;
    }).join("");

  it("a teacher worse than chance beside them: one line, exit code 2", async () => {
    const out = join(folder.path, "wrong");
    expectOneLine(await run(file(logOf(9)), out), 2, /right answer to \d+ of \d+ texts .* worse than chance among 4/);
    expect((await joryu(["plan", "--logs", file(logOf(6)), "--machine", MACHINE, "--out", out])).code).toBe(0);
  });
});

describe("logs with bad lines among good ones", () => {
  const labels = ["__proto__", "constructor", "Refund", "toString"];
  let log: string;
  let finished: Finished;

  beforeAll(async () => {
    const good = questions(labels, 160);
    const odd = [
      chatLine("a single example of its class", "lonely"),
      chatLine("stone river number 901 of 2", " refund "),
      chatLine("stone tiger number 902 of 2", "REFUND"),
      chatLine(`half a pair \ud83d of apple 0`, "__proto__"),
      chatLine(`${"river stone ".repeat(90_000)}1`, "constructor"),
      `${"[".repeat(200_000)}\n`,
    ];
    const notUtf8 = Buffer.from(chatLine("caf\u00e9 1", "constructor"), "latin1");
    const cut = chatLine("cut off in the middle", "Refund").slice(0, 60);
    log = file(Buffer.concat([Buffer.from(good + odd.join("")), notUtf8, Buffer.from(cut)]));
    finished = await run(log, state, "--target", "agreement=0.5", "--json");
  });

  it("counts accepted and rejected records with their reasons", async () => {
    const { code, stdout } = await joryu(["import", log, "--json"]);
    expect(code).toBe(0);
    expect(lastJson(stdout)).toMatchObject({ records: 168, accepted: 165, rejected: 3 });
    const rejected = stdout
      .trimEnd()
      .split("\n")
      .slice(0, -1)
      .map((line) => (JSON.parse(line) as { rejected: { line: number } }).rejected);
    expect(rejected.map(({ line }) => line)).toEqual([166, 167, 168]);
  });

  it("finishes the run and says what was folded and rejected", () => {
    expect([0, 3]).toContain(finished.code);
    expect(finished.stderr).toMatch(/spellings that differ in case, space or decoration were folded/);
    expect(finished.stderr).toMatch(/rejected 1: .*UTF-8/);
    expect(finished.stderr).not.toMatch(/internal|^\s+at /m);
  });

  it("learns labels that are names of object properties, and a class with one example", async () => {
    const model = String(lastJson(finished.stdout)["model"]);
    const manifest = JSON.parse(readFileSync(join(model, "joryu.json"), "utf8")) as { labels: string[] };
    expect(manifest.labels.toSorted()).toEqual(["Refund", "__proto__", "constructor", "lonely", "toString"].toSorted());
    const long = "apple cloud ".repeat(90_000);
    const { code, stdout } = await joryu(
      ["predict", "--model", model, "--json"],
      `apple number 4 of apple 0\n"\\ud83d"\n${long}\n${"[".repeat(200_000)}\n`,
    );
    expect(code).toBe(0);
    const answers = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { label: string; text: string });
    expect(answers).toHaveLength(4);
    expect(answers[0]?.label).toBe("__proto__");
    expect(answers[2]?.text).toBe(long);
  });

  it("plans for the classes of 2,000 that open rows have, and labels no sealed row with another", async () => {
    const many = Array.from({ length: 2000 }, (_, i) => `class-${i}`);
    const { code, stdout } = await joryu([
      "plan",
      "--logs",
      file(questions(many, 4000)),
      "--out",
      join(folder.path, "many"),
      "--machine",
      MACHINE,
      "--json",
    ]);
    expect(code).toBe(0);
    const datasets = join(folder.path, "many", "datasets");
    const [name = ""] = readdirSync(datasets).filter((each) => /^[0-9a-f]{32}$/.test(each));
    const { labels, rows } = readDataset(join(datasets, name));
    const learned = new Set(rows.flatMap(({ label, sealed }) => (sealed ? [] : [label])));
    const unlearned = rows.filter(({ label }) => label < 0);
    expect(lastJson(stdout)["plan"]).toMatchObject({ facts: { labels: labels.length } });
    expect([learned.size, unlearned.length]).toEqual([labels.length, 2 * (2000 - labels.length)]);
    expect(labels.length).toBeGreaterThan(1500);
    expect(unlearned.every(({ sealed }) => sealed)).toBe(true);
  });
});

describe("settings and folders that cannot be used", () => {
  it("an unknown key of the configuration names the nearest known one, exit code 2", async () => {
    const path = join(folder.path, "joryu.yaml");
    for (const [text, message] of [
      ["minuets: 3\n", /minuets.*did you mean minutes/],
      ["target:\n  agrement: 0.9\n", /target\.agrement.*did you mean agreement/],
      ["minutes: soon\n", /minutes/],
      ["- a list\n", /expected settings, got a list/],
      ["a: [1\n", /joryu\.yaml/],
      [`${"[".repeat(200_000)}\n`, /joryu\.yaml/],
      ["__proto__:\n  minutes: 3\n", /__proto__/],
    ] as const) {
      writeFileSync(path, text);
      expectOneLine(await joryu(["plan", "--config", path]), 2, message);
    }
    expectOneLine(await joryu(["plan", "--config", join(folder.path, "absent.yaml")]), 2, /absent\.yaml/);
  });

  it("a machine profile, a model folder or a state folder that is none: one line, exit code 2", async () => {
    const bad = file("{}");
    expectOneLine(
      await joryu([
        "plan",
        "--logs",
        file(questions(["a", "b"], 60)),
        "--out",
        join(folder.path, "p"),
        "--machine",
        bad,
      ]),
      2,
      /doctor --profile/,
    );
    expectOneLine(await joryu(["predict", "--model", folder.path, "text"]), 2, /joryu\.json/);
    mkdirSync(join(folder.path, "cut"));
    writeFileSync(join(folder.path, "cut", "joryu.json"), '{"format": "joryu-st');
    expectOneLine(await joryu(["predict", "--model", join(folder.path, "cut"), "text"]), 2, /joryu\.json: not JSON/);
    expectOneLine(await joryu(["report", "--out", join(folder.path, "absent")]), 2, /no finished run/);
    expectOneLine(await joryu(["report", "--out", state, "--run", "../.."]), 2, /no finished run/);
  });

  it("a place below a file cannot be written: one line, exit code 1", async () => {
    // The tests may run as root, whom no mode of a folder stops.
    const log = file(questions(["a", "b"], 60));
    expectOneLine(await run(log, join(log, "state")), 1, /cannot write|cannot be written/);
    expectOneLine(await joryu(["doctor", "--profile", join(log, "machine.json")]), 1, /cannot write/);
    expectOneLine(await joryu(["init", join(log, "joryu.yaml")]), 1, /cannot write/);
  });

  it("a full device behind standard output: one line, exit code 1", async () => {
    const { code, stderr } = await limitedJoryu("exec >/dev/full", ["import", file(questions(["a", "b"], 60))]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^joryu: standard output: cannot write \(ENOSPC\).*\n$/);
  });
});

describe("a full disk", () => {
  /** A mounted file system of `sizeKb`, or undefined where this user may not mount. */
  function smallDisk(sizeKb: number): string | undefined {
    const path = join(folder.path, `disk-${sizeKb}`);
    mkdirSync(path);
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", `size=${sizeKb}k`, "tmpfs", path], { stdio: "ignore" });
      return path;
    } catch {
      return undefined;
    }
  }

  // The limits stop the run in its import, in its training and in its export.
  it.each([16, 256, 1400])(
    "of %d KB stops the run with one line and exit code 1; with space it goes on to the end",
    async (sizeKb) => {
      writeSmallLogs(logs);
      const args = ["run", "--logs", logs, "--minutes", "0.1", "--machine", MACHINE, "--json"];
      const disk = smallDisk(sizeKb);
      const out = disk ?? join(folder.path, `limited-${sizeKb}`);
      if (disk === undefined)
        console.log(`no right to mount: files are limited to ${Math.min(sizeKb, 500)} KB instead`);
      try {
        const stopped =
          disk === undefined
            ? await limitedJoryu(`ulimit -f ${Math.min(sizeKb, 500)}`, [...args, "--out", out])
            : await joryu([...args, "--out", out]);
        expectOneLine(stopped, 1, /cannot (be written|write|take)|the disk is full/);
        expect(filesBelow(join(out, "models"))).toEqual([]);
        expect(filesBelow(out).filter((name) => name.endsWith(".tmp") || name === "lock")).toEqual([]);
        if (disk !== undefined) execFileSync("mount", ["-o", "remount,size=64m", disk]);
        expect((await joryu([...args, "--out", out])).code).toBe(0);
      } finally {
        if (disk !== undefined) execFileSync("umount", [disk]);
      }
    },
  );
});
