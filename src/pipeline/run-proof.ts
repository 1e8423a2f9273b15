/** @file Starts the proving process and reads what it measured. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { SessionError, type JoryuError } from "../errors.js";
import { decodeError } from "../runtime/error-message.js";
import type { ProveJob } from "./prove-job.js";
import { parseMeasuredStudents, type Measured } from "./run-folder.js";

const failureSchema = z.object({ failure: z.object({ code: z.string(), message: z.string() }) });

/** The error that a failed process names on its output, or the last line of what else it printed. */
function failureOf(code: number | null, output: string, errors: string): JoryuError {
  try {
    return decodeError(failureSchema.parse(JSON.parse(output)).failure);
  } catch {
    return new SessionError(
      `proof stopped with code ${code}: ${
        errors
          .trim()
          .split("\n")
          .findLast((line) => /\S/.test(line)) ?? ""
      }`,
    );
  }
}

/** Runs one proof in a fresh process, which ends when this one does, and gives what it measured. @throws what the process failed with. */
export function runProof(job: ProveJob, signal?: AbortSignal): Promise<Measured["students"]> {
  return new Promise((resolve, reject) => {
    const script = fileURLToPath(new URL("./prove-process.js", import.meta.url));
    const child = spawn(process.execPath, [script, JSON.stringify(job)], { stdio: ["pipe", "pipe", "pipe"] });
    let [errors, output] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString("utf8");
    });
    child.stderr.on("data", (chunk: Buffer) => {
      errors = (errors + chunk.toString("utf8")).slice(-4000);
    });
    const abort = (): void => void child.kill("SIGKILL");
    signal?.addEventListener("abort", abort, { once: true });
    child.once("error", reject);
    child.once("close", (code) => {
      signal?.removeEventListener("abort", abort);
      if (signal?.aborted === true) reject(signal.reason instanceof Error ? signal.reason : new Error("aborted"));
      else if (code === 0) resolve(parseMeasuredStudents(JSON.parse(output)));
      else reject(failureOf(code, output, errors));
    });
  });
}
