/** @file The machine that a plan is made for: the profile that the user gave, or this machine, measured once per state folder so that a
 *  run that was killed goes on under the same plan. */
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { measureMachine } from "../plan/measure.js";
import { formatMachineProfile, readMachineProfile, type MachineProfile } from "../plan/profile.js";
import { writeFileAtomic } from "../store/files.js";
import type { Progress } from "./progress.js";

/** The profile to plan with. @throws InputError when the given profile is unusable. */
export async function machineFor(
  state: string,
  given: string | undefined,
  progress: Progress,
): Promise<MachineProfile> {
  if (given !== undefined) return readMachineProfile(given);
  const path = join(state, "machine.json");
  if (existsSync(path)) {
    const known = readMachineProfile(path);
    if (known.cores === availableParallelism()) return known;
  }
  progress.update("measure this machine", 0.1);
  const measured = await measureMachine();
  writeFileAtomic(path, formatMachineProfile(measured));
  progress.update("measure this machine", 1);
  return measured;
}
