/** @file A run that is killed at any moment and started again gives the bits of a run that nobody disturbed. Kills come at seeded random
 *  moments and at the moments that matter: a temporary file or folder of a checkpoint, an export, a proof, a report has just appeared.
 *  Compared are all files but those of measured values and what is drawn from them. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nowMs } from "../../src/clock.js";
import { writeBase } from "../../src/pipeline/pretrained/tiny-base.test.fixture.js";
import { createRandom } from "../../src/random.js";
import type { Facts, PathStepFacts } from "../../src/report/facts.js";
import { MACHINE, startJoryu, temporaryFolder, writeSmallLogs, type Finished, type Running } from "../joryu.js";

/** The linear rung and a small encoder, alone and joined. */
const RUN = [
  "run",
  "--logs",
  "../logs.jsonl",
  "--minutes",
  "0.6",
  "--target",
  "agreement=0.98,sizeMb=1.9",
  "--machine",
  MACHINE,
];
const KILLS = 50;
/** Longest time that a run lives before a random kill: long enough for the next checkpoint on a busy machine. */
const LONGEST_LIFE_MS = 2000;
/** Moments at which the proving process works: there the run alone is killed, so that its child must notice by itself. */
const WHILE_PROVING = /openings|sealed/;
/** Names whose appearance is a moment to kill at. */
const MOMENTS = [
  /\.import/,
  /\.writing-/,
  /manifest\.json$/,
  /imports\/.*\.tmp$/,
  /plan\.json/,
  /linear-medium-fold\d\.bin\.tmp$/,
  /linear-medium-fold4\.bin$/,
  /checkpoint\.writing$/,
  /\.checkpoint$/,
  /encoder-small-fold0\.bin/,
  /linear-medium-weights\.bin/,
  /students\/.*\.tmp$/,
  /students\/.*\.tmp\/onnx\/model_int8\.onnx/,
  /students\/[^/.]*\/joryu\.json$/,
  /openings\//,
  /sealed-student-int8\.bin/,
  /sealed-student-fp32\.bin$/,
  /measured\.json\.tmp$/,
  /models\/.*\.tmp$/,
  /models\/.*model_int8\.onnx\.tmp$/,
  /models\/[^/]*\/joryu\.json$/,
  /report\.html/,
] as const;
/** The linear rung, then the path of a tiny pretrained encoder. */
const PATH_RUN = [
  "run",
  "--logs",
  "../few.jsonl",
  "--base",
  "../base",
  "--minutes",
  "1.2",
  "--target",
  "agreement=0.999,sizeMb=0.7",
  "--machine",
  MACHINE,
];
/** Moments of the path: in the middle of each fit, whichever lane is first, and between its stages. */
const PATH_MOMENTS = [
  /pretrained-(fold0|weights5)\.checkpoint$/,
  /cut-half-(fold0|weights6)\.checkpoint$/,
  /cut-half-int8\.bin$/,
  /cut-third-(fold0|weights6)\.checkpoint$/,
  /students\/.*\.tmp$/,
] as const;
/** A moment of the path comes by itself, however busy the machine is. */
const LONGEST_PATH_MS = 300_000;
const MEASURED = /(^|\/)(measured\.json|machine\.json|report\.(html|md|json)|subject\.key)$/;

const folder = temporaryFolder();
let reference: ReadonlyMap<string, string>;

function workFolder(name: string): string {
  const path = join(folder.path, name);
  mkdirSync(path);
  return path;
}

function startRun(cwd: string, run: readonly string[] = RUN): Running {
  return startJoryu([...run, "--out", "state"], "", cwd);
}

function pathsBelow(path: string): string[] {
  if (!existsSync(path)) return [];
  return readdirSync(path, { recursive: true, withFileTypes: true }).map(
    (entry) => relative(path, join(entry.parentPath, entry.name)) + (entry.isFile() ? "" : "/"),
  );
}

/** Path -> SHA-256 of every file of a state folder that must not depend on when it was made. */
function bitsOf(cwd: string): Map<string, string> {
  const state = join(cwd, "state");
  const files = pathsBelow(state).filter((path) => !path.endsWith("/") && !MEASURED.test(path));
  return new Map(
    files.sort().map((path) => [
      path,
      createHash("sha256")
        .update(readFileSync(join(state, path)))
        .digest("hex"),
    ]),
  );
}

/** Paths that stand below a folder now; a folder that goes while it is read counts as empty. */
function pathsNow(path: string): string[] {
  try {
    return pathsBelow(path).map((name) => name.replace(/\/$/, ""));
  } catch {
    return [];
  }
}

/** What the report of a state folder's only run shows of the path. */
function reportedSteps(cwd: string): readonly PathStepFacts[] {
  const path = pathsBelow(join(cwd, "state")).find((name) => name.endsWith("/report.json")) ?? "";
  const { facts } = JSON.parse(readFileSync(join(cwd, "state", path), "utf8")) as { facts: Facts };
  return facts.path?.steps ?? [];
}

