/** @file A session in a worker thread, for serving: `run` blocks the thread it is called in, so the event loop must not
 *  be that thread. Calls are answered in order. Closing asks the worker to end and waits for it; the thread is never
 *  terminated, because doing so inside a native call can take the process down. */
import { Worker } from "node:worker_threads";
import { SessionError } from "../errors.js";
import type { Tensor } from "../tensor/tensor.js";
import { decodeError, type ErrorMessage } from "./error-message.js";
import type { Session, SessionOptions } from "./session.js";

/** What the worker gets at its start. */
export interface SessionRequest {
  readonly model: Uint8Array | string;
  readonly options: SessionOptions;
}

/** What the worker is asked for afterwards. */
export type SessionCall =
  | {
      readonly kind: "run";
      readonly id: number;
      readonly feeds: Readonly<Record<string, Tensor>>;
      readonly outputs: readonly string[] | undefined;
    }
  | { readonly kind: "close" };

/** What the worker answers. */
export type SessionReply =
  | { readonly kind: "opened"; readonly inputNames: readonly string[]; readonly outputNames: readonly string[] }
  | { readonly kind: "refused"; readonly error: ErrorMessage }
  | { readonly kind: "answer"; readonly id: number; readonly results: Readonly<Record<string, Tensor>> }
  | { readonly kind: "failure"; readonly id: number; readonly error: ErrorMessage };

interface Waiting {
  readonly resolve: (results: Readonly<Record<string, Tensor>>) => void;
  readonly reject: (error: Error) => void;
}

/** The calls under way and the thread that answers them. */
class WorkerConnection {
  private readonly worker: Worker;
  private readonly waiting = new Map<number, Waiting>();
  private readonly exited: Promise<void>;
  private nextId = 0;
  private closing = false;

  constructor(request: SessionRequest) {
    this.worker = new Worker(new URL("./session-worker.js", import.meta.url), { workerData: request });
    this.worker.on("message", (reply: SessionReply) => this.settle(reply));
    this.exited = new Promise((resolve) => this.worker.once("exit", () => resolve()));
    this.worker.on("error", (cause) => this.failAll(new SessionError("session worker: crashed", { cause })));
    void this.exited.then(() => this.failAll(new SessionError("session worker: ended before it answered")));
  }

  /** Names of inputs and outputs once the graph is open. @throws SessionError when it is refused. */
  opened(): Promise<Extract<SessionReply, { kind: "opened" }>> {
    return new Promise((resolve, reject) => {
      this.worker.on("message", (reply: SessionReply) => {
        if (reply.kind === "opened") resolve(reply);
        if (reply.kind === "refused") reject(decodeError(reply.error));
      });
      void this.exited.then(() => reject(new SessionError("session worker: ended while opening the graph")));
    });
  }

  run(
    feeds: Readonly<Record<string, Tensor>>,
    outputs: readonly string[] | undefined,
  ): Promise<Readonly<Record<string, Tensor>>> {
    if (this.closing) return Promise.reject(new SessionError("session worker: already closed"));
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.post({ kind: "run", id, feeds, outputs });
    });
  }

  close(): Promise<void> {
    if (!this.closing) this.post({ kind: "close" });
    this.closing = true;
    return this.exited;
  }

  private post(call: SessionCall): void {
    this.worker.postMessage(call);
  }

  private settle(reply: SessionReply): void {
    if (reply.kind === "opened" || reply.kind === "refused") return;
    const call = this.waiting.get(reply.id);
    this.waiting.delete(reply.id);
    if (reply.kind === "answer") call?.resolve(reply.results);
    else call?.reject(decodeError(reply.error));
  }

  private failAll(error: Error): void {
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }
}

/** Opens a graph from bytes or a path in its own thread. @throws SessionError when the graph is refused. */
export async function openWorkerSession(model: Uint8Array | string, options: SessionOptions): Promise<Session> {
  const connection = new WorkerConnection({ model, options });
  const { inputNames, outputNames } = await connection.opened();
  return {
    inputNames,
    outputNames,
    run: (feeds, outputs) => connection.run(feeds, outputs),
    close: () => connection.close(),
  };
}
