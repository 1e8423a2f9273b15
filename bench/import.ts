/** @file Rate and memory of the import beside a bare line-by-line JSON.parse of the same file, each in its own process, in
 *  alternating order. Prints JSON lines. `node dist/bench/import.js --mb 1000 [--rounds 3] [--seed 1]`. */
import { spawnSync } from "node:child_process";
import { closeSync, createReadStream, mkdtempSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { nowMs } from "../src/clock.js";
import { importLogs } from "../src/dataset/import.js";
import { createRandom } from "../src/random.js";

const { values } = parseArgs({
  options: {
    mb: { type: "string", default: "200" },
    rounds: { type: "string", default: "3" },
    seed: { type: "string", default: "1" },
    mode: { type: "string", default: "compare" },
    file: { type: "string", default: "" },
  },
});

/** Chat lines of about one kilobyte: a system prompt, a customer's text of 5 to 200 words, a label; one line in ten repeats. */
function generate(path: string, sizeBytes: number, seed: number): number {
  const random = createRandom(seed, "import bench");
  const words = Array.from({ length: 5_000 }, () =>
    Array.from({ length: 2 + random.int(8) }, () => "etaoinshrdlucmfw"[random.int(16)]).join(""),
  );
  const system = `You route support tickets. ${Array.from({ length: 60 }, (_, i) => `label_${i}`).join(", ")}`;
  const file = openSync(path, "w");
  let written = 0;
  let lines = 0;
  let previous = "";
  while (written < sizeBytes) {
    let block = "";
    while (block.length < 1 << 20) {
      const text = Array.from({ length: 5 + random.int(195) }, () => words[random.int(5_000)]).join(" ");
      const messages = [
        { role: "system", content: system },
        { role: "user", content: `Ticket: ${text}` },
        { role: "assistant", content: `label_${random.int(60)}` },
      ];
      const line =
        random.int(10) === 0 && previous !== "" ? previous : `${JSON.stringify({ messages, model: "teacher" })}\n`;
      previous = line;
      block += line;
      lines++;
    }
    written += writeSync(file, block);
  }
  closeSync(file);
  return lines;
}

async function bareParse(path: string): Promise<number> {
  let objects = 0;
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    const value: unknown = JSON.parse(line);
    if (typeof value === "object") objects++;
  }
  return objects;
}

async function measure(mode: string, path: string): Promise<void> {
  const startMs = nowMs();
  const facts = mode === "parse" ? { records: await bareParse(path) } : await imported(path);
  const seconds = (nowMs() - startMs) / 1000;
  const mbPerSecond = statSync(path).size / 1e6 / seconds;
  print({ mode, ...facts, seconds, mbPerSecond, peakRssMb: process.resourceUsage().maxRSS / 1024 });
}

async function imported(path: string): Promise<Record<string, unknown>> {
  const result = await importLogs([path]);
  return { ...result.counts, tableBytesPerRecord: result.tableBytes / result.counts.accepted };
}

function print(facts: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(facts)}\n`);
}

function inOwnProcess(mode: string, path: string): { mbPerSecond: number; peakRssMb: number } {
  const child = spawnSync(process.execPath, [fileURLToPath(import.meta.url), "--mode", mode, "--file", path], {
    encoding: "utf8",
  });
  if (child.status !== 0) throw new Error(child.stderr);
  process.stdout.write(child.stdout);
  return JSON.parse(child.stdout) as { mbPerSecond: number; peakRssMb: number };
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0;
}

function compare(): void {
  const folder = mkdtempSync(join(tmpdir(), "joryu-import-"));
  try {
    const path = join(folder, "chat.jsonl");
    const lines = generate(path, Number(values.mb) * 1e6, Number(values.seed));
    print({ generated: statSync(path).size, lines });
    const rounds = Array.from({ length: Number(values.rounds) }, () => ({
      parse: inOwnProcess("parse", path),
      own: inOwnProcess("import", path),
    }));
    print({
      bench: "import",
      megabytes: Number(values.mb),
      rateRatio: median(rounds.map(({ parse, own }) => own.mbPerSecond / parse.mbPerSecond)),
      mbPerSecond: median(rounds.map(({ own }) => own.mbPerSecond)),
      peakRssMb: Math.max(...rounds.map(({ own }) => own.peakRssMb)),
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (values.mode === "compare") compare();
else await measure(values.mode, values.file);