/** Kills the run when one of the moments comes: a path that matches and was not there before. Those that have passed are left out. */
async function killAtMoment(
  running: Running,
  cwd: string,
  moments: readonly RegExp[],
  longestMs = 10 * LONGEST_LIFE_MS,
): Promise<RegExp | undefined> {
  const state = join(cwd, "state");
  const known = new Set(pathsNow(state));
  for (const endMs = nowMs() + longestMs; nowMs() < endMs && running.child.exitCode === null; await wait(1)) {
    const fresh = pathsNow(state).filter((path) => !known.has(path));
    const reached = moments.find((moment) => fresh.some((path) => moment.test(path)));
    if (reached === undefined) continue;
    if (WHILE_PROVING.test(reached.source)) running.child.kill("SIGKILL");
    else running.signal("SIGKILL");
    return reached;
  }
  running.signal("SIGKILL");
  return undefined;
}

beforeAll(async () => {
  writeSmallLogs(join(folder.path, "logs.jsonl"));
  const cwd = workFolder("reference");
  const finished = await startRun(cwd).done;
  expect(finished).toMatchObject({ code: 0 });
  reference = bitsOf(cwd);
});
afterAll(() => folder.remove());

function expectReference(finished: Finished, cwd: string): void {
  expect({ code: finished.code, stderr: finished.stderr.includes("joryu: ") ? finished.stderr : "" }).toEqual({
    code: 0,
    stderr: "",
  });
  expect(Object.fromEntries(bitsOf(cwd))).toEqual(Object.fromEntries(reference));
}

describe("a run that was killed", () => {
  it("trains the linear rung and an encoder, and leaves no checkpoint, lock or temporary file", () => {
    const names = [...reference.keys()];
    expect(names.some((name) => name.endsWith("encoder-small-fold0.bin"))).toBe(true);
    expect(names.some((name) => name.endsWith("linear-medium-weights.bin"))).toBe(true);
    expect(names.filter((name) => /tmp|writing|checkpoint|lock|\.old|\.import/.test(name))).toEqual([]);
  });

  it(`ends with the same bits after ${KILLS} kills`, async () => {
    const random = createRandom(7, "kills");
    let [killed, round] = [0, 0];
    let moments: readonly RegExp[] = MOMENTS;
    let cwd = workFolder(`round-${round}`);
    while (killed < KILLS) {
      const running = startRun(cwd);
      if (killed % 3 === 2 || moments.length === 0) {
        await Promise.race([running.done, wait(100 + random.float() * LONGEST_LIFE_MS)]);
        running.signal("SIGKILL");
      } else {
        const reached = await killAtMoment(running, cwd, moments);
        moments = moments.filter((moment) => moment !== reached);
      }
      const finished = await running.done;
      if (finished.code === null) killed++;
      else {
        expectReference(finished, cwd);
        cwd = workFolder(`round-${++round}`);
      }
    }
    expectReference(await startRun(cwd).done, cwd);
    expect(moments).toEqual([]);
  }, 400_000);

  it("by Ctrl-C in the middle of an encoder's training exits with 130 and goes on bit for bit", async () => {
    const cwd = workFolder("interrupted");
    const running = startRun(cwd);
    const training = (): boolean => pathsNow(join(cwd, "state")).some((path) => path.endsWith(".checkpoint"));
    for (let waited = 0; waited < 60_000 && !training(); waited += 5) await wait(5);
    running.signal("SIGINT");
    expect((await running.done).code).toBe(130);
    expectReference(await startRun(cwd).done, cwd);
  });
});

describe("a run with a pretrained encoder that was killed", () => {
  it("in the middle of each step of its path ends with the same bits", async () => {
    writeSmallLogs(join(folder.path, "few.jsonl"), 400, 3);
    writeBase(join(folder.path, "base"), 1500, undefined, 128);
    const whole = workFolder("path-reference");
    expect(await startRun(whole, PATH_RUN).done).toMatchObject({ code: 3 });
    const wanted = bitsOf(whole);
    for (const name of ["uncut", "cut-half", "cut-third"])
      expect([...wanted.keys()].some((path) => path.endsWith(`students/${name}/onnx/model_int8.onnx`))).toBe(true);
    const steps = reportedSteps(whole);
    const shown = steps.map(({ name, precision, recovered, rows }) => [name, precision, recovered, rows].join(" "));
    const shipped = (name: string): string[] => [`${name} fp32 true sealed`, `${name} int8 true sealed`];
    const cut = (name: string): string[] => [`${name} fp32 false out-of-fold`, ...shipped(name)];
    expect(shown).toEqual([...shipped("uncut"), ...cut("cut-half"), ...cut("cut-third")]);
    expect(steps[0]?.teacherAgreement.value).toBe(1);
    const int8Sizes = steps.flatMap(({ precision, sizeBytes = 0 }) => (precision === "int8" ? [sizeBytes] : []));
    expect(int8Sizes).toEqual(int8Sizes.toSorted((a, b) => b - a));
    const cwd = workFolder("path-killed");
    let moments: readonly RegExp[] = PATH_MOMENTS;
    let finished: Finished | undefined;
    while (finished === undefined || finished.code === null) {
      const running = startRun(cwd, PATH_RUN);
      const reached = moments.length === 0 ? undefined : await killAtMoment(running, cwd, moments, LONGEST_PATH_MS);
      moments = moments.filter((moment) => moment !== reached);
      finished = await running.done;
    }
    expect(moments).toEqual([]);
    expect(finished.code).toBe(3);
    expect(Object.fromEntries(bitsOf(cwd))).toEqual(Object.fromEntries(wanted));
  }, 400_000);
});
