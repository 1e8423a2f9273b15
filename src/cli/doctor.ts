/** @file `joryu doctor`: what this machine can do; `--profile` writes it for `--machine`. */
import type { Command } from "commander";
import { measureMachine } from "../plan/measure.js";
import { describeMachine, formatMachineProfile } from "../plan/profile.js";
import { writeFileAtomic } from "../store/files.js";
import { note, printLine } from "./output.js";

export function addDoctor(program: Command): void {
  program
    .command("doctor")
    .description("measures this machine; --profile writes the numbers for --machine")
    .option("--profile [file]", "write the profile as JSON to a file, or to standard output")
    .action(async (options: { profile?: string | true }) => {
      const profile = await measureMachine();
      if (typeof options.profile === "string") {
        writeFileAtomic(options.profile, formatMachineProfile(profile));
        note(`wrote ${options.profile}`);
      } else if (options.profile === true) {
        printLine(formatMachineProfile(profile).trimEnd());
      } else {
        printLine(describeMachine(profile));
      }
    });
}
