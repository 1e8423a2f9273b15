/** @file `joryu mistakes`: what a person should look at after a run, as a table for a spreadsheet. Filled in, it comes back with
 *  `joryu run --reviewed`. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { InputError, UsageError } from "../errors.js";
import { MISTAKES_FILE } from "../pipeline/mistakes.js";
import { readFactsFile } from "../pipeline/stored.js";
import { text } from "../report/catalogue.js";
import { mistakesTable } from "../report/look.js";
import { tableLines } from "../report/terminal.js";
import { writeFileAtomic } from "../store/files.js";
import { newestRun } from "./newest-run.js";
import { paper, printJson, printLine } from "./output.js";

interface Options {
  readonly out: string;
  readonly run?: string;
  readonly csv?: string;
  readonly lang: string;
  readonly json?: boolean;
}

function mistakes(options: Options): void {
  const { lang } = options;
  if (lang !== "en" && lang !== "ja") throw new UsageError(`--lang: expected en or ja, got ${lang}`);
  const folder = options.run === undefined ? newestRun(options.out) : join(options.out, "runs", options.run);
  const facts = readFactsFile(folder);
  const written = join(folder, MISTAKES_FILE);
  const table = mistakesTable(facts, lang);
  if (table === undefined || facts.mistakes === undefined || !existsSync(written))
    throw new InputError(`${folder}: no answers to look at were kept`, {
      hint: "run again with this version, with enough logs to seal some",
    });
  if (options.csv !== undefined) writeFileAtomic(options.csv, readFileSync(written, "utf8"));
  const csv = options.csv ?? written;
  if (options.json === true) return printJson({ ...facts.mistakes, csv });
  for (const line of tableLines(table.columns, table.rows, paper().width).slice(1)) printLine(line);
  printLine(text(lang, "mistakes-csv", { csv }));
}

export function addMistakes(program: Command): void {
  program
    .command("mistakes")
    .description("counts and exports what to look at: kept and wrong, deferred, teacher's answers that may be wrong")
    .option("--out <dir>", "folder of the project's state", ".joryu")
    .option("--run <id>", "the run; the finished one that began last when absent")
    .option("--csv <file>", "write the table there")
    .option("--lang <language>", "en or ja", "en")
    .option("--json", "print a JSON line")
    .action(mistakes);
}
