/** @file The requirements that set the distillation target: `agreement=0.98,p95Ms=5,sizeMb=10`. Strict: an unknown key is an error
 *  that names the nearest known one. Quality is a constraint; cost is what is optimised. */
import { nearest } from "../config/nearest.js";
import { UsageError } from "../errors.js";

/** Which risk the agreement bounds: of all answers that leave the cascade, or of those that the student keeps (docs/gate.md). */
export const PROMISES = ["delivered", "kept"] as const;
export type Promised = (typeof PROMISES)[number];

/** Least agreement with the teacher and limits of the field; an absent limit is no limit. */
export interface Target {
  readonly promise: Promised;
  /** Share of the promise's answers that must equal the teacher's. */
  readonly agreement: number;
  /** Confidence of every guarantee, a ratio. */
  readonly confidence: number;
  readonly p95Ms?: number;
  readonly sizeMb?: number;
  readonly memoryMb?: number;
  readonly costPer1kUsd?: number;
}

/** A target as checked settings carry it: an absent limit may be written as `undefined`. */
export type TargetSettings = { readonly [K in keyof Target]: Target[K] | undefined } & Pick<Target, "agreement">;

export const DEFAULT_TARGET: Target = { promise: "delivered", agreement: 0.98, confidence: 0.95 };

/** Confidence is fixed: every guarantee and interval of a run states the same 95 %. */
type TargetKey = Exclude<keyof Target, "confidence" | "promise">;

const RANGES: Readonly<Record<TargetKey, { readonly above: number; readonly below: number; readonly range: string }>> =
  {
    agreement: { above: 0, below: 1, range: "a ratio between 0 and 1, such as 0.98" },
    p95Ms: { above: 0, below: Infinity, range: "milliseconds above 0" },
    sizeMb: { above: 0, below: Infinity, range: "megabytes above 0" },
    memoryMb: { above: 0, below: Infinity, range: "megabytes above 0" },
    costPer1kUsd: { above: 0, below: Infinity, range: "US dollars per 1,000 calls, above 0" },
  };

export const TARGET_KEYS: readonly TargetKey[] = ["agreement", "p95Ms", "sizeMb", "memoryMb", "costPer1kUsd"];

function isTargetKey(name: string): name is TargetKey {
  return Object.hasOwn(RANGES, name);
}

/** Checks one requirement. @throws UsageError with the range that was expected. */
export function checkTargetValue(key: TargetKey, value: number, where: string): number {
  const { above, below, range } = RANGES[key];
  if (value > above && value < below) return value;
  throw new UsageError(`${where}: ${key} must be ${range}, got ${value}`);
}

/** @throws UsageError for a word that is no promise. */
export function checkPromise(written: string, where: string): Promised {
  const found = PROMISES.find((promise) => promise === written);
  if (found !== undefined) return found;
  throw new UsageError(`${where}: expected ${PROMISES.join(" or ")}, got "${written}"`);
}

/** Parses `--target`; keys that are not named keep the values of `base`. @throws UsageError naming the part that is wrong. */
export function parseTarget(text: string, base: Partial<TargetSettings> = DEFAULT_TARGET): Target {
  const found = new Map<string, number | Promised>();
  for (const part of text.split(",")) {
    const [, name, written] = /^\s*([^=\s]+)\s*=\s*(\S+)\s*$/.exec(part) ?? [];
    if (name === undefined || written === undefined) {
      throw new UsageError(`--target: expected key=value, got "${part.trim()}"`, {
        hint: "write it as agreement=0.98,p95Ms=5",
      });
    }
    if (found.has(name)) throw new UsageError(`--target: ${name} is given twice`);
    if (name === "promise") {
      found.set(name, checkPromise(written, "--target: promise"));
      continue;
    }
    if (!isTargetKey(name)) {
      const keys = ["promise", ...TARGET_KEYS];
      throw new UsageError(`--target: unknown key "${name}", did you mean ${nearest(name, keys)}?`, {
        hint: `keys: ${keys.join(", ")}`,
      });
    }
    if (!/^(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(written)) {
      throw new UsageError(`--target: ${name} must be ${RANGES[name].range}, got "${written}"`);
    }
    found.set(name, checkTargetValue(name, Number(written), "--target"));
  }
  return toTarget({ ...base, ...Object.fromEntries(found) });
}

/** A target without absent limits; the rest of the defaults filled in. */
export function toTarget(settings: Partial<TargetSettings>): Target {
  return {
    ...DEFAULT_TARGET,
    ...Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)),
  };
}

/** The target as `--target` takes it. */
export function formatTarget(target: Target): string {
  const limits = TARGET_KEYS.flatMap((key) => (target[key] === undefined ? [] : [`${key}=${target[key]}`]));
  return [...limits, `promise=${target.promise}`].join(",");
}
