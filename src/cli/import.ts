/** @file `joryu import`: reads logs and says what became of every record. Keeps nothing. */
import type { Command } from "commander";
import { importLogs, type ImportResult } from "../dataset/import.js";
import { COLUMNS_FLAG, parseColumns } from "./columns-option.js";
import { interruptible } from "./interrupt.js";
import { redactionNotes } from "../pipeline/redaction.js";
import { addRedactFlags, temporaryRedactor, type RedactFlags } from "./redact-options.js";
import { createProgress, note, printJson, printLine } from "./output.js";

/** Rejected lines that are printed for a person. */
const SHOWN_REJECTS = 20;

/** Which column or path became what. */
function columnsText(columns: Readonly<Record<string, string>>): string {
  const parts = Object.entries(columns).map(([role, column]) => `${role}=${column}`);
  return parts.length === 0 ? "" : ` (${parts.join(", ")})`;
}

function printCounts(result: ImportResult): void {
  for (const file of result.files)
    printLine(
      `${file.source}: ${file.format}, ${file.encoding}${file.packed === undefined ? "" : ` in ${file.packed}`}, ${file.counts.accepted} accepted${columnsText(file.columns)}`,
    );
  const { records, accepted, duplicates, rejected } = result.counts;
  printLine(`records ${records}, accepted ${accepted}, duplicates ${duplicates}, rejected ${rejected}`);
  for (const [reason, count] of result.rejectCounts) printLine(`rejected ${count}: ${reason}`);
  for (const { source, line, reason } of result.rejects.slice(0, SHOWN_REJECTS))
    printLine(`  ${source}:${line}: ${reason}`);
}

interface ImportFlags extends RedactFlags {
  readonly format: string;
  readonly columns?: string;
  readonly json?: boolean;
}

export function addImport(program: Command): void {
  const command = program
    .command("import")
    .description("reads logs and counts accepted, duplicate and rejected records")
    .argument("<file...>", "log files")
    .option("--format <name>", "log format", "auto")
    .option(...COLUMNS_FLAG)
    .option("--json", "print JSON lines: one per rejected record, then the counts");
  addRedactFlags(command).action(async (files: string[], options: ImportFlags) => {
    const progress = createProgress();
    try {
      const redactor = await temporaryRedactor(options);
      const result = await importLogs(files, {
        format: options.format,
        columns: parseColumns(options.columns),
        signal: interruptible(progress).signal,
        ...(redactor === undefined ? {} : { redact: redactor.redactRecord }),
        onProgress: (read, total) => progress.update("import", total > 0 ? read / total : 1),
      });
      progress.stop();
      const redaction = redactor?.facts();
      for (const text of [...result.notes, ...(redaction === undefined ? [] : redactionNotes(redaction))]) note(text);
      if (options.json !== true) return printCounts(result);
      for (const reject of result.rejects) printJson({ rejected: reject });
      const perFile = result.files.map(({ source, format, encoding, counts, columns }) => ({
        source,
        format,
        encoding,
        ...counts,
        columns,
      }));
      printJson({
        ...result.counts,
        reasons: Object.fromEntries(result.rejectCounts),
        files: perFile,
        rejections: result.rejections,
        unread: result.unread,
        ...(redaction === undefined ? {} : { redaction }),
      });
    } finally {
      progress.stop();
    }
  });
}
