/** @file `joryu import`: reads logs and says what became of every record. Keeps nothing. */
import type { Command } from "commander";
import { importLogs, type ImportResult } from "../dataset/import.js";
import { COLUMNS_FLAG, parseColumns } from "./columns-option.js";
import { interruptible } from "./interrupt.js";
import { createProgress, note, printJson, printLine } from "./output.js";

/** Rejected lines that are printed for a person. */
const SHOWN_REJECTS = 20;

function printCounts(result: ImportResult): void {
  for (const file of result.files)
    printLine(`${file.source}: ${file.format}, ${file.encoding}, ${file.counts.accepted} accepted`);
  const { records, accepted, duplicates, rejected } = result.counts;
  printLine(`records ${records}, accepted ${accepted}, duplicates ${duplicates}, rejected ${rejected}`);
  for (const [reason, count] of result.rejectCounts) printLine(`rejected ${count}: ${reason}`);
  for (const { source, line, reason } of result.rejects.slice(0, SHOWN_REJECTS))
    printLine(`  ${source}:${line}: ${reason}`);
}

export function addImport(program: Command): void {
  program
    .command("import")
    .description("reads logs and counts accepted, duplicate and rejected records")
    .argument("<file...>", "log files")
    .option("--format <name>", "log format", "auto")
    .option(...COLUMNS_FLAG)
    .option("--json", "print JSON lines: one per rejected record, then the counts")
    .action(async (files: string[], options: { format: string; columns?: string; json?: boolean }) => {
      const progress = createProgress();
      try {
        const result = await importLogs(files, {
          format: options.format,
          columns: parseColumns(options.columns),
          signal: interruptible(progress).signal,
          onProgress: (read, total) => progress.update("import", total > 0 ? read / total : 1),
        });
        progress.stop();
        for (const text of result.notes) note(text);
        if (options.json !== true) return printCounts(result);
        for (const reject of result.rejects) printJson({ rejected: reject });
        const perFile = result.files.map(({ source, format, encoding, counts }) => ({
          source,
          format,
          encoding,
          ...counts,
        }));
        printJson({ ...result.counts, reasons: Object.fromEntries(result.rejectCounts), files: perFile });
      } finally {
        progress.stop();
      }
    });
}
