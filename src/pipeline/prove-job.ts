/** @file What the proving process is asked. */
import { z } from "zod";

const jobSchema = z.strictObject({
  dataset: z.string(),
  out: z.string(),
  students: z.array(
    z.strictObject({
      name: z.string(),
      folder: z.string(),
      precision: z.enum(["int8", "fp32"]),
      runtime: z.enum(["node", "wasm"]),
    }),
  ),
});

export type ProveJob = z.infer<typeof jobSchema>;
export type ProvedStudent = ProveJob["students"][number];

/** Reads the job from an argument. @throws when it was not written by `runProof`. */
export function parseProveJob(text: string): ProveJob {
  return jobSchema.parse(JSON.parse(text));
}
