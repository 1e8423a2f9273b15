/** @file What the commands share in printing: stdout for results, stderr for progress and notes; no colour codes into a pipe. */
import { SingleBar } from "cli-progress";
import { nowMs } from "../clock.js";
import { isColourWanted } from "../config/load.js";
import type { Progress } from "../pipeline/progress.js";
import { PLAIN_PAPER, WIDEST_COLUMNS, cutTo, displayWidth, wrap, type Paper } from "../report/terminal.js";
import { redactSecrets } from "../secrets.js";
import { say } from "./language.js";

/** Writes a line of result. */
export function printLine(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Writes a value as one JSON line. */
export function printJson(value: unknown): void {
  printLine(JSON.stringify(value));
}

function wrapped(text: string): readonly string[] {
  const { width } = paperOf(process.stderr, false);
  return wrap(text, width, " ".repeat((/^ */.exec(text)?.[0].length ?? 0) + 2));
}

/** Writes a note to the person at the terminal. */
export function note(text: string): void {
  const lines = process.stderr.isTTY === true ? wrapped(say(text)) : [say(text)];
  process.stderr.write(`${redactSecrets(lines.join("\n"))}\n`);
}

/** The terminal that results go to: at most 100 columns wide, colour unless NO_COLOR forbids it; a pipe gets 80 and none. */
export function paper(): Paper {
  return paperOf(process.stdout, isColourWanted());
}

/** What is written on, of a stream with or without a terminal behind it. */
export function paperOf(stream: { readonly isTTY?: boolean; readonly columns?: number }, isColoured: boolean): Paper {
  if (stream.isTTY !== true) return PLAIN_PAPER;
  const { columns = 0 } = stream;
  // A terminal that does not know its width says 0.
  return { width: columns > 0 ? Math.min(WIDEST_COLUMNS, columns) : PLAIN_PAPER.width, colour: isColoured };
}

/** Writes lines of result, each cut at words; what follows a first line is set in. */
export function printWrapped(text: string): void {
  const { width } = paper();
  for (const line of text.split("\n").map(say)) {
    const hanging = " ".repeat((/^ */.exec(line)?.[0].length ?? 0) + 4);
    for (const part of wrap(line, width, hanging)) printLine(part);
  }
}

/** Least time between two lines of progress in a pipe. */
const PIPE_INTERVAL_MS = 10_000;
/** Before so much of a stage was seen, nothing is foretold of the rest: the first steps load and warm up. */
const LEAST_SEEN_RATIO = 0.1;
const LEAST_SEEN_SECONDS = 2;

/** How far a stage was at a time. */
export interface Mark {
  readonly atMs: number;
  readonly doneRatio: number;
}

/** Seconds that are left at the pace since the first mark; undefined as long as too little was seen to say. */
export function secondsLeft(first: Mark, now: Mark): number | undefined {
  const [seconds, done] = [(now.atMs - first.atMs) / 1000, now.doneRatio - first.doneRatio];
  if (done < LEAST_SEEN_RATIO || seconds < LEAST_SEEN_SECONDS) return undefined;
  return (seconds / done) * Math.max(0, 1 - now.doneRatio);
}

function formatLeft(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return say(`about ${whole} s left`);
  return say(`about ${Math.floor(whole / 60)} min ${whole % 60} s left`);
}

const LONGEST_BAR = 24;
const SHORTEST_BAR = 8;
/** Columns of share and time left, with the gaps; the last column stays free, so that no line breaks. */
const FIGURE_COLUMNS = 34;

/** One line of progress that fits the width: the bar gives way first, then the name of the stage. */
export function barLine(stage: string, doneRatio: number, leftSeconds: number | undefined, width: number): string {
  const bar = Math.max(SHORTEST_BAR, Math.min(LONGEST_BAR, width - displayWidth(stage) - FIGURE_COLUMNS));
  const name = cutTo(stage, Math.max(SHORTEST_BAR, width - bar - FIGURE_COLUMNS));
  const full = Math.round(bar * doneRatio);
  const left = leftSeconds === undefined ? "" : `  ${formatLeft(leftSeconds)}`;
  const share = `${Math.floor(doneRatio * 100)}%`.padStart(4);
  return cutTo(`${name} ${"█".repeat(full)}${"░".repeat(bar - full)} ${share}${left}`, width - 1);
}

/** Progress of long work: a bar in a terminal, a line now and then in a pipe, with the time left as soon as it can be told. */
export function createProgress(): Progress & { stop(): void; close(): void } {
  const terminal = process.stderr.isTTY === true;
  let bar: SingleBar | undefined;
  let [name, printedMs, isClosed] = ["", 0, false];
  let first: Mark = { atMs: 0, doneRatio: 0 };
  let left: number | undefined;
  const finish = (): void => {
    bar?.stop();
    bar = undefined;
    name = "";
  };
  const begin = (stage: string, mark: Mark): void => {
    finish();
    [name, first, printedMs, left] = [stage, mark, mark.atMs, undefined];
    if (!terminal) return;
    const format = (_options: unknown, { progress }: { readonly progress: number }): string =>
      barLine(say(stage), progress, left, process.stderr.columns || PLAIN_PAPER.width);
    bar = new SingleBar({
      format,
      stream: process.stderr,
      hideCursor: true,
      clearOnComplete: true,
      gracefulExit: false,
    });
    bar.start(1, mark.doneRatio);
  };
  return {
    update(stage, doneRatio) {
      if (isClosed) return;
      const now = { atMs: nowMs(), doneRatio: Math.min(1, doneRatio) };
      if (stage !== name) begin(stage, now);
      left = secondsLeft(first, now);
      if (bar !== undefined) return bar.update(now.doneRatio);
      if (now.atMs - printedMs < PIPE_INTERVAL_MS || doneRatio <= 0) return;
      printedMs = now.atMs;
      const rest = left === undefined ? "" : `, ${formatLeft(left)}`;
      note(`${say(stage)}: ${Math.floor(doneRatio * 100)} %${rest}`);
    },
    note(text) {
      if (isClosed) return;
      finish();
      note(text);
    },
    stop: finish,
    close() {
      finish();
      isClosed = true;
    },
  };
}
