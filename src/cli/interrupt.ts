/** @file Ctrl-C: the first one asks the command to stop after what it is doing, a second one ends the process at once. */
import { note } from "./output.js";

/** 128 + SIGINT, as shells expect. */
export const EXIT_INTERRUPTED = 130;

/** What is drawn while a command works: it is taken away before anything is said, and not drawn again. */
export interface Drawing {
  close(): void;
}

/** An abort signal that Ctrl-C sets. Its reason is an AbortError, which main.ts turns into the exit code. */
export function interruptible(drawing?: Drawing): AbortController {
  const controller = new AbortController();
  const stop = (): void => {
    drawing?.close();
    note("stopping; run the same command again to go on");
    controller.abort(Object.assign(new Error("interrupted"), { name: "AbortError" }));
    process.once("SIGINT", () => process.exit(EXIT_INTERRUPTED));
    process.once("SIGTERM", () => process.exit(EXIT_INTERRUPTED));
  };
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
  return controller;
}
