/** @file Logs in, records out: files of any known shape are read line by line, every record is judged (accepted, duplicate,
 *  rejected with its reason) and handed on. One bad line never fails an import; a file that is no log does. Knows nothing of
 *  workloads. Shapes: `formats/`; what counts as a duplicate: `verdicts.ts`. */
import { basename } from "node:path";
import { InputError } from "../errors.js";
import { BatchRequests, type LinePlace } from "./batch-join.js";
import { ChunkLines } from "./chunk-lines.js";
import { readCsv } from "./csv.js";
import { isRejection, type Rejection } from "./fields.js";
import {
  BATCH,
  checkFormatName,
  CSV,
  formatOf,
  type ColumnMap,
  type ColumnRoles,
  type Parsed,
  type ParsedLine,
} from "./formats/index.js";
import { recordsOf } from "./formats/format.js";
import { batchHalf } from "./formats/openai-batch.js";
import { applyColumns, unansweredQuestion } from "./formats/generic.js";
import { parseLine } from "./json-line.js";
import { readValues } from "./json-values.js";
import { readLines, type Line } from "./lines.js";
import type { UnreadRole } from "./reading.js";
import { sniffFile, type SniffedFile } from "./sniff.js";
import type { ImportCounts, LlmRecord, Message } from "./types.js";
import { expandPaths, Unpacking, type ReadableFile } from "./unpack.js";
import { Verdicts, type RejectedLine, type RejectedKind, type Verdict } from "./verdicts.js";
import { type JsonObject } from "../json.js";

export interface ImportOptions {
  /** A name of `formatNames`; "auto" (the default) looks at each file. */
  readonly format?: string;
  readonly columns?: ColumnMap;
  /** Of spreadsheets; the first that holds rows unless told. */
  readonly sheet?: string;
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
  /** Which column or path became what. */
  readonly columns: ColumnRoles;
  /** Gzip, zstd, Parquet, a spreadsheet or UTF-16 that it was unpacked from. */
  readonly packed?: string;
}

/** Values that hold something and could not be read. */
export interface UnreadValues {
  readonly source: string;
  readonly role: UnreadRole;
  readonly count: number;
  /** The first lines. */
  readonly lines: readonly number[];
}

export interface ImportResult {
  readonly counts: ImportCounts;
  readonly files: readonly FileImport[];
  /** The first `KEPT_REJECTS`. */
  readonly rejects: readonly RejectedLine[];
  readonly rejectCounts: ReadonlyMap<string, number>;
  /** Each reason with how often it came and where first, the most frequent first. */
  readonly rejections: readonly RejectedKind[];
  readonly unread: readonly UnreadValues[];
  readonly notes: readonly string[];
  /** Bytes that grew with the number of distinct records. */
  readonly tableBytes: number;
}

/** Imports files in order; folders, patterns and packed files too. Throws UsageError for an unknown format, InputError for a file that is no
 *  log (empty, HTML, another format than the one named), StoreError when the disk refuses, and the signal's reason when aborted. */
export async function importLogs(paths: readonly string[], options: ImportOptions = {}): Promise<ImportResult> {
  checkFormatName(options.format ?? "auto");
  if (paths.length === 0) throw new InputError("no log file given", { hint: "name at least one file" });
  const unpacking = new Unpacking(options.sheet);
  try {
    const sniffed: SniffedFile[] = [];
    const packed: ReadableFile[] = [];
    for (const path of expandPaths(paths)) {
      const file = await unpacking.open(path);
      packed.push(file);
      sniffed.push(
        sniffFile(
          file.path,
          options.format ?? "auto",
          options.columns ?? {},
          file.packed === undefined ? undefined : file.source,
          path,
        ),
      );
    }
    return await new Importing(sniffed, packed, options).run();
  } finally {
    unpacking.close();
  }
}

/** What loggers write where they were told to keep no content. */
const NO_CONTENT =
  /^(?:redacted-by-litellm|[[<(*]{1,3} ?(?:content )?(?:redacted|masked|hidden|omitted|removed) ?[\])>*]{1,3})$/i;
const WITHHELD = "the content was not logged (redacted)";

function isWithheld({ messages, answer }: Parsed): boolean {
  const question = messages.findLast(({ role }) => role === "user")?.content ?? "";
  return [answer, question].some((text) => text.length < 40 && NO_CONTENT.test(text.trim()));
}

class Importing {
  private readonly verdicts = new Verdicts();
  private readonly requests = new BatchRequests();
  private readonly columns: ColumnMap;
  private readonly mapsMeta: boolean;
  private replacedSurrogates = 0;
  private doneBytes = 0;
  private readonly totalBytes: number;

  constructor(
    private readonly files: readonly SniffedFile[],
    private readonly unpacked: readonly ReadableFile[],
    private readonly options: ImportOptions,
  ) {
    this.columns = options.columns ?? {};
    this.mapsMeta = Object.keys(this.columns).some((key) => key !== "input" && key !== "output");
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
    const unread = this.files.flatMap(({ source, reading }) => reading.unread().map((found) => ({ source, ...found })));
    return {
      counts: this.verdicts.counts(),
      files: done,
      rejects,
      rejectCounts,
      rejections: this.verdicts.rejections(),
      unread,
      notes: this.notes(unread),
      tableBytes,
    };
  }

