/** @file `joryu report`: draws the report of a finished run again, in a language. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { InputError, UsageError } from "../errors.js";
import { readFactsFile } from "../pipeline/stored.js";
import { decideVerdict } from "../report/verdict.js";
import { renderSummary } from "../report/summary.js";
import { metricsOf } from "../report/metrics.js";
import { writeReport } from "../report/write.js";
import { paper, printJson, printLine } from "./output.js";

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

export function addReport(program: Command): void {
  program
    .command("report")
    .description("draws the report of a finished run again")
    .option("--out <dir>", "folder of the project's state", ".joryu")
    .option("--run <id>", "the run; the finished one that began last when absent")
    .option("--lang <language>", "en or ja", "en")
    .option("--json", "print a JSON line")
    .action((options: { out: string; run?: string; lang: string; json?: boolean }) => {
      if (options.lang !== "en" && options.lang !== "ja")
        throw new UsageError(`--lang: expected en or ja, got ${options.lang}`);
      const folder = options.run === undefined ? newestRun(options.out) : join(options.out, "runs", options.run);
      const facts = readFactsFile(folder);
      const verdict = decideVerdict(facts);
      writeReport(folder, facts, verdict, options.lang);
      const reportPath = join(folder, "report.html");
      if (options.json === true)
        printJson({
          verdict: verdict.verdict,
          reasons: verdict.reasons,
          report: reportPath,
          metrics: metricsOf(facts),
        });
      else printLine(renderSummary(facts, verdict, options.lang, { reportPath }, paper()).trimEnd());
    });
}
