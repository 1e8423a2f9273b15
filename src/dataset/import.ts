/** @file Logs in, records out: files of any known shape are read line by line, every record is judged (accepted, duplicate,
 *  rejected with its reason) and handed on. One bad line never fails an import; a file that is no log does. Knows nothing of
 *  workloads. Shapes: `formats/`; what counts as a duplicate: `verdicts.ts`. */
import { basename } from "node:path";
import { readFile } from "node:fs/promises";
import { InputError } from "../errors.js";
import { BatchRequests, type LinePlace } from "./batch-join.js";
import { readCsv } from "./csv.js";
import { decodeBytes } from "./encoding.js";
import { isRejection, type Rejection } from "./fields.js";
import {
  BATCH,
  checkFormatName,
  CSV,
  formatOf,
  type ColumnMap,
  type Parsed,
  type RecordFormat,
} from "./formats/index.js";
import { batchHalf } from "./formats/openai-batch.js";
import { generic, unansweredQuestion } from "./formats/generic.js";
import { parseLine } from "./json-line.js";
import { readLines, type Line } from "./lines.js";
import { sniffFile, type SniffedFile } from "./sniff.js";
import type { ImportCounts, LlmRecord, Message } from "./types.js";
import { Verdicts, type RejectedLine, type Verdict } from "./verdicts.js";
import { type JsonObject, isJsonObject } from "../json.js";

export interface ImportOptions {
  /** A name of `formatNames`; "auto" (the default) looks at each file. */
  readonly format?: string;
  readonly columns?: ColumnMap;
  readonly onProgress?: (readBytes: number, totalBytes: number) => void;
  readonly signal?: AbortSignal;
  /** What is handed over of each record, or why it is rejected; copies and repeats are told by the record as it came. */
  readonly redact?: (record: LlmRecord) => LlmRecord | Rejection;
  /** Called for each new record and for each repeat (a call made again), in order. */
  readonly onRecord?: (record: LlmRecord, verdict: Verdict) => void;
  /** Called for what was asked and holds no answer, which is rejected as a record. */
  readonly onUnanswered?: (messages: readonly Message[]) => void;
}

export interface FileImport {
  readonly source: string;
  readonly format: string;
  readonly encoding: string;
  readonly sizeBytes: number;
  readonly counts: ImportCounts;
}

export interface ImportResult {
  readonly counts: ImportCounts;
  readonly files: readonly FileImport[];
  /** The first `KEPT_REJECTS`. */
  readonly rejects: readonly RejectedLine[];
  readonly rejectCounts: ReadonlyMap<string, number>;
  readonly notes: readonly string[];
  /** Bytes that grew with the number of distinct records. */
  readonly tableBytes: number;
}

/** Imports files in order. Throws UsageError for an unknown format, InputError for a file that is no log (empty, HTML,
 *  another format than the one named), StoreError when the disk refuses, and the signal's reason when aborted. */
export async function importLogs(files: readonly string[], options: ImportOptions = {}): Promise<ImportResult> {
  checkFormatName(options.format ?? "auto");
  if (files.length === 0) throw new InputError("no log file given", { hint: "name at least one file" });
  const sniffed = files.map((path) => sniffFile(path, options.format ?? "auto", options.columns ?? {}));
  return new Importing(sniffed, options).run();
}

class Importing {
  private readonly verdicts = new Verdicts();
  private readonly requests = new BatchRequests();
  private readonly columns: ColumnMap;
  private replacedSurrogates = 0;
  private doneBytes = 0;
  private readonly totalBytes: number;

  constructor(
    private readonly files: readonly SniffedFile[],
    private readonly options: ImportOptions,
  ) {
    this.columns = options.columns ?? {};
    // Batch files are read twice: requests first, then results.
    this.totalBytes = files.reduce((sum, file) => sum + file.sample.sizeBytes * (file.format === BATCH ? 2 : 1), 0);
  }

  async run(): Promise<ImportResult> {
    const done: FileImport[] = [];
    try {
      const batches = this.files.filter((file) => file.format === BATCH);
      for (const file of batches) await this.counted(file, () => this.readBatch(file, "request"));
      for (const file of this.files) done.push(await this.counted(file, () => this.readFile(file)));
      for (const place of this.requests.unanswered()) {
        this.verdicts.reject(
          basename(place.path),
          place.line,
          "no batch result with this custom_id: give the result file too",
        );
      }
    } finally {
      this.requests.close();
    }
    const { rejects, rejectCounts } = this.verdicts;
    const tableBytes = this.verdicts.tableBytes + this.requests.sizeBytes;
    return { counts: this.verdicts.counts(), files: done, rejects, rejectCounts, notes: this.notes(), tableBytes };
  }

  private notes(): string[] {
    const notes = this.files.flatMap((file) => file.notes);
    if (this.replacedSurrogates > 0) {
      notes.push(`${this.replacedSurrogates} lines held half a surrogate pair; it was replaced by U+FFFD`);
    }
    return notes;
  }

  /** Runs one pass over a file and reports what it added to the counts. */
  private async counted(file: SniffedFile, pass: () => Promise<void>): Promise<FileImport> {
    const before = this.verdicts.counts();
    await pass();
    this.doneBytes += file.sample.sizeBytes;
    const after = this.verdicts.counts();
    const counts = {
      records: after.records - before.records,
      accepted: after.accepted - before.accepted,
      duplicates: after.duplicates - before.duplicates,
      rejected: after.rejected - before.rejected,
    };
    const { source, sample } = file;
    const format = typeof file.format === "string" ? file.format : file.format.name;
    return { source, format, encoding: sample.encoding, sizeBytes: sample.sizeBytes, counts };
  }

