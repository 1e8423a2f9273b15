/** @file `joryu predict`: one input line, one output line, in order. */
import { type Command, Option } from "commander";
import { isRejection } from "../dataset/fields.js";
import { parseMessages, splitAnswer } from "../dataset/formats/messages.js";
import { stripTemplate, type TemplateMessage } from "../dataset/template.js";
import type { PromptTemplate } from "../dataset/types.js";
import { InputError } from "../errors.js";
import { openStudent } from "../student/open.js";
import type { Precision } from "../student/manifest.js";
import type { Student } from "../student/student.js";
import { printJson, printLine } from "./output.js";

/** Lines answered together: enough to keep the graph busy, few enough for an answer to come soon. */
const BATCH_LINES = 64;

/** What a JSON value asks; an answer that ends the messages (a line of a log) is left out. */
function fromJson(value: unknown): string | readonly TemplateMessage[] | undefined {
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null) return undefined;
  if ("text" in value && typeof value.text === "string") return value.text;
  if (!("messages" in value)) return undefined;
  const messages = parseMessages(value.messages);
  if (isRejection(messages)) return undefined;
  const split = splitAnswer(messages);
  return isRejection(split) ? messages : split.asked;
}

function askedOf(line: string): string | readonly TemplateMessage[] {
  if (!/^\s*["{]/.test(line)) return line;
  try {
    return fromJson(JSON.parse(line)) ?? line;
  } catch {
    // Not JSON: an ordinary text that starts with a quote or a brace.
    return line;
  }
}

/** The text of a line without the template: of a JSON string, an object with `text` or `messages`, or of the line itself. */
export function textOfLine(line: string, template: PromptTemplate): string {
  return stripTemplate(askedOf(line), template);
}

async function answer(student: Student, lines: readonly string[], json: boolean): Promise<void> {
  const predictions = await student.predict(lines.map((line) => textOfLine(line, student.manifest.template)));
  for (const prediction of predictions) {
    if (json) printJson(prediction);
    else printLine(`${prediction.label}\t${prediction.probability.toFixed(3)}\t${prediction.decision}`);
  }
}

/** Lines end at \n alone: what else Unicode calls a line break may stand inside a text. Whatever has arrived is answered at once, so that
 *  a program can ask, read the answer and ask again. */
async function answerStdin(student: Student, json: boolean): Promise<void> {
  let rest = "";
  for await (const chunk of process.stdin.setEncoding("utf8") as AsyncIterable<string>) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    const whole = lines.map((line) => line.replace(/\r$/, ""));
    for (let i = 0; i < whole.length; i += BATCH_LINES) await answer(student, whole.slice(i, i + BATCH_LINES), json);
  }
  if (rest !== "") await answer(student, [rest], json);
}

/** Which graph of the folder answers. */
export function precisionOption(): Option {
  return new Option("--precision <form>", "graph that answers").choices(["int8", "fp32", "int4"]).default("int8");
}

export function addPredict(program: Command): void {
  program
    .command("predict")
    .description("answers texts with a student: arguments, or one text per line of standard input")
    .requiredOption("--model <dir>", "model folder that a run printed")
    .addOption(precisionOption())
    .option("--json", "print JSON lines")
    .argument("[text...]", "texts; a JSON string or an object with text or messages is taken as such")
    .action(async (texts: string[], options: { model: string; precision: Precision; json?: boolean }) => {
      if (texts.length === 0 && process.stdin.isTTY) {
        throw new InputError("predict: no text", { hint: "give texts as arguments or one per line on standard input" });
      }
      const student = await openStudent(options.model, { precision: options.precision });
      try {
        if (texts.length > 0) await answer(student, texts, options.json ?? false);
        else await answerStdin(student, options.json ?? false);
      } finally {
        await student.close();
      }
    });
}
