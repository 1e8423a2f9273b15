/** @file The worker thread of a session (worker-session.ts): opens the graph, answers runs in order, closes the session
 *  and ends by itself when asked. */
import { parentPort, workerData } from "node:worker_threads";
import { InvariantError } from "../errors.js";
import { encodeError } from "./error-message.js";
import { openSession } from "./onnxruntime.js";
import type { Session } from "./session.js";
import type { SessionCall, SessionReply, SessionRequest } from "./worker-session.js";

const port = parentPort;
if (port === null) throw new InvariantError("session worker: started outside a worker thread");

const post = (reply: SessionReply): void => port.postMessage(reply);

async function answer(session: Session, call: Extract<SessionCall, { kind: "run" }>): Promise<void> {
  try {
    post({ kind: "answer", id: call.id, results: await session.run(call.feeds, call.outputs) });
  } catch (error) {
    post({ kind: "failure", id: call.id, error: encodeError(error) });
  }
}

/** Serves until it is asked to close; calls run one after another. */
function serve(session: Session): void {
  let queue = Promise.resolve();
  port?.on("message", (call: SessionCall) => {
    queue = queue.then(async () => {
      if (call.kind === "run") return answer(session, call);
      await session.close();
      port.close();
    });
  });
  post({ kind: "opened", inputNames: session.inputNames, outputNames: session.outputNames });
}

const request = workerData as SessionRequest;
try {
  serve(await openSession(request.model, request.options));
} catch (error) {
  post({ kind: "refused", error: encodeError(error) });
}
