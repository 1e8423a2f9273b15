/** @file What Joryu needs of an inference runtime, and nothing more. Implementations: onnxruntime.ts (Node),
 *  onnxruntime-web.ts. */
import type { Tensor } from "../tensor/tensor.js";

export interface SessionOptions {
  /** Threads inside one operator. */
  readonly threads: number;
  /** Trades speed for a smaller footprint when shapes vary. */
  readonly lean?: boolean;
  /** Lets waiting threads spin (the default with several threads): faster on an idle machine, but where other work
   *  shares the processors a training step took 1.7 times the processor time and 2 to 4 times as long. */
  readonly spin?: boolean;
}

/** A compiled graph, ready to run. */
export interface Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /** Runs once; `outputs` narrows what is copied back. @throws SessionError naming the node when the
   *  runtime refuses. */
  run(feeds: Readonly<Record<string, Tensor>>, outputs?: readonly string[]): Promise<Readonly<Record<string, Tensor>>>;
  close(): Promise<void>;
}

/** A session in the calling thread. */
export interface LocalSession extends Session {
  /** Runs once and writes the named results into tensors that exist already, in their shapes, without a copy; gives the outputs of
   *  `more` besides. @throws SessionError naming the node when the runtime refuses. */
  runInto(
    feeds: Readonly<Record<string, Tensor>>,
    results: Readonly<Record<string, Tensor>>,
    more?: readonly string[],
  ): Promise<Readonly<Record<string, Tensor>>>;
}
