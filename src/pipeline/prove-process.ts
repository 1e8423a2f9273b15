/** @file The process that proves: re-opens model folders as a user would and answers the sealed rows. It writes logits (facts) to files and prints
 *  timings (measured), or its failure; it sees no training state. It ends when its standard input does, so that it never outlives the
 *  run that asked. Arguments: a JSON job. */
import { join } from "node:path";
import { readDataset } from "../dataset/snapshot.js";
import { measureLatency, measureThroughput, peakMemoryMb } from "../evaluate/latency.js";
import { writeArrays } from "../store/arrays.js";
import { encodeError } from "../runtime/error-message.js";
import { openStudent, readStudent } from "../student/open.js";
import { createStudent, type Student } from "../student/student.js";
import { parseProveJob, type ProvedStudent } from "./prove-job.js";
import type { MeasuredStudent } from "./run-folder.js";

interface RuntimeRow {
  readonly open: (student: ProvedStudent) => Promise<Student>;
  /** Single queries that are timed, after the warm-up. */
  readonly latencyQueries: number;
  /** Texts answered in batches. */
  readonly throughputTexts: number;
}

const RUNTIMES: Readonly<Record<ProvedStudent["runtime"], RuntimeRow>> = {
  node: {
    open: ({ folder, precision }) => openStudent(folder, { precision, threads: 1 }),
    latencyQueries: 500,
    throughputTexts: 2000,
  },
  wasm: {
    async open({ folder, precision }) {
      const { openWebSession } = await import("../runtime/onnxruntime-web.js");
      const { graph, ...parts } = await readStudent(folder, precision);
      return createStudent({ ...parts, session: await openWebSession(graph), runtime: "wasm" });
    },
    latencyQueries: 100,
    throughputTexts: 100,
  },
};

/** Rows that are timed where none are sealed. */
const UNSEALED_SAMPLE = 500;

interface ProofTexts {
  readonly sealed: readonly string[];
  /** What is timed: the sealed rows, or others where none are sealed. */
  readonly timed: readonly string[];
}

async function proveStudent(student: ProvedStudent, texts: ProofTexts, out: string): Promise<MeasuredStudent> {
  const { name, runtime } = student;
  const { open, latencyQueries, throughputTexts } = RUNTIMES[runtime];
  const opened = await open(student);
  try {
    writeArrays(join(out, `sealed-${name}.bin`), new Map([["logits", await opened.logits(texts.sealed)]]));
    const queries = texts.timed.slice(0, latencyQueries);
    const latency = await measureLatency(async (text) => void (await opened.predict([text])), queries);
    const throughputPerSecond = await measureThroughput(
      async (batch) => void (await opened.predict(batch)),
      texts.timed.slice(0, throughputTexts),
    );
    return { name, latency, throughputPerSecond, peakMemoryMb: peakMemoryMb() };
  } finally {
    await opened.close();
  }
}

async function prove(): Promise<MeasuredStudent[]> {
  const job = parseProveJob(process.argv[2] ?? "");
  const dataset = readDataset(job.dataset);
  const sealed = dataset.rows.filter((row) => row.sealed).map((row) => row.text);
  const timed = sealed.length > 0 ? sealed : dataset.rows.slice(0, UNSEALED_SAMPLE).map((row) => row.text);
  const measured: MeasuredStudent[] = [];
  for (const student of job.students) measured.push(await proveStudent(student, { sealed, timed }, job.out));
  return measured;
}

process.stdin.once("end", () => process.exit(1)).resume();
try {
  process.stdout.write(JSON.stringify(await prove()), () => process.exit(0));
} catch (cause) {
  process.stdout.write(JSON.stringify({ failure: encodeError(cause) }), () => process.exit(1));
}
