/** @file Runs the compiled command line as a user's shell would: exit code, both streams, signals to the whole process group. Also the
 *  small logs that the tests of the whole product learn from. Knows nothing of what a command should answer. */
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const COMMAND = fileURLToPath(new URL("../src/cli/main.js", import.meta.url));

/** A machine profile that fixes the plan on whatever machine the tests run. */
export const MACHINE = resolve("test/fixtures/machine.json");

export interface Finished {
  /** Exit code; null when a signal ended the process. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcessWithoutNullStreams;
  readonly done: Promise<Finished>;
  /** Sends a signal to the process and its children. */
  signal(name: "SIGINT" | "SIGKILL"): void;
}

/** Starts a program in a process group of its own. Nothing is a terminal. */
export function start(program: string, args: readonly string[], stdin = "", cwd = process.cwd()): Running {
  const env = { ...process.env, JORYU_THREADS: "2", NODE_OPTIONS: "" };
  const child = spawn(program, [...args], { detached: true, env, cwd });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  child.stdin.on("error", () => undefined);
  child.stdin.end(stdin);
  const done = new Promise<Finished>((finish, fail) => {
    child.once("error", fail);
    child.once("close", (code) => finish({ code, stdout, stderr }));
  });
  const signal = (name: "SIGINT" | "SIGKILL"): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, name);
    } catch {
      // The group has ended by itself.
    }
  };
  return { child, done, signal };
}

/** Starts `joryu` with arguments in a folder. */
export function startJoryu(args: readonly string[], stdin = "", cwd = process.cwd()): Running {
  return start(process.execPath, [COMMAND, ...args], stdin, cwd);
}

/** Runs `joryu` to its end. */
export function joryu(args: readonly string[], stdin = ""): Promise<Finished> {
  return startJoryu(args, stdin).done;
}

/** Runs `joryu` under a shell command that limits it, such as `ulimit -f 20`. */
export function limitedJoryu(limit: string, args: readonly string[]): Promise<Finished> {
  return start("bash", ["-c", `${limit} && exec "$0" "$@"`, process.execPath, COMMAND, ...args]).done;
}

/** A new temporary folder. */
export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "joryu-test-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** One line of an OpenAI chat log. */
export function chatLine(question: string, answer: string): string {
  const messages = [
    { role: "system", content: "Answer with the one intent that fits." },
    { role: "user", content: question },
    { role: "assistant", content: answer },
  ];
  return `${JSON.stringify({ messages })}\n`;
}

/** Answer of a line that `chatLine` or the bundled logs hold. */
function answerOf(line: string): string {
  return /"role":"assistant","content":"([^"]*)"/.exec(line)?.[1] ?? "";
}

/** Writes the first rows of the bundled logs whose answer is one of the first labels of the alphabet. */
export function writeSmallLogs(path: string, rows = 500, labels = 10): void {
  const lines = readFileSync("examples/banking77/logs.jsonl", "utf8").trim().split("\n");
  const names = new Set([...new Set(lines.map(answerOf))].sort().slice(0, labels));
  writeFileSync(
    path,
    `${lines
      .filter((line) => names.has(answerOf(line)))
      .slice(0, rows)
      .join("\n")}\n`,
  );
}

/** The last line of an output as JSON. */
export function lastJson(stdout: string): Readonly<Record<string, unknown>> {
  return JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "") as Readonly<Record<string, unknown>>;
}
