/** @file The folder of one run: stages that are done once, whatever kills the process between them. A stage's result is a file that
 *  appears in one rename; a stage whose file is there is not run again. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { nowMs } from "../clock.js";
import { StoreError } from "../errors.js";
import { readArrays, writeArrays } from "../store/arrays.js";
import { makeFolder, writeJsonAtomic } from "../store/files.js";
import { firstNonFinite } from "../tensor/finite.js";

export interface RunFolder {
  readonly path: string;
  /** A stage whose result is arrays. */
  arrays(
    name: string,
    produce: () => Promise<ReadonlyMap<string, Float32Array>>,
  ): Promise<ReadonlyMap<string, Float32Array>>;
  /** A stage whose result is weights and what they say, all of them finite. @throws StoreError for a file that holds others */
  weights: RunFolder["arrays"];
  /** Whether a stage of arrays is done. */
  has(name: string): boolean;
  /** Names of the stages of arrays that are done, in order of name. */
  stages(): readonly string[];
  file(name: string): string;
  /** Everything measured (durations, latency, memory): the one file that two equal runs write differently. */
  measured(): Measured;
  record(values: Partial<Measured>): void;
}

const measuredSchema = z.strictObject({
  stageSeconds: z.record(z.string(), z.number()),
  /** When the proof was done, UTC milliseconds. */
  provedMs: z.number().optional(),
  students: z
    .array(
      z.strictObject({
        name: z.string(),
        latency: z.strictObject({
          p50Ms: z.number(),
          p95Ms: z.number(),
          p99Ms: z.number(),
          samplesMs: z.array(z.number()).readonly(),
        }),
        throughputPerSecond: z.number(),
        peakMemoryMb: z.number(),
      }),
    )
    .readonly(),
});

/** Of a stage's time a kill loses no more. */
const SAVE_MS = 10_000;

/** Seconds of each stage over all its attempts, and what the proof measured of each student. */
export type Measured = z.infer<typeof measuredSchema>;
export type MeasuredStudent = Measured["students"][number];

/** Checks measured values of one student, as the proving process prints them. */
export function parseMeasuredStudents(value: unknown): Measured["students"] {
  return measuredSchema.shape.students.parse(value);
}

/** Reads a JSON file of the state. @throws StoreError when it is cut off or foreign. */
export function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new StoreError(`${path}: unreadable`, { hint: "delete it and run again", cause });
  }
}

function checkFinite(file: string, arrays: ReadonlyMap<string, Float32Array>): void {
  for (const [name, values] of arrays) {
    const at = firstNonFinite(values);
    if (at >= 0)
      throw new StoreError(`${file}: value ${at} of ${name} is ${values[at]}, expected finite numbers`, {
        hint: "delete the file and run again",
      });
  }
}

/** Opens (or makes) a run's folder. @throws StoreError */
export function openRunFolder(path: string): RunFolder {
  makeFolder(path);
  const measuredPath = join(path, "measured.json");
  const measured = (): Measured =>
    existsSync(measuredPath) ? measuredSchema.parse(readJson(measuredPath)) : { stageSeconds: {}, students: [] };
  const record = (values: Partial<Measured>): void => writeJsonAtomic(measuredPath, { ...measured(), ...values });
  const timed = async <T>(name: string, produce: () => Promise<T>): Promise<T> => {
    const beforeSeconds = measured().stageSeconds[name] ?? 0;
    const startMs = nowMs();
    const save = (): void => {
      const seconds = beforeSeconds + (nowMs() - startMs) / 1000;
      record({ stageSeconds: { ...measured().stageSeconds, [name]: seconds } });
    };
    const saveIfPossible = (): void => {
      try {
        save();
      } catch {
        // The stage itself tells what is wrong with the disk.
      }
    };
    const timer = setInterval(saveIfPossible, SAVE_MS).unref();
    try {
      const result = await produce();
      save();
      return result;
    } catch (cause) {
      saveIfPossible();
      throw cause;
    } finally {
      clearInterval(timer);
    }
  };
  const arrays: RunFolder["arrays"] = async (name, produce) => {
    const file = join(path, `${name}.bin`);
    if (!existsSync(file)) writeArrays(file, await timed(name, produce));
    return readArrays(file);
  };
  return {
    path,
    measured,
    record,
    file: (name) => join(path, name),
    has: (name) => existsSync(join(path, `${name}.bin`)),
    stages: () =>
      readdirSync(path)
        .filter((name) => name.endsWith(".bin"))
        .map((name) => name.slice(0, -".bin".length))
        .sort(),
    arrays,
    async weights(name, produce) {
      const found = await arrays(name, produce);
      checkFinite(join(path, `${name}.bin`), found);
      return found;
    },
  };
}
