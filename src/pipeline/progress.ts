/** @file How a pipeline tells how far it is; the command line draws it. */

export interface Progress {
  /** A stage and the share of it that is done, 0 to 1. */
  update(stage: string, doneRatio: number): void;
  /** Something worth a line. */
  note(text: string): void;
}