  private notes(unread: readonly UnreadValues[]): string[] {
    const notes = this.unpacked.flatMap((file) => file.notes);
    if (this.replacedSurrogates > 0) {
      notes.push(`${this.replacedSurrogates} lines held half a surrogate pair; it was replaced by U+FFFD`);
    }
    notes.push(...this.files.flatMap((file) => file.notes));
    for (const { source, role, count, lines } of unread) {
      notes.push(
        `${source}: ${count} ${UNREAD_NAMES[role]} could not be read and count as absent: line ${lines.join(", ")}${count > lines.length ? ", ..." : ""}`,
      );
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
    const { source, sample, columns } = file;
    const packed = this.unpacked[this.files.indexOf(file)]?.packed;
    const encoding = packed?.startsWith("UTF-16") === true ? packed.toLowerCase() : sample.encoding;
    const found = { source, format: formatName(file), encoding, sizeBytes: sample.sizeBytes, counts, columns };
    return packed === undefined ? found : { ...found, packed };
  }

  private async readFile(file: SniffedFile): Promise<void> {
    if (file.container === "table") return this.readTable(file);
    if (file.format === BATCH) return this.readBatch(file, "result");
    const chunks = new ChunkLines((value, line) => this.give(file, value, line));
    if (file.container === "document") await this.readDocument(file, chunks);
    else await this.eachObject(file, (value, line) => chunks.take(value, line.line));
    chunks.flush();
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
  private give(file: SniffedFile, value: JsonObject, line: number): void {
    const { format, reading } = file;
    this.settle(file, line, value, () => {
      if (typeof format === "string") return { reject: "a batch line among other lines" };
      if (file.isNamed || format.detect(value, this.columns)) return format.parse(value, this.columns, reading);
      const other = formatOf(value, this.columns);
      if (other === BATCH) return { reject: "a batch line among other lines" };
      return other === undefined
        ? { reject: "the line has the shape of no known format" }
        : other.parse(value, this.columns, reading);
    });
  }

  private settle(file: SniffedFile, line: number, value: JsonObject, parse: () => ParsedLine): void {
    file.reading.line = line;
    const parsed = guarded(parse);
    if (Array.isArray(parsed)) {
      for (const one of recordsOf(parsed)) this.judge(file, line, value, one);
    } else this.judge(file, line, value, parsed as Parsed | Rejection);
  }

  private judge(file: SniffedFile, line: number, value: JsonObject, parsed: Parsed | Rejection): void {
    if (isRejection(parsed)) {
      const asked = guarded(() => unansweredQuestion(value, this.columns));
      if (asked !== undefined && !isRejection(asked)) this.handOverQuestion(asked, file.source, line);
      return this.verdicts.reject(file.source, line, parsed.reject);
    }
    if (isWithheld(parsed)) return this.verdicts.reject(file.source, line, WITHHELD);
    if (this.mapsMeta && formatName(file) !== "generic" && file.container !== "table")
      applyColumns(value, this.columns, parsed, file.reading);
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

  private async readDocument(file: SniffedFile, chunks: ChunkLines): Promise<void> {
    let last = 0;
    const isWhole = await readValues(file.path, {
      ...this.reading(file),
      target: file.arrayPath,
      onValue: ({ text, line }) => {
        last = line;
        const parsed = parseLine(text);
        if (isRejection(parsed)) {
          const reason = text === "null" ? "the entry is not a JSON object" : parsed.reject;
          return this.verdicts.reject(file.source, line, reason);
        }
        if (parsed.replacedSurrogates) this.replacedSurrogates++;
        chunks.take(parsed.value, line);
      },
    });
    if (!isWhole) this.verdicts.reject(file.source, last + 1, "the line is not valid JSON (cut off or damaged)");
  }

  private async readTable(file: SniffedFile): Promise<void> {
    await readCsv(file.path, {
      ...this.reading(file),
      sample: file.sample,
      withoutHeader: file.withoutHeader,
      onRow: (row, line) => {
        const { format, reading } = file;
        this.settle(file, line, row, () =>
          typeof format === "string" ? { reject: "a batch line in a table" } : format.parse(row, this.columns, reading),
        );
      },
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
        this.settle(file, line.line, {}, () => this.requests.join(String(value["custom_id"]), value, file.reading));
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

/** The name of a file's format: a plain table is called by its container. */
function formatName(file: SniffedFile): string {
  if (typeof file.format === "string") return file.format;
  return file.container === "table" && file.format.name === "generic" ? CSV : file.format.name;
}

const UNREAD_NAMES: Readonly<Record<UnreadRole, string>> = {
  cost: "costs",
  time: "times",
  latency: "latencies",
  tokens: "token counts",
};
