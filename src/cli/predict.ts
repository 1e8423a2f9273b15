/** @file `joryu predict`: one input line, one output line, in order. */
import { createInterface } from "node:readline";
import type { Command } from "commander";
import { stripTemplate } from "../dataset/template.js";
import type { Message } from "../dataset/types.js";
import { InputError } from "../errors.js";
import { openStudent } from "../student/open.js";
import type { Student } from "../student/student.js";
import { printJson, printLine } from "./output.js";

/** Lines answered together: enough to keep the graph busy, few enough for an answer to come soon. */
const BATCH_LINES = 64;

function isMessage(value: unknown): value is Message {
  if (typeof value !== "object" || value === null) return false;
  return "role" in value && typeof value.role === "string" && "content" in value && typeof value.content === "string";
}

function fromJson(value: unknown, student: Student): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null) return undefined;
  if ("text" in value && typeof value.text === "string") return value.text;
  if (!("messages" in value) || !Array.isArray(value.messages)) return undefined;
  const messages: unknown[] = value.messages;
  const known = messages.filter(isMessage);
  if (known.length !== messages.length || known.length === 0) return undefined;
  return stripTemplate(known, student.manifest.template);
}

/** The text of a line: a JSON string, an object with `text` or `messages`, or the line itself. */
export function textOfLine(line: string, student: Student): string {
  if (/^\s*["{]/.test(line)) {
    try {
      const text = fromJson(JSON.parse(line), student);
      if (text !== undefined) return stripTemplate(text, student.manifest.template);
    } catch {
      // Not JSON: an ordinary text that starts with a quote or a brace.
    }
  }
  return stripTemplate(line, student.manifest.template);
}

async function answer(student: Student, lines: readonly string[], json: boolean): Promise<void> {
  const predictions = await student.predict(lines.map((line) => textOfLine(line, student)));
  for (const prediction of predictions) {
    if (json) printJson(prediction);
    else printLine(`${prediction.label}\t${prediction.probability.toFixed(3)}\t${prediction.decision}`);
  }
}

async function answerStdin(student: Student, json: boolean): Promise<void> {
  let batch: string[] = [];
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    batch.push(line);
    if (batch.length < BATCH_LINES) continue;
    await answer(student, batch, json);
    batch = [];
  }
  await answer(student, batch, json);
}

export function addPredict(program: Command): void {
  program
    .command("predict")
    .description("answers texts with a student: arguments, or one text per line of standard input")
    .requiredOption("--model <dir>", "model folder that a run printed")
    .option("--json", "print JSON lines")
    .argument("[text...]", "texts; a JSON string or an object with text or messages is taken as such")
    .action(async (texts: string[], options: { model: string; json?: boolean }) => {
      if (texts.length === 0 && process.stdin.isTTY) {
        throw new InputError("predict: no text", { hint: "give texts as arguments or one per line on standard input" });
      }
      const student = await openStudent(options.model);
      try {
        if (texts.length > 0) await answer(student, texts, options.json ?? false);
        else await answerStdin(student, options.json ?? false);
      } finally {
        await student.close();
      }
    });
}
