/** @file What a hub says of a model: its commit, its files, and the bytes of one of them from a place on. Over `@huggingface/hub`, whose
 *  errors become one line that says what to do. The token goes to the hub's own address and to no other. */
import type * as HubLibrary from "@huggingface/hub";
import { ConfigError, InputError, JoryuError, UpstreamError } from "../errors.js";
import type { HubFile } from "./file.js";
import { type HubModel, hubName } from "./model-name.js";

export interface HubAccess {
  /** Such as the address of a mirror; the library's own when absent. */
  readonly endpoint?: string;
  readonly token?: string;
  readonly signal?: AbortSignal;
}

export interface Hub {
  /** The commit that a revision names, 40 hexadecimal digits. @throws JoryuError */
  commitOf(model: HubModel): Promise<string>;
  /** All files of a commit. @throws JoryuError */
  filesOf(repo: string, commit: string): Promise<HubFile[]>;
  /** The bytes of a file from `startByte` on. @throws JoryuError, retryable where another attempt can help */
  open(repo: string, commit: string, path: string, startByte: number): Promise<AsyncIterable<Uint8Array>>;
}

const COMMIT = /^[0-9a-f]{40}$/;
/** More is no model, or a listing without end. */
const MOST_FILES = 20_000;

type Library = typeof HubLibrary;

/** @throws ConfigError when it is no address, or holds a password, because addresses are printed */
function checkEndpoint(endpoint: string): string {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.username + url.password + url.search === "") {
    return url.href.replace(/\/+$/, "");
  }
  throw new ConfigError("HF_ENDPOINT: expected the address of a hub without a password or a query");
}

/** fetch with the token for the hub's own origin, an abort for all. */
function fetchFor(origin: string, { token, signal }: HubAccess): typeof fetch {
  return (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const headers = new Headers(init?.headers);
    if (token !== undefined && url.origin === origin) headers.set("authorization", `Bearer ${token}`);
    return fetch(input, { ...init, headers, ...(signal !== undefined && { signal }) });
  };
}

interface StatusRule {
  readonly message: string;
  readonly hint: string;
}

const REFUSED: StatusRule = {
  message: "the hub refuses it",
  hint: "accept the model's terms on its page and put a token with access into HF_TOKEN",
};
const STATUS_RULES: ReadonlyMap<number, StatusRule> = new Map([
  [401, { message: "not found, or private", hint: "check the name, or put a token with access into HF_TOKEN" }],
  [403, REFUSED],
  [404, { message: "not found", hint: "check the name and the revision" }],
]);

/** A failed call in one line. */
function failureOf(what: string, endpoint: string, library: Library, cause: unknown): Error {
  if (cause instanceof JoryuError) return cause;
  if (!(cause instanceof library.HubApiError)) {
    return new UpstreamError(`${what}: no answer from ${endpoint}`, {
      hint: "run again: what came is kept. Without a network, name the folder of a model",
      retryable: true,
      isForAll: false,
      mayHaveCost: false,
      cause,
    });
  }
  const { statusCode: status } = cause;
  const rule = STATUS_RULES.get(status);
  if (rule !== undefined)
    return new InputError(`${what}: ${rule.message} (HTTP ${status} of ${endpoint})`, { hint: rule.hint });
  return new UpstreamError(`${what}: HTTP ${status} of ${endpoint}`, {
    hint: "run again later: what came is kept",
    retryable: status >= 500 || status === 429 || status === 408,
    isForAll: false,
    mayHaveCost: false,
    status,
  });
}

type ListedFile = Awaited<ReturnType<ReturnType<Library["listFiles"]>["next"]>>["value"];

/** Only plain names below the model's own folder. */
const SAFE_PATH = /^(?!\.{1,2}(?:\/|$))[^\0\\/:]+(?:\/(?!\.{1,2}(?:\/|$))[^\0\\/:]+)*$/;

function hubFile(what: string, listed: NonNullable<ListedFile>): HubFile {
  const { path, size, oid, lfs } = listed;
  const hex = lfs?.oid ?? oid ?? "";
  const isUsable = SAFE_PATH.test(path) && Number.isSafeInteger(size) && size >= 0;
  if (!isUsable || !(lfs === undefined ? COMMIT : /^[0-9a-f]{64}$/).test(hex)) {
    throw new InputError(`${what}: the hub lists a file without a usable name, size or checksum`, {
      facts: { path, size },
      hint: "is HF_ENDPOINT the address of a hub?",
    });
  }
  return { path, sizeBytes: size, checksum: { kind: lfs === undefined ? "git" : "sha256", hex } };
}

/** Opens a hub. @throws ConfigError for an unusable address */
export async function openHub(access: HubAccess): Promise<Hub> {
  const library: Library = await import("@huggingface/hub");
  const hubUrl = checkEndpoint(access.endpoint ?? library.HUB_URL);
  const common = { hubUrl, fetch: fetchFor(new URL(hubUrl).origin, access) };
  const told = async <T>(what: string, call: () => Promise<T>): Promise<T> => {
    try {
      return await call();
    } catch (cause) {
      access.signal?.throwIfAborted();
      throw failureOf(what, hubUrl, library, cause);
    }
  };
  return {
    commitOf: (model) =>
      told(hubName(model), async () => {
        const { repo: name, revision } = model;
        const { sha } = await library.modelInfo({ ...common, name, revision, additionalFields: ["sha"] });
        if (!COMMIT.test(sha)) throw new InputError(`${hubName(model)}: the hub names no commit of it`);
        return sha;
      }),
    filesOf: (repo, commit) =>
      told(`hf:${repo}`, async () => {
        const files: HubFile[] = [];
        for await (const listed of library.listFiles({ ...common, repo, revision: commit, recursive: true })) {
          if (listed.type === "file") files.push(hubFile(`hf:${repo}`, listed));
          if (files.length > MOST_FILES) throw new InputError(`hf:${repo}: lists more than ${MOST_FILES} files`);
        }
        return files;
      }),
    open: (repo, commit, path, startByte) =>
      told(`hf:${repo}/${path}`, async () => {
        const blob = await library.downloadFile({ ...common, repo, path, revision: commit, xet: false });
        if (blob === null) throw new InputError(`hf:${repo}/${path}: listed, but not there`);
        return readTold(blob.slice(startByte, blob.size).stream(), (read) => told(`hf:${repo}/${path}`, read));
      }),
  };
}

/** The chunks of a stream; a read that fails is told like a call. */
async function* readTold(
  stream: ReadableStream<Uint8Array>,
  told: <T>(read: () => Promise<T>) => Promise<T>,
): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  try {
    for (let next = await told(() => reader.read()); !next.done; next = await told(() => reader.read()))
      yield next.value;
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
