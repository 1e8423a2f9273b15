/** @file `joryu evaluate`: a student against records that it has not seen, with intervals. */
import type { Command } from "commander";
import { readLabelRecords } from "../dataset/records.js";
import { InputError } from "../errors.js";
import { shareOf } from "../pipeline/publish.js";
import { openStudent } from "../student/open.js";
import { wilson } from "../stats.js";
import type { Precision } from "../student/manifest.js";
import { printJson, printLine } from "./output.js";
import { precisionOption } from "./predict.js";

function percent(value: number): string {
  return `${(100 * value).toFixed(2)} %`;
}

interface Options {
  readonly model: string;
  readonly records: string;
  readonly precision: Precision;
  readonly json?: boolean;
}

async function evaluate(options: Options): Promise<void> {
  const student = await openStudent(options.model, { precision: options.precision });
  try {
    const { labels, template } = student.manifest;
    const { records } = await readLabelRecords(options.records, { labels, template });
    if (records.length === 0) throw new InputError(`${options.records}: no record with an answer`);
    const predictions = await student.predict(records.map((record) => record.text));
    const agree = records.map(({ label }, i) => (labels[label] === predictions[i]?.label ? 1 : 0));
    const kept = predictions.flatMap((prediction, i) => (prediction.decision === "keep" ? [agree[i] ?? 0] : []));
    const gold = records.flatMap((record, i) =>
      record.gold === undefined ? [] : [labels[record.gold] === predictions[i]?.label ? 1 : 0],
    );
    const result = {
      records: records.length,
      outsideLabels: records.filter((record) => record.label < 0).length,
      agreement: shareOf(agree),
      ...(gold.length === 0 ? {} : { goldAccuracy: shareOf(gold) }),
      coverage: wilson(kept.length, records.length),
      keptAgreement: shareOf(kept),
    };
    if (options.json === true) return printJson(result);
    const { agreement, coverage, keptAgreement } = result;
    printLine(`records         ${result.records} (${result.outsideLabels} with an answer outside the label set)`);
    printLine(
      `agreement       ${percent(agreement.value)} (95 %: ${percent(agreement.low)} to ${percent(agreement.high)})`,
    );
    if (result.goldAccuracy !== undefined)
      printLine(
        `gold accuracy   ${percent(result.goldAccuracy.value)} (95 %: ${percent(result.goldAccuracy.low)} to ${percent(result.goldAccuracy.high)})`,
      );
    printLine(
      `kept            ${percent(coverage.value)} of the records, ${percent(keptAgreement.value)} of them like the teacher`,
    );
  } finally {
    await student.close();
  }
}

export function addEvaluate(program: Command): void {
  program
    .command("evaluate")
    .description("compares a student with the answers in a file of records")
    .requiredOption("--model <dir>", "model folder that a run printed")
    .requiredOption("--records <file>", "records in any importable format")
    .addOption(precisionOption())
    .option("--json", "print a JSON line")
    .action(evaluate);
}
