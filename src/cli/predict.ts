/** @file `joryu predict`: one input line, one output line, in order. */
import { type Command, Option } from "commander";
import { InputError } from "../errors.js";
import { openStudent } from "../student/open.js";
import type { Precision } from "../student/manifest.js";
import type { Student } from "../student/student.js";
import { isStudentInput, type StudentInput } from "../template/input.js";
import { note, printJson, printLine } from "./output.js";

/** Lines answered together: enough to keep the graph busy, few enough for an answer to come soon. */
const BATCH_LINES = 64;

/** What a line asks: the text or messages that it holds as JSON, otherwise the line itself. */
export function inputOfLine(line: string): StudentInput {
  if (!/^\s*["{[]/.test(line)) return line;
  try {
    const value: unknown = JSON.parse(line);
    return isStudentInput(value) ? value : line;
  } catch {
    // Not JSON: an ordinary text that starts with a quote, a brace or a bracket.
    return line;
  }
}

/** Prints answers and counts the texts that came without the template that was learned. */
class Answering {
  private answered = 0;
  private absent = 0;

  constructor(
    private readonly student: Student,
    private readonly json: boolean,
  ) {}

  async answer(lines: readonly string[]): Promise<void> {
    for (const prediction of await this.student.predict(lines.map(inputOfLine))) {
      this.answered++;
      if (prediction.template === "absent") this.absent++;
      if (this.json) printJson(prediction);
      else printLine(`${prediction.label}\t${prediction.probability.toFixed(3)}\t${prediction.decision}`);
    }
  }

  /** Says what a reader of the lines does not see; a JSON line has it in `template`. */
  noteAbsent(): void {
    if (this.absent === 0 || this.json) return;
    note(
      `${this.absent} of ${this.answered} inputs came without the student's prompt template, or without a part of it`,
    );
  }
}

/** Lines end at \n alone: what else Unicode calls a line break may stand inside a text. Whatever has arrived is answered at once, so that
 *  a program can ask, read the answer and ask again. */
async function answerStdin(answering: Answering): Promise<void> {
  let rest = "";
  for await (const chunk of process.stdin.setEncoding("utf8") as AsyncIterable<string>) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    const whole = lines.map((line) => line.replace(/\r$/, ""));
    for (let i = 0; i < whole.length; i += BATCH_LINES) await answering.answer(whole.slice(i, i + BATCH_LINES));
  }
  if (rest !== "") await answering.answer([rest]);
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
        const answering = new Answering(student, options.json ?? false);
        if (texts.length > 0) await answering.answer(texts);
        else await answerStdin(answering);
        answering.noteAbsent();
      } finally {
        await student.close();
      }
    });
}
