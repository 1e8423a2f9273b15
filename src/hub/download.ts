/** @file A model of a hub as a local folder: what an encoder needs of it, small files first, so that a model that cannot be used is refused
 *  before its weights come. A folder stands under its name only when all of it came; what was cut off is gone on with. */
import { existsSync, readFileSync, renameSync } from "node:fs";
import { basename, dirname, join, posix } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { InputError, JoryuError, UpstreamError } from "../errors.js";
import { makeFolder, syncFolder, writeFileAtomic } from "../store/files.js";
import { takeLock } from "../store/lock.js";
import { fetchFile, type HubFile, isWhole, receivedBytes } from "./file.js";
import { type Hub, type HubAccess, openHub } from "./hub.js";
import { type HubModel, hubName } from "./model-name.js";

export interface DownloadOptions extends HubAccess {
  /** Where models are kept between runs. */
  readonly cacheFolder: string;
  /** Whether only what was kept may be used. */
  readonly isOffline: boolean;
  /** Called with bytes of the whole model. */
  readonly onProgress: (receivedBytes: number, totalBytes: number) => void;
  readonly note: (text: string) => void;
  /** Sees the folder when all but the weights is there; what it throws ends the download. */
  readonly check: (folder: string) => void;
  /** Before the second attempt without progress; doubled for each further one. */
  readonly firstDelayMs?: number;
}

/** Attempts in a row that bring not one byte. */
const ATTEMPTS = 6;
const FIRST_DELAY_MS = 500;
const COMMIT_CHARACTERS = 12;

/** A sentence encoder keeps its parts in folders such as 1_Pooling. */
const PART = String.raw`(?:\d+_\w+\/)?`;
const SMALL = new RegExp(
  `^${PART}(?:[\\w.-]+\\.json|readme\\.md|source\\.md|(?:licen[cs]e|copying)(?:\\.\\w+)?)$`,
  "i",
);
const WHOLE_WEIGHTS = new RegExp(`^${PART}model\\.safetensors$`);
const SHARD = new RegExp(`^${PART}model-\\d+-of-\\d+\\.safetensors$`);

const isWeights = ({ path }: HubFile): boolean => path.endsWith(".safetensors");

/** What an encoder needs of a model, the small files first. @throws InputError when it holds no weights that can be read */
export function neededFiles(model: HubModel, files: readonly HubFile[]): HubFile[] {
  const whole = files.filter(({ path }) => WHOLE_WEIGHTS.test(path));
  const complete = new Set(whole.map(({ path }) => posix.dirname(path)));
  const shards = files.filter(({ path }) => SHARD.test(path) && !complete.has(posix.dirname(path)));
  const weights = [...whole, ...shards];
  if (weights.length === 0) {
    const pickled = files.some(({ path }) => path.endsWith("pytorch_model.bin"));
    throw new InputError(`${hubName(model)}: has no model.safetensors`, {
      hint: pickled
        ? "pytorch_model.bin can run code and is not read: name a revision or a model with safetensors"
        : "name an encoder that was saved with safetensors",
    });
  }
  return [...files.filter(({ path }) => SMALL.test(path)), ...weights];
}

/** One file, as often as the connection breaks. @throws UpstreamError when attempts in a row bring nothing */
async function fetchSteadily(
  path: string,
  file: HubFile,
  open: (startByte: number) => Promise<AsyncIterable<Uint8Array>>,
  { signal, firstDelayMs = FIRST_DELAY_MS }: DownloadOptions,
  onBytes: (count: number) => void,
): Promise<void> {
  for (let failures = 0; ;) {
    signal?.throwIfAborted();
    const before = receivedBytes(path);
    let reason: unknown;
    try {
      if (await fetchFile(path, file, open, onBytes)) return;
    } catch (cause) {
      if (!(cause instanceof JoryuError && cause.retryable)) throw cause;
      reason = cause;
    }
    failures = receivedBytes(path) > before ? 1 : failures + 1;
    if (failures >= ATTEMPTS) throw reason ?? cutOff(file);
    await sleep(firstDelayMs * 2 ** (failures - 1), undefined, { ...(signal && { signal }) }).catch(() => undefined);
  }
}

