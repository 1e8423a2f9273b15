/** @file `joryu report`: draws the report of a finished run again, in a language. */
import { join } from "node:path";
import type { Command } from "commander";
import { UsageError } from "../errors.js";
import { readFactsFile } from "../pipeline/stored.js";
import type { Facts } from "../report/facts.js";
import { decideVerdict } from "../report/verdict.js";
import { renderSummary } from "../report/summary.js";
import { metricsOf } from "../report/metrics.js";
import { writeReport } from "../report/write.js";
import { newestRun } from "./newest-run.js";
import { paper, printJson, printLine } from "./output.js";
import { numberFlag } from "./run-options.js";

/** Facts with a stated rate of yen. @throws UsageError */
function withRate(facts: Facts, yenPerUsd: number | undefined): Facts {
  if (yenPerUsd === undefined) return facts;
  if (!(yenPerUsd > 0)) throw new UsageError(`--yen-per-usd: expected a number above 0, got ${yenPerUsd}`);
  const { money } = facts;
  return { ...facts, money: { ...money, assumptions: { ...money.assumptions, yenPerUsd } } };
}

export function addReport(program: Command): void {
  program
    .command("report")
    .description("draws the report of a finished run again")
    .option("--out <dir>", "folder of the project's state", ".joryu")
    .option("--run <id>", "the run; the finished one that began last when absent")
    .option("--lang <language>", "en or ja", "en")
    .option("--yen-per-usd <n>", "yen for one US dollar: amounts stand in yen too")
    .option("--json", "print a JSON line")
    .action((options: { out: string; run?: string; lang: string; yenPerUsd?: string; json?: boolean }) => {
      if (options.lang !== "en" && options.lang !== "ja")
        throw new UsageError(`--lang: expected en or ja, got ${options.lang}`);
      const folder = options.run === undefined ? newestRun(options.out) : join(options.out, "runs", options.run);
      const facts = withRate(readFactsFile(folder), numberFlag("--yen-per-usd", options.yenPerUsd));
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
