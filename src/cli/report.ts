/** @file `joryu report`: draws the report of a finished run again, in a language. */
import { join } from "node:path";
import type { Command } from "commander";
import { UsageError } from "../errors.js";
import { readFactsFile } from "../pipeline/stored.js";
import { decideVerdict } from "../report/verdict.js";
import { renderSummary } from "../report/summary.js";
import { metricsOf } from "../report/metrics.js";
import { writeReport } from "../report/write.js";
import { newestRun } from "./newest-run.js";
import { paper, printJson, printLine } from "./output.js";

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
