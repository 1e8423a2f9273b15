/** @file Everything that a run knows when its students are proved: what its facts are gathered from. */
import type { Config } from "../config/schema.js";
import type { ControlFacts, UnlabelledFacts } from "../report/facts.js";
import type { Ladder } from "./ladder.js";
import type { FoundMistakes } from "./mistakes.js";
import type { Planned } from "./planned.js";
import type { PathStep } from "./pretrained/path.js";
import type { Published } from "./publish.js";
import type { Measured } from "./run-folder.js";
import type { TrainContext } from "./train-context.js";

export interface Finished {
  readonly config: Config;
  readonly planned: Planned;
  readonly context: TrainContext;
  readonly ladder: Ladder;
  readonly runId: string;
  readonly sealOpenings: number;
  /** Sealed logits [rows, labels] by student name. */
  readonly logits: ReadonlyMap<string, Float32Array>;
  readonly published: Published;
  /** From the teacher down; empty without a pretrained encoder. */
  readonly path: readonly PathStep[];
  readonly controls: readonly ControlFacts[];
  /** Of the linear student by its teacher; undefined where it was not trained. */
  readonly taughtGain: UnlabelledFacts["gain"];
  readonly measured: Measured;
  readonly found: FoundMistakes;
}