  private async readFile(file: SniffedFile): Promise<void> {
    if (file.format === CSV) return this.readTable(file);
    if (file.format === BATCH) return this.readBatch(file, "result");
    if (file.isArray) return this.readArray(file, file.format);
    const format = file.format;
    await this.eachObject(file, (value, line) => this.give(file, format, value, line.line));
  }

  private async eachObject(
    file: SniffedFile,
    onObject: (value: JsonObject, line: Line) => void,
    quiet = false,
  ): Promise<void> {
    await readLines(file.path, {
      ...this.reading(file),
      onLine: (line) => {
        const parsed = line.problem === undefined ? parseLine(line.text) : { reject: line.problem };
        if (isRejection(parsed)) {
          if (!quiet) this.verdicts.reject(file.source, line.line, parsed.reject);
          return;
        }
        if (parsed.replacedSurrogates && !quiet) this.replacedSurrogates++;
        onObject(parsed.value, line);
      },
    });
  }

  private reading(file: SniffedFile) {
    const { onProgress, signal } = this.options;
    return {
      encoding: file.sample.encoding,
      bomBytes: file.sample.bomBytes,
      ...(signal === undefined ? {} : { signal }),
      onBytes: (readBytes: number) => onProgress?.(this.doneBytes + readBytes, this.totalBytes),
    };
  }

  /** Judges one object and hands it on. */
  private give(file: SniffedFile, format: RecordFormat, value: JsonObject, line: number): void {
    this.settle(file, line, value, () => {
      if (file.isNamed || format.detect(value, this.columns)) return format.parse(value, this.columns);
      const other = formatOf(value, this.columns);
      if (other === BATCH) return { reject: "a batch line among other lines" };
      return other === undefined
        ? { reject: "the line has the shape of no known format" }
        : other.parse(value, this.columns);
    });
  }

  private settle(
    file: SniffedFile,
    line: number,
    value: JsonObject,
    parse: () => ReturnType<RecordFormat["parse"]>,
  ): void {
    const parsed = guarded(parse);
    if (isRejection(parsed)) {
      const asked = guarded(() => unansweredQuestion(value, this.columns));
      if (asked !== undefined && !isRejection(asked)) this.handOverQuestion(asked, file.source, line);
      return this.verdicts.reject(file.source, line, parsed.reject);
    }
    const record = recordOf(parsed, file.source, line);
    const handed = this.redacted(record);
    if (isRejection(handed)) return this.verdicts.reject(file.source, line, handed.reject);
    const verdict = this.verdicts.judge(record);
    if (verdict !== "copy") this.options.onRecord?.(handed, verdict);
  }

  private redacted(record: LlmRecord): LlmRecord | Rejection {
    return this.options.redact?.(record) ?? record;
  }

  private handOverQuestion(messages: readonly Message[], source: string, line: number): void {
    const handed = this.redacted({ messages, answer: "", source, line });
    if (!isRejection(handed)) this.options.onUnanswered?.(handed.messages);
  }

  private async readArray(file: SniffedFile, format: RecordFormat): Promise<void> {
    const { encoding, bomBytes } = file.sample;
    const text = decodeBytes((await readFile(file.path)).subarray(bomBytes), encoding);
    const parsed = text === undefined ? undefined : parseArray(text);
    if (parsed === undefined) {
      throw new InputError(`${file.path}: expected a JSON array, found broken JSON`, {
        hint: "use JSON lines: one object per line",
      });
    }
    parsed.forEach((value, i) => {
      if (isJsonObject(value)) this.give(file, format, value, i + 1);
      else this.verdicts.reject(file.source, i + 1, "the entry is not a JSON object");
    });
  }

  private async readTable(file: SniffedFile): Promise<void> {
    await readCsv(file.path, {
      ...this.reading(file),
      sample: file.sample,
      withoutHeader: file.withoutHeader,
      onRow: (row, line) => this.settle(file, line, row, () => generic.parse(row, this.columns)),
      onReject: (line, reason) => this.verdicts.reject(file.source, line, reason),
    });
  }

  /** Pass one registers requests and says nothing of other lines; pass two judges results and everything that is neither. */
  private async readBatch(file: SniffedFile, half: "request" | "result"): Promise<void> {
    const encoding = file.sample.encoding;
    const onObject = (value: JsonObject, line: Line): void => {
      const kind = batchHalf(value);
      if (half === "request") {
        if (kind !== "request") return;
        const place: LinePlace = { path: file.path, line: line.line, offsetBytes: line.offsetBytes, encoding };
        const isNew = this.requests.add(String(value["custom_id"]), place);
        if (!isNew) this.verdicts.reject(file.source, line.line, "several batch requests have this custom_id");
      } else if (kind === "result") {
        this.settle(file, line.line, {}, () => this.requests.join(String(value["custom_id"]), value));
      } else if (kind === undefined) {
        this.verdicts.reject(file.source, line.line, "neither a batch request nor a batch result");
      }
    };
    await this.eachObject(file, onObject, half === "request");
  }
}

function guarded<T>(parse: () => T): T | Rejection {
  try {
    return parse();
  } catch (error) {
    // Recursion over a value nested too deep: the only throw that a well-formed JSON value can cause.
    if (error instanceof RangeError) return { reject: "the line is nested too deep" };
    throw error;
  }
}

function recordOf(parsed: Parsed, source: string, line: number): LlmRecord {
  return Object.assign(parsed, { source, line });
}

function parseArray(text: string): readonly unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
