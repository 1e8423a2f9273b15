#!/usr/bin/env node
/** @file The command line: parses, calls one command, prints, chooses the exit code. Results go to stdout, everything else to stderr. */
import { Command, CommanderError } from "commander";
import { JoryuError } from "../errors.js";
import { redactSecrets } from "../secrets.js";
import { EXIT_INTERRUPTED } from "./interrupt.js";
import { languageOf, say, speak } from "./language.js";
import { VERSION } from "../version.js";

/** What each command adds to the program. A command is loaded when it is called, because the charts of `run` take longer to load than
 *  `predict` takes to answer. */
const COMMANDS: Readonly<Record<string, () => Promise<(program: Command) => void>>> = {
  run: async () => (await import("./run.js")).addRun,
  predict: async () => (await import("./predict.js")).addPredict,
  evaluate: async () => (await import("./evaluate.js")).addEvaluate,
  label: async () => (await import("./label.js")).addLabel,
  import: async () => (await import("./import.js")).addImport,
  redact: async () => (await import("./redact.js")).addRedact,
  plan: async () => (await import("./plan.js")).addPlan,
  quantize: async () => (await import("./quantize.js")).addQuantize,
  report: async () => (await import("./report.js")).addReport,
  mistakes: async () => (await import("./mistakes.js")).addMistakes,
  init: async () => (await import("./init.js")).addInit,
  doctor: async () => (await import("./doctor.js")).addDoctor,
};

function oneLine(text: string): string {
  return text.trim().replace(/\s*\n\s*/g, " ");
}

/** The program with the command that is called, or with all of them where none is. */
async function program(called: string): Promise<Command> {
  const command = new Command("joryu")
    .description(
      "Turns logged LLM traffic into a small model you own, and lets it answer only as far as it has been proved.",
    )
    .version(VERSION)
    .configureOutput({
      outputError: (text, write) =>
        write(
          `joryu: ${redactSecrets(say(`${oneLine(text.replace(/^error: /, ""))}; joryu --help lists commands and flags`))}\n`,
        ),
    })
    .exitOverride();
  const names = Object.hasOwn(COMMANDS, called) ? [called] : Object.keys(COMMANDS);
  for (const name of names) (await COMMANDS[name]?.())?.(command);
  for (const sub of command.commands) sub.exitOverride();
  return command;
}

function failure(cause: unknown): number {
  if (cause instanceof CommanderError) return cause.exitCode === 0 ? 0 : 2;
  if (cause instanceof JoryuError) {
    process.stderr.write(`joryu: ${redactSecrets(say(oneLine(cause.message)))}\n`);
    return cause.exitCode;
  }
  if (cause instanceof Error && cause.name === "AbortError") return EXIT_INTERRUPTED;
  const text = cause instanceof Error ? cause.message : String(cause);
  process.stderr.write(
    `joryu: internal: ${oneLine(redactSecrets(text))}; please report this with the command you ran\n`,
  );
  if (process.execArgv.includes("--enable-source-maps") && cause instanceof Error)
    process.stderr.write(`${redactSecrets(cause.stack ?? "")}\n`);
  return 1;
}

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  process.stderr.write(
    `joryu: standard output: cannot write (${error.code ?? error.message}); the result is not complete\n`,
  );
  process.exit(1);
});
process.on("uncaughtException", (cause) => process.exit(failure(cause)));
speak(languageOf(process.argv) ?? "en");
try {
  await (await program(process.argv[2] ?? "")).parseAsync();
} catch (cause) {
  process.exitCode = failure(cause);
}
