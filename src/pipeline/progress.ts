/** @file How a pipeline tells how far it is; the command line draws it. */

export interface Progress {
  /** A stage and the share of it that is done, 0 to 1. */
  update(stage: string, doneRatio: number): void;
  /** Something worth a line. */
  note(text: string): void;
}

/** One progress for `parts` stages that run side by side: the mean of their shares, shown as `stage`. */
export function mergedProgress(progress: Progress, stage: string, parts: number): Progress {
  const ratios = new Map<string, number>();
  return {
    note: (text) => progress.note(text),
    update: (part, doneRatio) => {
      ratios.set(part, doneRatio);
      progress.update(stage, [...ratios.values()].reduce((sum, ratio) => sum + ratio, 0) / parts);
    },
  };
}

/** Notes alone: for a stage that another one reads back. */
export function silentProgress(progress: Progress): Progress {
  return { note: (text) => progress.note(text), update: () => undefined };
}