function cutOff({ path }: HubFile): UpstreamError {
  const details = { retryable: true, isForAll: false, mayHaveCost: false };
  return new UpstreamError(`${path}: the connection ends early, ${ATTEMPTS} times in a row`, {
    ...details,
    hint: "run again: what came is kept",
  });
}

async function fetchAll(
  hub: Hub,
  model: HubModel,
  commit: string,
  folder: string,
  options: DownloadOptions,
): Promise<void> {
  const files = neededFiles(model, await hub.filesOf(model.repo, commit));
  const totalBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  let received = files.reduce((sum, { path }) => sum + receivedBytes(join(folder, path)), 0);
  const onBytes = (count: number): void => options.onProgress(Math.min((received += count), totalBytes), totalBytes);
  onBytes(0);
  let isChecked = false;
  for (const file of files) {
    if (isWeights(file) && !isChecked) {
      options.check(folder);
      isChecked = true;
    }
    const path = join(folder, file.path);
    if (await isWhole(path, file)) continue;
    const open = (startByte: number): Promise<AsyncIterable<Uint8Array>> =>
      hub.open(model.repo, commit, file.path, startByte);
    await fetchSteadily(path, file, open, options, onBytes);
  }
}

interface Place {
  readonly folder: string;
  /** File that holds the commit which a revision named last. */
  readonly reference: string;
}

function placeOf(cacheFolder: string, { repo, revision }: HubModel, commit = ""): Place {
  const model = join(cacheFolder, "hub", ...repo.split("/"));
  return {
    folder: `${model}@${commit.slice(0, COMMIT_CHARACTERS)}`,
    reference: `${model}@${encodeURIComponent(revision)}.ref`,
  };
}

/** The folder that an earlier download left, where it is whole. */
function keptFolder(cacheFolder: string, model: HubModel): string | undefined {
  const { reference } = placeOf(cacheFolder, model);
  const commit = /^[0-9a-f]{40}$/.test(model.revision)
    ? model.revision
    : existsSync(reference)
      ? readFileSync(reference, "utf8").trim()
      : "";
  const { folder } = placeOf(cacheFolder, model, commit);
  return commit !== "" && existsSync(folder) ? folder : undefined;
}

async function fetchFolder(hub: Hub, model: HubModel, commit: string, options: DownloadOptions): Promise<string> {
  const { folder, reference } = placeOf(options.cacheFolder, model, commit);
  makeFolder(dirname(folder));
  if (!existsSync(folder)) {
    const incomplete = join(dirname(folder), ".incomplete", basename(folder));
    makeFolder(incomplete);
    const unlock = takeLock(incomplete);
    try {
      await fetchAll(hub, model, commit, incomplete, options);
    } finally {
      unlock();
    }
    renameSync(incomplete, folder);
    syncFolder(dirname(folder));
  }
  writeFileAtomic(reference, `${commit}\n`);
  return folder;
}

/** Brings a model of a hub into a local folder, or finds it there. @throws JoryuError; an abort rejects with the signal's reason */
export async function downloadModel(model: HubModel, options: DownloadOptions): Promise<string> {
  const kept = keptFolder(options.cacheFolder, model);
  const isCommit = model.revision.length === 40;
  if (kept !== undefined && (options.isOffline || isCommit)) return kept;
  if (options.isOffline) {
    throw new InputError(`${hubName(model)}: not kept from an earlier run, and HF_HUB_OFFLINE is set`, {
      hint: "run once with a network, or name the folder of a model",
    });
  }
  const hub = await openHub(options);
  try {
    return await fetchFolder(hub, model, await hub.commitOf(model), options);
  } catch (cause) {
    if (kept === undefined || !(cause instanceof UpstreamError)) throw cause;
    options.note(`${cause.message.split(";")[0] ?? ""}; the copy of an earlier run is used`);
    return kept;
  }
}
