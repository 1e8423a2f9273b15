/** @file What a machine can do, as numbers that the planner's formulas take. A profile is written by `joryu doctor --profile` and
 *  read by `--machine`, so that a plan is the same whatever machine runs it. Measuring stands in measure.ts. */
import { readFileSync, statSync } from "node:fs";
import { z } from "zod";
import { InputError } from "../errors.js";

const positive = z.number().positive();

const profileSchema = z.strictObject({
  format: z.literal("joryu-machine-1"),
  cpu: z.string().min(1).max(200).describe("name of the processor"),
  cores: z.int().min(1).max(4096).describe("threads that may run at once"),
  memoryGb: positive.max(1e6).describe("memory that this process may use, gigabytes"),
  gflops: positive.max(1e7).describe("fp32 matrix products on all cores, GFLOP/s"),
  singleThreadGflops: positive.max(1e6).describe("fp32 matrix products on one core, GFLOP/s"),
  sparseMflops: positive.max(1e7).describe("sparse multiply-adds and AdaGrad updates in one thread, MFLOP/s"),
  hopMs: positive.max(1e5).describe("one run of the smallest graph, milliseconds"),
});

/** A measured machine. Units: GFLOP/s, MFLOP/s, GB, ms; see the descriptions in the schema. */
export type MachineProfile = Readonly<z.infer<typeof profileSchema>>;

/** Checks a profile. @throws InputError naming the field that is wrong. */
export function parseMachineProfile(text: string, where: string): MachineProfile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new InputError(`${where}: not JSON`, { hint: "write a profile with joryu doctor --profile", cause });
  }
  const result = profileSchema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const field = issue === undefined || issue.path.length === 0 ? "profile" : issue.path.join(".");
  throw new InputError(`${where}: ${field}: ${issue?.message ?? "unusable"}`, {
    hint: "write a profile with joryu doctor --profile",
  });
}

/** A profile is a few hundred bytes. */
const MAX_PROFILE_BYTES = 1024 * 1024;

/** Reads a profile from a file. @throws InputError when it is missing or malformed. */
export function readMachineProfile(path: string): MachineProfile {
  let text: string;
  try {
    const { size } = statSync(path);
    if (size > MAX_PROFILE_BYTES)
      throw new InputError(`${path}: larger than ${MAX_PROFILE_BYTES} bytes, no machine profile`);
    text = readFileSync(path, "utf8");
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    throw new InputError(`${path}: cannot read the machine profile`, {
      hint: "write one with joryu doctor --profile",
      cause,
    });
  }
  return parseMachineProfile(text, path);
}

/** The profile as the JSON text that `readMachineProfile` takes. */
export function formatMachineProfile(profile: MachineProfile): string {
  return `${JSON.stringify(profile, null, 2)}\n`;
}

/** The profile in words, for `joryu doctor`. */
export function describeMachine(profile: MachineProfile): string {
  return [
    `processor        ${profile.cpu}, ${profile.cores} cores`,
    `memory           ${profile.memoryGb.toFixed(1)} GB`,
    `matrix products  ${profile.gflops.toFixed(0)} GFLOP/s (one core ${profile.singleThreadGflops.toFixed(0)})`,
    `sparse training  ${profile.sparseMflops.toFixed(0)} MFLOP/s`,
    `smallest run     ${profile.hopMs.toFixed(3)} ms`,
  ].join("\n");
}
