/** @file The first stage of a run: logs to a frozen dataset. The same files and options are not imported twice. */
import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Config } from "../config/schema.js";
import { buildLabelDataset } from "../dataset/build.js";
import { readDataset } from "../dataset/snapshot.js";
import { expandPaths } from "../dataset/unpack.js";
import type { LabelDataset } from "../dataset/types.js";
import { InputError, UsageError } from "../errors.js";
import type { RedactionFacts } from "../report/facts.js";
import { writeJsonAtomic } from "../store/files.js";
import { VERSION } from "../version.js";
import type { Progress } from "./progress.js";
import { openRedaction, redactionNotes } from "./redaction.js";
import { readJson } from "./run-folder.js";

const indexSchema = z.strictObject({
  hash: z.string().regex(/^[0-9a-f]+$/),
  notes: z.array(z.string()),
  unanswered: z.array(z.string()).default([]),
  redaction: z
    .strictObject({
      counts: z.record(z.string(), z.number()),
      rejected: z.record(z.string(), z.number()),
      keptKinds: z.array(z.string()),
      namesDetected: z.boolean(),
      inSystemPrompts: z.number(),
    })
    .optional(),
});

export interface Prepared {
  readonly dataset: LabelDataset;
  readonly folder: string;
  /** Texts of the logs without an answer. */
  readonly unanswered: readonly string[];
  /** What was taken out of the logs, where that was asked. */
  readonly redaction?: RedactionFacts;
}

async function hashFile(path: string, hash: ReturnType<typeof createHash>): Promise<void> {
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? ` (${String(cause.code)})` : "";
    throw new InputError(`${path}: cannot read the log${code}`, { hint: "name a file that you may read", cause });
  }
}

/** The entries whose value is given. */
export function definedOnly<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

/** Imports the logs of a configuration, or finds the dataset that an earlier import froze. @throws InputError, StoreError */
export async function prepareDataset(config: Config, progress: Progress, signal?: AbortSignal): Promise<Prepared> {
  const logs = config.logs ?? [];
  if (logs.length === 0)
    throw new UsageError("no logs", { hint: "name log files with --logs FILE or in the configuration" });
  const options = {
    ...(config.format === undefined ? {} : { format: config.format }),
    ...(config.columns === undefined ? {} : { columns: definedOnly(config.columns) }),
    ...(config.workload === undefined ? {} : { workload: config.workload }),
    ...(config.answerPath === undefined ? {} : { answerPath: config.answerPath }),
    ...(config.sheet === undefined ? {} : { sheet: config.sheet }),
    ...(config.merge === undefined ? {} : { merge: config.merge }),
    seed: config.seed,
    resolveLeaks: config.resolveLeaks,
  };
  const redaction = config.redact === undefined ? undefined : await openRedaction(config.redact, config.out);
  const asked = redaction === undefined ? [] : [redaction.fingerprint];
  const hash = createHash("sha256").update(JSON.stringify([VERSION, options, ...asked]));
  for (const log of expandPaths(logs)) await hashFile(log, hash);
  const index = join(config.out, "datasets", "imports", `${hash.digest("hex").slice(0, 32)}.json`);
  if (existsSync(index)) {
    const known = indexSchema.parse(readJson(index));
    const folder = join(config.out, "datasets", known.hash);
    if (existsSync(folder)) {
      progress.note(`the same logs were imported before: dataset ${known.hash} is read back`);
      for (const text of known.notes) progress.note(text);
      return {
        dataset: readDataset(folder),
        folder,
        unanswered: known.unanswered,
        ...(known.redaction === undefined ? {} : { redaction: known.redaction }),
      };
    }
  }
  const built = await buildLabelDataset([...logs], {
    ...options,
    outDir: config.out,
    onProgress: (read, total) => progress.update("import", total > 0 ? read / total : 1),
    ...(signal === undefined ? {} : { signal }),
    ...(redaction === undefined ? {} : { redact: redaction.redactor.redactRecord }),
  });
  const facts = redaction?.redactor.facts();
  const rejected = Object.entries(built.rejectCounts).map(([reason, count]) => `rejected ${count}: ${reason}`);
  const notes = [...built.notes, ...rejected, ...(facts === undefined ? [] : redactionNotes(facts))];
  for (const text of notes) progress.note(text);
  const { unanswered } = built;
  const found = facts === undefined ? {} : { redaction: facts };
  writeJsonAtomic(index, { hash: built.dataset.hash, notes, unanswered, ...found });
  return { dataset: built.dataset, folder: built.dir, unanswered, ...found };
}
