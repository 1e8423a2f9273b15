/** @file `joryu plan`: the ladder of candidates with estimates, for this machine or another. Trains nothing. */
import type { Command } from "commander";
import { planOnly } from "../pipeline/run.js";
import { formatPlan, planJson } from "../plan/format.js";
import { interruptible } from "./interrupt.js";
import { speak } from "./language.js";
import { createProgress, printJson, printWrapped } from "./output.js";
import { addRunFlags, configOf, trainingThreads, type RunFlags } from "./run-options.js";

export function addPlan(program: Command): void {
  addRunFlags(
    program.command("plan").description("says which students could meet the target, and what they would cost"),
  ).action(async (flags: RunFlags) => {
    const config = configOf(flags);
    speak(config.lang);
    const progress = createProgress();
    try {
      const { plan, forecast } = await planOnly(config, {
        threads: trainingThreads(),
        progress,
        signal: interruptible(progress).signal,
        ...(flags.machine === undefined ? {} : { machine: flags.machine }),
      });
      progress.stop();
      if (flags.json === true) printJson(planJson(plan, forecast));
      else printWrapped(formatPlan(plan, forecast));
    } finally {
      progress.stop();
    }
  });
}
