/** @file A model hub on the loopback for tests: listing and files over HTTP as `@huggingface/hub` asks for them. A test says which request
 *  is cut off, refused or changed, and sees what was asked. */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export const COMMIT = "c0ffee0123456789c0ffee0123456789c0ffee01";

/** What a test does to the request for a file: bytes that are sent before the connection is cut, or a status. */
export type Treatment =
  | { readonly cutAfterBytes: number }
  | { readonly stallAfterBytes: number }
  | { readonly status: number };

export interface TestHub {
  readonly endpoint: string;
  /** Ranges of files that were asked for, as `path start`, where the start is 0 without a range. */
  readonly asked: string[];
  /** Authorization headers that came. */
  readonly tokens: string[];
  /** Called for each request for the bytes of a file; undefined serves it. */
  treat: (path: string, startByte: number) => Treatment | undefined;
  /** Paths of the listing that lie or that a server must not send. */
  extraFiles: readonly { readonly path: string; readonly size: number; readonly oid: string }[];
  isPrivate: boolean;
  close(): Promise<void>;
}

type Files = ReadonlyMap<string, Uint8Array>;

/** What git calls a blob, and what large files are named by. */
function listed(path: string, bytes: Uint8Array): object {
  const oid = createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
  const lfs = { oid: createHash("sha256").update(bytes).digest("hex"), size: bytes.length, pointerSize: 120 };
  return { type: "file", path, size: bytes.length, oid, ...(path.endsWith(".safetensors") && { lfs }) };
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
}

function sendBytes(
  hub: TestHub,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  bytes: Uint8Array,
): void {
  const [, from = "0", to = ""] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "") ?? [];
  const [start, end] = [Number(from), to === "" ? bytes.length - 1 : Number(to)];
  const isProbe = end === 0 && bytes.length > 1;
  const treatment = isProbe ? undefined : hub.treat(path, start);
  if (!isProbe) hub.asked.push(`${path} ${start}`);
  if (treatment !== undefined && "status" in treatment) return json(response, treatment.status, { error: "as told" });
  const body = bytes.subarray(start, end + 1);
  response.writeHead(request.headers.range === undefined ? 200 : 206, {
    "content-length": body.length,
    "content-range": `bytes ${start}-${end}/${bytes.length}`,
    etag: '"tag"',
  });
  if (treatment === undefined) return void response.end(body);
  const count = "cutAfterBytes" in treatment ? treatment.cutAfterBytes : treatment.stallAfterBytes;
  response.write(body.subarray(0, count), () => {
    // Bytes that were written may still be on their way when the connection is destroyed at once.
    if ("cutAfterBytes" in treatment) setTimeout(() => response.destroy(), 20);
  });
}

function answer(hub: TestHub, repo: string, files: Files, request: IncomingMessage, response: ServerResponse): void {
  const { pathname } = new URL(request.url ?? "/", "http://localhost");
  hub.tokens.push(request.headers.authorization ?? "");
  if (hub.isPrivate && request.headers.authorization === undefined) return json(response, 401, { error: "no token" });
  const isKnown = (revision: string): boolean => revision === "main" || revision === COMMIT;
  const [, revision] = new RegExp(`^/api/models/${repo}/revision/([^/]+)$`).exec(pathname) ?? [];
  if (revision !== undefined && isKnown(revision)) return json(response, 200, { _id: "1", id: repo, sha: COMMIT });
  if (pathname === `/api/models/${repo}/tree/${COMMIT}`) {
    return json(response, 200, [
      ...[...files].map(([path, bytes]) => listed(path, bytes)),
      ...hub.extraFiles.map((file) => ({ type: "file", ...file })),
    ]);
  }
  const [, path = ""] = new RegExp(`^/${repo}/resolve/${COMMIT}/(.+)$`).exec(pathname) ?? [];
  const bytes = files.get(path);
  if (bytes !== undefined) return sendBytes(hub, request, response, path, bytes);
  json(response, 404, { error: "no such thing" });
}

/** Serves one model. */
export async function startTestHub(repo: string, files: Files): Promise<TestHub> {
  const server = createServer((request, response) => answer(hub, repo, files, request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const hub: TestHub = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: [],
    tokens: [],
    treat: () => undefined,
    extraFiles: [],
    isPrivate: false,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return hub;
}
