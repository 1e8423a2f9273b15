/** @file Turns BANKING77 (PolyAI, CC BY 4.0) into OpenAI chat logs: a system prompt, the customer's text, the label as the teacher's
 *  answer. No model name, time stamp or price is made up. Where the CSV is to be had: train.csv and test.csv under banking_data/ of
 *  https://github.com/PolyAI-LDN/task-specific-datasets, commit 57ec275d8078af65b7731c2a98be812d844a6d6b.
 *  Usage: node dist/tools/banking77-logs.js CSV OUT [--test]; --test keeps the order of the file instead of shuffling it. */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parse } from "csv-parse/sync";
import { createRandom, permutation } from "../src/random.js";

export const SYSTEM_PROMPT =
  "You route messages of online-banking customers. Answer with the one intent that fits, in snake_case, and nothing else.";

/** The file ships with the project: this seed makes its order. */
const SHUFFLE_SEED = 77;

export interface LabelledText {
  readonly text: string;
  readonly category: string;
}

/** Rows of the CSV, texts untouched. @throws Error when a column is missing. */
export function readLabelledTexts(csv: string): LabelledText[] {
  const rows = parse(csv, { columns: true, bom: true }) as unknown as readonly Readonly<Record<string, string>>[];
  return rows.map(({ text, category }, index) => {
    if (text === undefined || category === undefined)
      throw new Error(`row ${index + 1}: expected the columns text and category`);
    return { text, category };
  });
}

/** One line of an OpenAI chat log. */
export function toChatLine({ text, category }: LabelledText): string {
  const messages = [
    { role: "system", content: SYSTEM_PROMPT },
    { role: "user", content: text },
    { role: "assistant", content: category },
  ];
  return JSON.stringify({ messages });
}

/** The rows in a random order that the seed fixes. */
export function shuffled<T>(rows: readonly T[]): T[] {
  const order = permutation(rows.length, createRandom(SHUFFLE_SEED, "banking77-logs"));
  return Array.from(order, (index) => rows[index]).filter((row) => row !== undefined);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [csvPath, outPath, flag] = process.argv.slice(2);
  if (csvPath === undefined || outPath === undefined || (flag !== undefined && flag !== "--test")) {
    console.error("usage: node dist/tools/banking77-logs.js CSV OUT [--test]");
    process.exitCode = 2;
  } else {
    const rows = readLabelledTexts(readFileSync(csvPath, "utf8"));
    const ordered = flag === "--test" ? rows : shuffled(rows);
    writeFileSync(outPath, `${ordered.map(toChatLine).join("\n")}\n`);
    console.error(
      `${ordered.length} records, ${new Set(rows.map(({ category }) => category)).size} labels -> ${outPath}`,
    );
  }
}
