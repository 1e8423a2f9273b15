/** @file What is settled before anything is trained. */
import type { TeacherPrice } from "../cost.js";
import type { LabelDataset } from "../dataset/types.js";
import type { Plan } from "../plan/plan.js";
import type { LicenceFacts, RedactionFacts } from "../report/facts.js";
import type { Reviewed } from "./mistakes.js";
import type { Base } from "./pretrained/base.js";
import type { TransferSet } from "../dataset/transfer.js";

export interface Planned {
  readonly plan: Plan;
  readonly dataset: LabelDataset;
  readonly datasetFolder: string;
  readonly teacher: TeacherPrice;
  readonly base?: Base;
  /** Texts without answers that the base answers for its students. */
  readonly transfer?: TransferSet;
  readonly licences: readonly LicenceFacts[];
  readonly redaction?: RedactionFacts;
  /** Where a reviewed table gave right answers. */
  readonly reviewed?: Reviewed;
}
