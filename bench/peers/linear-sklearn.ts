/** @file Calls linear_sklearn.py, the peer of the linear rung. The Python with scikit-learn is named by JORYU_PEER_PYTHON; where it is
 *  not set the bench says that the peer is absent and goes on. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { SessionError } from "../../src/errors.js";
import type { LabelledText } from "../datasets.js";

/** Benches run from the repository's root: the script is not compiled. */
const SCRIPT = join("bench", "peers", "linear_sklearn.py");

const summarySchema = z.object({ accuracy: z.number(), fitSeconds: z.number(), predictSeconds: z.number(), trainRows: z.number() });
const predictionSchema = z.object({ kind: z.literal("prediction"), split: z.literal("test"), prediction: z.string() });

export interface PeerResult extends z.infer<typeof summarySchema> {
  /** One label per test row, in order. */
  readonly predictions: readonly string[];
}

/** The Python that has scikit-learn, or undefined. */
export function peerPython(): string | undefined {
  const path = process.env["JORYU_PEER_PYTHON"];
  return path === undefined || path === "" ? undefined : path;
}

/** Trains scikit-learn's linear model and predicts the test rows; `folder` takes the two files. @throws SessionError when it fails. */
export function runPeer(python: string, folder: string, train: readonly LabelledText[], test: readonly LabelledText[]): PeerResult {
  if (!existsSync(SCRIPT)) throw new SessionError(`${SCRIPT}: not found`, { hint: "run benches from the root of the repository" });
  const [rows, out] = [join(folder, "peer-rows.jsonl"), join(folder, "peer-out.jsonl")];
  const lines = [...train.map((row) => ({ ...row, split: "train" })), ...test.map((row) => ({ ...row, split: "test" }))];
  writeFileSync(rows, `${lines.map((line) => JSON.stringify(line)).join("\n")}\n`);
  const child = spawnSync(python, [SCRIPT, "--rows", rows, "--out", out], { encoding: "utf8" });
  if (child.status !== 0) throw new SessionError(`${SCRIPT}: ${child.error?.message ?? child.stderr.trim().split("\n").at(-1) ?? "failed"}`);
  const printed = readFileSync(out, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line): unknown => JSON.parse(line));
  const predictions = printed.flatMap((line) => predictionSchema.safeParse(line).data?.prediction ?? []);
  return { ...summarySchema.parse(printed[0]), predictions };
}
