#!/usr/bin/env node
/** @file The command line: parses, calls one command, prints, chooses the exit code. Results go to stdout, everything else to stderr. */
import { Command, CommanderError } from "commander";
import { JoryuError, redactSecrets } from "../errors.js";
import { addDoctor } from "./doctor.js";
import { addEvaluate } from "./evaluate.js";
import { addImport } from "./import.js";
import { addInit } from "./init.js";
import { addPlan } from "./plan.js";
import { addPredict } from "./predict.js";
import { addReport } from "./report.js";
import { addRun } from "./run.js";
import { VERSION } from "../version.js";

/** 128 + SIGINT, as shells expect. */
const EXIT_INTERRUPTED = 130;

function program(): Command {
  const command = new Command("joryu")
    .description("Turns logged LLM traffic into a small model you own, and lets it answer only as far as it has been proved.")
    .version(VERSION)
    .showHelpAfterError("(joryu --help lists the commands)")
    .exitOverride();
  for (const add of [addRun, addPredict, addEvaluate, addImport, addPlan, addReport, addInit, addDoctor]) add(command);
  for (const sub of command.commands) sub.exitOverride();
  return command;
}

function failure(cause: unknown): number {
  if (cause instanceof CommanderError) return cause.exitCode === 0 ? 0 : 2;
  if (cause instanceof JoryuError) {
    process.stderr.write(`joryu: ${cause.message}\n`);
    return cause.exitCode;
  }
  if (cause instanceof Error && cause.name === "AbortError") return EXIT_INTERRUPTED;
  const text = cause instanceof Error ? cause.message : String(cause);
  process.stderr.write(`joryu: internal: ${redactSecrets(text)}; please report this with the command you ran\n`);
  if (process.execArgv.includes("--enable-source-maps") && cause instanceof Error) process.stderr.write(`${cause.stack ?? ""}\n`);
  return 1;
}

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});
try {
  await program().parseAsync();
} catch (cause) {
  process.exitCode = failure(cause);
}
