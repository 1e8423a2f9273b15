/** @file What the commands share in printing: stdout for results, stderr for progress and notes; no colour codes into a pipe. */
import { nowMs } from "../clock.js";
import { redactSecrets } from "../secrets.js";
import type { Progress } from "../pipeline/progress.js";
import { SingleBar } from "cli-progress";

/** Writes a line of result. */
export function printLine(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Writes a value as one JSON line. */
export function printJson(value: unknown): void {
  printLine(JSON.stringify(value));
}

/** Writes a note to the person at the terminal. */
export function note(text: string): void {
  process.stderr.write(`${redactSecrets(text)}\n`);
}

/** Least time between two lines of progress in a pipe. */
const PIPE_INTERVAL_MS = 10_000;

function formatSeconds(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** Progress of long work: a bar with ETA in a terminal, a line now and then in a pipe. */
export function createProgress(): Progress & { stop(): void } {
  const terminal = process.stderr.isTTY === true;
  let bar: SingleBar | undefined;
  let [name, startedMs, printedMs] = ["", 0, 0];
  const finish = (): void => {
    bar?.stop();
    bar = undefined;
  };
  const begin = (stage: string): void => {
    finish();
    name = stage;
    startedMs = nowMs();
    printedMs = startedMs;
    if (!terminal) return;
    const format = "{stage} {bar} {percentage}% | {eta_formatted} left";
    bar = new SingleBar({ format, stream: process.stderr, hideCursor: true, etaBuffer: 50, barsize: 24 });
    bar.start(1, 0, { stage: stage.padEnd(24) });
  };
  return {
    update(stage, doneRatio) {
      if (stage !== name) begin(stage);
      if (bar !== undefined) return bar.update(Math.min(1, doneRatio));
      const now = nowMs();
      if (now - printedMs < PIPE_INTERVAL_MS || doneRatio <= 0) return;
      printedMs = now;
      const left = ((now - startedMs) / 1000 / doneRatio) * (1 - doneRatio);
      note(`${stage}: ${Math.floor(doneRatio * 100)} %, about ${formatSeconds(left)} left`);
    },
    note(text) {
      finish();
      name = "";
      note(text);
    },
    stop: finish,
  };
}
