/** @file Which finished run is meant where none is named. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../errors.js";

/** The finished run that began last: its plan is written once, its report again with every drawing. @throws InputError */
export function newestRun(state: string): string {
  const runs = join(state, "runs");
  const beganMs = (id: string): number =>
    statSync(join(runs, id, "plan.json"), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const done = existsSync(runs) ? readdirSync(runs).filter((id) => existsSync(join(runs, id, "report.json"))) : [];
  const newest = done.sort((a, b) => beganMs(a) - beganMs(b)).at(-1);
  if (newest === undefined)
    throw new InputError(`${state}: no finished run`, { hint: "run `joryu run --logs FILE` first" });
  return join(runs, newest);
}
