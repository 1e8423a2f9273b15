/** @file `joryu redact`: logs in, the same records without personal data out, as JSON lines that every command reads. */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { importLogs } from "../dataset/import.js";
import type { LlmRecord, Message, TokenLogprobs, ToolCall } from "../dataset/types.js";
import { InputError } from "../errors.js";
import { redactionNotes } from "../pipeline/redaction.js";
import { makeFolder, storeError, writeJsonAtomic } from "../store/files.js";
import { COLUMNS_FLAG, parseColumns } from "./columns-option.js";
import { interruptible } from "./interrupt.js";
import { createProgress, note, printJson, printLine } from "./output.js";
import { addSettings, redactorWith, type RedactFlags } from "./redact-options.js";

interface Options extends RedactFlags {
  readonly out: string;
  readonly format: string;
  readonly columns?: string;
  readonly key?: string;
  readonly json?: boolean;
}

const LEAST_KEY_BYTES = 32;

/** @throws InputError for a file that cannot be read or is too short to be a key */
function readKey(path: string): string {
  try {
    const key = readFileSync(path, "utf8").trim();
    if (Buffer.byteLength(key) >= LEAST_KEY_BYTES) return key;
  } catch (cause) {
    throw new InputError(`--key ${path}: cannot be read`, { hint: "name a file that you may read", cause });
  }
  throw new InputError(`--key ${path}: expected at least ${LEAST_KEY_BYTES} bytes`, {
    hint: "write some with `openssl rand -hex 32`",
  });
}

function wireCalls(calls: readonly ToolCall[]): object {
  return {
    tool_calls: calls.map(({ name, arguments: text }) => ({ type: "function", function: { name, arguments: text } })),
  };
}

function wireMessage({ role, content, toolCalls }: Message): object {
  return { role, content, ...(toolCalls === undefined ? {} : wireCalls(toolCalls)) };
}

function wireToken({ top, ...token }: TokenLogprobs): object {
  return { ...token, top_logprobs: top };
}

/** A record as chat logs hold it; absent fields stay absent. */
function wireRecord(record: LlmRecord): object {
  const { messages, answer, toolCalls, timestampMs, costUsd, latencyMs, inputTokens, outputTokens } = record;
  const { logprobs } = record;
  const { id, user, conversation, model, gold, occurrences, split } = record;
  const last = { role: "assistant", content: answer, ...(toolCalls === undefined ? {} : wireCalls(toolCalls)) };
  return {
    messages: [...messages.map(wireMessage), last],
    id,
    user,
    conversation,
    model,
    gold,
    occurrences,
    split,
    ...(logprobs === undefined ? {} : { logprobs: { content: logprobs.map(wireToken) } }),
    timestamp: timestampMs,
    cost_usd: costUsd,
    latency_ms: latencyMs,
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
  };
}

/** A file that gets its name when it is whole. */
class RecordsFile {
  private readonly temporary: string;
  private readonly file: number;
  private pending: string[] = [];

  constructor(private readonly path: string) {
    this.temporary = `${path}.writing`;
    this.file = this.storing(() => openSync(this.temporary, "w"));
  }

  write(value: object): void {
    this.pending.push(`${JSON.stringify(value)}\n`);
    if (this.pending.length >= 1000) this.flush();
  }

  finish(): void {
    this.flush();
    this.storing(() => {
      fsyncSync(this.file);
      closeSync(this.file);
      renameSync(this.temporary, this.path);
    });
  }

  discard(): void {
    closeSync(this.file);
    rmSync(this.temporary, { force: true });
  }

  private flush(): void {
    const bytes = Buffer.from(this.pending.join(""));
    this.pending = [];
    this.storing(() => {
      for (let at = 0; at < bytes.length;) at += writeSync(this.file, bytes, at);
    });
  }

  private storing<T>(action: () => T): T {
    try {
      return action();
    } catch (cause) {
      throw storeError(this.path, cause);
    }
  }
}

async function redact(files: string[], options: Options): Promise<void> {
  const redactor = await redactorWith(options, options.key === undefined ? undefined : readKey(options.key));
  makeFolder(options.out);
  const path = join(options.out, "records.jsonl");
  const progress = createProgress();
  const written = new RecordsFile(path);
  let isWhole = false;
  try {
    const result = await importLogs(files, {
      format: options.format,
      columns: parseColumns(options.columns),
      signal: interruptible().signal,
      onProgress: (read, total) => progress.update("redact", total > 0 ? read / total : 1),
      redact: redactor.redactRecord,
      onRecord: (record) => written.write(wireRecord(record)),
      onUnanswered: (messages) => written.write({ messages: messages.map(wireMessage) }),
    });
    written.finish();
    isWhole = true;
    progress.stop();
    const redaction = redactor.facts();
    writeJsonAtomic(join(options.out, "redaction.json"), redaction);
    for (const text of [...result.notes, ...redactionNotes(redaction)]) note(text);
    for (const [reason, count] of result.rejectCounts) note(`rejected ${count}: ${reason}`);
    if (options.json === true) printJson({ file: path, ...result.counts, redaction });
    else
      printLine(
        `${path}: ${result.counts.accepted} records, ${result.counts.duplicates} duplicates, ${result.counts.rejected} rejected`,
      );
  } finally {
    progress.stop();
    if (!isWhole) written.discard();
  }
}

export function addRedact(program: Command): void {
  const command = program
    .command("redact")
    .description("writes the records of logs without personal data")
    .argument("<file...>", "log files")
    .requiredOption("--out <folder>", "folder for records.jsonl and redaction.json")
    .option("--format <name>", "log format", "auto")
    .option(...COLUMNS_FLAG)
    .option("--key <file>", "file with a key: the same key gives the same surrogates (default: one that is forgotten)");
  addSettings(command).option("--json", "print a JSON line").action(redact);
}
