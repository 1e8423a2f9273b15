/** @file `joryu run`: logs in, a proven student and a verdict out. */
import { join } from "node:path";
import type { Command } from "commander";
import { UsageError } from "../errors.js";
import { planOnly, runPipeline, type RunOptions, type RunResult } from "../pipeline/run.js";
import { formatPlan, planJson } from "../plan/format.js";
import { metricsOf } from "../report/metrics.js";
import { renderSummary } from "../report/summary.js";
import { interruptible } from "./interrupt.js";
import { speak } from "./language.js";
import { createProgress, paper, printJson, printLine, printWrapped } from "./output.js";
import { addRunFlags, configOf, trainingThreads, type RunFlags } from "./run-options.js";
import { addTeacherFlags, teacherConfigOf, type TeacherFlags } from "./teacher-options.js";

/** The verdict is not to deploy. */
const EXIT_NOT_DEPLOYED = 3;

function printResult(result: RunResult, flags: RunFlags, lang: "en" | "ja"): void {
  const { facts, verdict } = result;
  if (flags.json === true) {
    printJson({
      verdict: verdict.verdict,
      reasons: verdict.reasons,
      model: result.modelFolder,
      report: join(result.reportFolder, "report.html"),
      metrics: metricsOf(facts),
      candidates: facts.candidates,
    });
    return;
  }
  printLine(
    renderSummary(facts, verdict, lang, { reportPath: join(result.reportFolder, "report.html") }, paper()).trimEnd(),
  );
}

async function run(flags: RunFlags & TeacherFlags): Promise<void> {
  const config = configOf(flags, teacherConfigOf(flags));
  if (flags.teacher !== undefined && config.texts === undefined)
    throw new UsageError("--teacher: nothing to label", { hint: "name texts without answers: --texts FILE" });
  speak(config.lang);
  const progress = createProgress();
  const controller = interruptible(progress);
  const options: RunOptions = {
    threads: trainingThreads(),
    progress,
    signal: controller.signal,
    ...(flags.machine === undefined ? {} : { machine: flags.machine }),
  };
  try {
    if (flags.dryRun === true) {
      const { plan, forecast } = await planOnly(config, options);
      progress.stop();
      if (flags.json === true) printJson(planJson(plan, forecast));
      else printWrapped(formatPlan(plan, forecast));
      return;
    }
    const result = await runPipeline(config, options);
    progress.stop();
    printResult(result, flags, config.lang);
    if (!result.verdict.verdict.startsWith("deploy")) process.exitCode = EXIT_NOT_DEPLOYED;
  } finally {
    progress.stop();
  }
}

export function addRun(program: Command): void {
  const description = "turns logs into a small student and proves it against its teacher";
  const command = addRunFlags(program.command("run").description(description)).option(
    "--texts <file...>",
    "texts without answers: the teacher labels them first (docs/labelling.md)",
  );
  addTeacherFlags(command).option("--dry-run", "import and plan, train nothing").action(run);
}
