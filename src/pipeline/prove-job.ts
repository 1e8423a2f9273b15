/** @file What the proving process is asked, and how it is started. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { SessionError } from "../errors.js";
import { parseMeasuredStudents, type Measured } from "./run-folder.js";

const jobSchema = z.strictObject({
  dataset: z.string(),
  out: z.string(),
  students: z.array(z.strictObject({ name: z.string(), folder: z.string(), precision: z.enum(["int8", "fp32"]) })),
});

export type ProveJob = z.infer<typeof jobSchema>;
export type ProvedStudent = ProveJob["students"][number];

/** Reads the job from an argument. @throws when it was not written by `runProof`. */
export function parseProveJob(text: string): ProveJob {
  return jobSchema.parse(JSON.parse(text));
}

/** Runs one proof in a fresh process and gives what it measured. @throws SessionError with the last line that the process printed. */
export function runProof(job: ProveJob, signal?: AbortSignal): Promise<Measured["students"]> {
  return new Promise((resolve, reject) => {
    const script = fileURLToPath(new URL("./prove-process.js", import.meta.url));
    const child = spawn(process.execPath, [script, JSON.stringify(job)], { stdio: ["ignore", "pipe", "pipe"] });
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
      else reject(new SessionError(`proof stopped with code ${code}: ${errors.trim().split("\n").findLast((line) => /\S/.test(line)) ?? ""}`));
    });
  });
}
