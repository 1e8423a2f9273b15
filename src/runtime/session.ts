/** @file What Joryu needs of an inference runtime, and nothing more. Implementations: onnxruntime.ts (Node), onnxruntime-web.ts. */
import type { Tensor } from "../tensor/tensor.js";

export interface SessionOptions {
  /** Threads inside one operator. */
  readonly threads: number;
  /** Trades speed for a smaller footprint when shapes vary. */
  readonly lean?: boolean;
}

/** A compiled graph, ready to run. */
export interface Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /** Runs once; `outputs` narrows what is copied back. @throws SessionError naming the node when the runtime refuses. */
  run(feeds: Readonly<Record<string, Tensor>>, outputs?: readonly string[]): Promise<Readonly<Record<string, Tensor>>>;
  close(): Promise<void>;
}
