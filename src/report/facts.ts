/** @file The facts that a verdict and a report are drawn from. Numbers only: no sentence, no colour, no language.
 *  Deterministic facts and measured ones (latency, memory, durations: `measured`) are kept apart, because a resumed run must
 *  reproduce the first kind bit for bit. */

/** An estimate with its two-sided 95 % interval. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** Which risk is bounded: of all answers that leave the cascade, or of the kept ones. */
export type PromiseName = "delivered" | "kept";

export interface TargetFacts {
  /** Absent in reports of before the choice: `kept`. */
  readonly promise?: PromiseName;
  /** Least agreement with the teacher, a ratio. */
  readonly agreement: number;
  /** Confidence of every guarantee, a ratio (0.95). */
  readonly confidence: number;
  readonly p95Ms?: number;
  readonly sizeMb?: number;
  readonly memoryMb?: number;
  readonly costPer1kUsd?: number;
}

export interface CandidateFacts {
  readonly name: string;
  readonly kind: "linear" | "encoder" | "joined" | "pretrained";
  readonly parameters: number;
  readonly estimate: {
    readonly sizeBytes: number;
    readonly latencyMs: number;
    readonly trainSeconds: number;
    readonly savedPer1kUsd?: number;
  };
  /** Why it was trained or not. */
  readonly status: "chosen" | "passed-over" | "not-reached" | "infeasible" | "planned-away";
  readonly because: readonly Reason[];
  /** Out-of-fold agreement, present when it was trained. */
  readonly outOfFoldAgreement?: Estimate;
}

/** A reason is a code and the numbers behind it; the catalogue renders it in a language. */
export interface Reason {
  readonly code: string;
  readonly facts: Readonly<Record<string, number | string>>;
}

export interface ClassFacts {
  readonly label: string;
  readonly support: number;
  readonly recall: Estimate;
  readonly precision: number;
}

/** Rows whose text has so many characters, or whose label so many training rows (without `to`: from there up), or whose text is
 *  written so. */
export type SliceFacts = (
  | { readonly kind: "length" | "frequency"; readonly from: number; readonly to?: number }
  | { readonly kind: "script"; readonly script: "latin" | "japanese" | "other" | "mixed" }
  /** Calls with an answer that no open row has; calls whose input stands in the open rows too. */
  | { readonly kind: "unlearned" | "seen" }
) & { readonly support: number; readonly agreement: Estimate };

/** The teacher's label, the student's, and how many rows; null is a label outside of the set. */
export interface ConfusionFacts {
  readonly teacher: string | null;
  readonly student: string | null;
  readonly count: number;
}

export interface ComparedFacts {
  /** majority, linear, uncut-fp32 (the teacher that a cut was taught by), student-fp32, student-int8, student+fallback */
  readonly name: string;
  readonly agreement: Estimate;
  readonly sizeBytes?: number;
  /** Median of one query on one thread. */
  readonly p50Ms?: number;
  readonly coverage?: number;
  readonly costPer1kUsd?: number;
}

export interface GateFacts {
  /** Absent in reports of before the choice: `kept`. */
  readonly promise?: PromiseName;
  /** Null when no threshold can keep the promise. */
  readonly threshold: number | null;
  readonly epsilon: number;
  readonly delta: number;
  /** How it was tested, chosen before the sealed calls were opened; `cap`: calls of one group that count at most. */
  readonly test?: { readonly kind: "binomial" | "one-call" | "betting"; readonly cap: number };
  readonly coverage: Estimate;
  readonly keptAgreement: Estimate;
  /** Of all answers that leave the cascade those that are the teacher's. */
  readonly deliveredAgreement?: Estimate;
  readonly unguaranteedCoverage: number;
  readonly minimumDeferralRatio: number;
  /** Sealed calls from loosest to strictest: [coverage, share of the kept that is wrong], at most 200 points. */
  readonly curve: readonly (readonly [number, number])[];
  readonly sealedRows: number;
  /** Absent in reports of before calls were counted. */
  readonly sealedCalls?: number;
  /** Of calls that are not independent of each other. */
  readonly sealedGroups?: number;
  /** Share of the sealed calls that the test leaves out, because their group has more of them than the cap. */
  readonly beyondCapRatio?: number;
  /** What the other promise would keep on the same calls, for information: the verdict does not rest on it. */
  readonly other?: {
    readonly promise: PromiseName;
    readonly threshold: number | null;
    readonly coverage: Estimate;
    readonly keptAgreement: Estimate;
  };
}

export interface CalibrationFacts {
  readonly eceBefore: number;
  readonly eceAfter: number;
  readonly bins: readonly { readonly meanProbability: number; readonly agreement: number; readonly count: number }[];
}

export interface MeasuredFacts {
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly memoryGb: number;
    readonly gflops: number;
  };
  /** One query, featurising included, milliseconds. */
  readonly latency: {
    readonly p50Ms: number;
    readonly p95Ms: number;
    readonly p99Ms: number;
    readonly samplesMs: readonly number[];
  };
  /** When the proof was done, UTC milliseconds; absent in reports of before. */
  readonly provedMs?: number;
  readonly throughputPerSecond: number;
  readonly peakMemoryMb: number;
  readonly stageSeconds: Readonly<Record<string, number>>;
  /** Seconds that training took, by candidate name, all its parts together; shown beside the estimate. */
  readonly trainSeconds?: Readonly<Record<string, number>>;
  /** fp32 artefact of the same student, for the cost bars. */
  readonly fp32P50Ms?: number;
}

/** The two bills of a month, in US dollars. */
export interface MonthFacts {
  readonly calls: number;
  /** Machines that the peak needs, rented whole. */
  readonly machines: number;
  /** The teacher answers every call. */
  readonly teacherUsd: number;
  /** Rent, people, one-off costs spread over the horizon, and deferred calls at the teacher's price. */
  readonly deployedUsd: Estimate;
  /** Teacher's bill less the student's. */
  readonly savedUsd: Estimate;
  /** Teacher's price above which the unfavourable end saves at this volume; absent where no call is sure to be kept. */
  readonly payingPer1kUsd?: number;
}

export interface MoneyFacts {
  /** Teacher price per 1,000 calls and where it comes from. */
  readonly teacherPer1kUsd?: number;
  readonly teacherPriceSource: "log" | "config" | "unknown";
  readonly studentPer1kUsd: number;
  /** Student first, deferred calls at the teacher's price; absent when the teacher's price is unknown or there is no gate. */
  readonly cascadePer1kUsd?: Estimate;
  readonly savedRatio?: Estimate;
  readonly callsPerMonth?: number;
  /** Present where the volume and the teacher's price are known and something is kept; absent in reports of before. */
  readonly monthly?: MonthFacts;
  /** At the measured coverage; absent: never or unknown. */
  readonly breakEvenCallsPerMonth?: number;
  /** At the lower end of the coverage's interval; null: never; absent where unknown and in reports of before. */
  readonly breakEvenCallsPerMonthHigh?: number | null;
  readonly paybackMonths?: number;
  /** Named assumptions with their values: machineUsdPerHour, trainingUsd, ... */
  readonly assumptions: Readonly<Record<string, number | string>>;
}

/** One step of the path from the fine-tuned teacher down to the smallest cut, in one precision. */
export interface PathStepFacts {
  readonly name: string;
  readonly precision: "fp32" | "int8";
  /** False for a cut that has not learned from its teacher yet. */
  readonly recovered: boolean;
  /** Layers of the teacher that it has, from 1. */
  readonly layers: readonly number[];
  /** Feed-forward neurons of each. */
  readonly neurons: number;
  readonly parameters: number;
  /** Sum of the files that `predict` opens. */
  readonly sizeBytes?: number;
  /** Median of one query on one thread. */
  readonly p50Ms?: number;
  readonly rows: "sealed" | "out-of-fold";
  /** With the teacher of the log. */
  readonly agreement: Estimate;
  /** With the uncut fine-tuned encoder in fp32. */
  readonly teacherAgreement: Estimate;
}

/** A cut beside the same cut of the untaught base, trained for the same steps on labels alone. */
export interface ControlFacts {
  /** Name of the taught cut. */
  readonly of: string;
  /** Chosen on rows that judge nothing, among these. */
  readonly learningRate: number;
  readonly learningRates: readonly number[];
  /** Rows of the judging fold. */
  readonly rows: number;
  readonly taughtAgreement: Estimate;
  /** Of the control. */
  readonly agreement: Estimate;
  /** Taught minus control, on the same rows. */
  readonly difference: Estimate;
  readonly pValue: number;
}

export interface PathFacts {
  /** From the teacher down. */
  readonly steps: readonly PathStepFacts[];
  /** Of the chosen cut. */
  readonly control?: ControlFacts;
  /** Of the other cuts, where the plan had the time. */
  readonly otherControls?: readonly ControlFacts[];
  /** Why no cut has one. */
  readonly withoutControl?: readonly Reason[];
  /** Unsealed texts of which the base reads the beginning alone; absent where it reads all. */
  readonly cutTexts?: { readonly texts: number; readonly rows: number; readonly pieces: number };
}

/** Terms that a base or a teacher stands under, as the registry of licences had them. */
export interface LicenceFacts {
  readonly subject: "base" | "teacher";
  /** Names of the models, as log and folder have them. */
  readonly models: readonly string[];
  readonly status: "allowed" | "conditions" | "outputs-restricted" | "non-commercial" | "no-derivatives" | "unknown";
  /** Name in the registry; absent where it knows none. */
  readonly name?: string;
  /** The clause, quoted; where it stands; the day on which it read so. */
  readonly terms?: string;
  readonly source?: string;
  readonly checked?: string;
  /** It would have stopped the run and was acknowledged by name. */
  readonly acknowledged: boolean;
}

/** Personal data that were taken out of the logs. */
export interface RedactionFacts {
  /** Replaced values, every occurrence, by kind. */
  readonly counts: Readonly<Record<string, number>>;
  /** Records that could not be redacted and were left out, by reason. */
  readonly rejected: Readonly<Record<string, number>>;
  readonly keptKinds: readonly string[];
  /** False where names of people stay as they are, for want of a detector. */
  readonly namesDetected: boolean;
  /** Replaced values in system prompts. */
  readonly inSystemPrompts: number;
}

export interface LinearSchedule {
  readonly epochs: number;
  readonly learningRate: number;
}

/** Texts without answers, and what they were good for. */
export interface UnlabelledFacts {
  /** Distinct texts that were given. */
  readonly texts: number;
  /** Left out: sealed rows, labelled rows and near-duplicates of them; more than are taken at all. */
  readonly sealed: number;
  readonly labelled: number;
  readonly thinned: number;
  /** The most that a trained candidate learned from: the minutes may allow a sample only. */
  readonly used: number;
  /** The linear student taught by the base against its control, which learned from the labels alone, on the fold that both had not seen. */
  readonly gain?: {
    readonly taught: Estimate;
    readonly untaught: Estimate;
    readonly difference: Estimate;
    readonly pValue: number;
    readonly rows: number;
    /** Without answers, that the taught one learned from beside the rows. */
    readonly texts: number;
    /** How the control was trained, chosen on rows that judge nothing among what was tried. */
    readonly control: LinearSchedule & { readonly tried: readonly LinearSchedule[] };
  };
}

/** One sealed text with what both answer. */
export interface ExampleFacts {
  readonly text: string;
  /** Empty for an answer that is none of the labels. */
  readonly teacher: string;
  readonly student: string;
  readonly probability: number;
  readonly decision: "keep" | "defer";
}

/** How many distinct inputs a person should look at; they themselves stand in mistakes.csv. */
export interface MistakeFacts {
  readonly keptWrong: number;
  readonly deferred: number;
  /** Answers of the teacher that may be wrong. */
  readonly suspected: number;
  /** Of those whose right answer is known (so many), the share that is wrong indeed. */
  readonly suspectedPrecision?: Estimate & { readonly known: number };
  /** Inputs whose right answer comes from a reviewed table. */
  readonly reviewed?: number;
}

export interface Facts {
  readonly version: string;
  readonly runId: string;
  readonly seed: number;
  readonly target: TargetFacts;
  readonly dataset: {
    readonly hash: string;
    readonly workload: string;
    readonly others: readonly { readonly name: string; readonly kind: string; readonly records: number }[];
    readonly labels: number;
    readonly rows: number;
    readonly trainRows: number;
    readonly sealedRows: number;
    readonly sealedBy: "time" | "group" | "user" | "none";
    readonly calls: number;
    readonly duplicates: number;
    readonly rejected: number;
    readonly nearDuplicates: number;
    /** How many runs have opened some of the sealed rows, this one included. */
    readonly sealOpenings: number;
    /** Absent in reports of before calls were counted. */
    readonly sealedCalls?: number;
    /** What counts as independent, and what was found on the way. */
    readonly units?: {
      readonly templatedRows: number;
      readonly recurringRows: number;
      readonly recurringCalls: number;
      readonly repeatedSealedCalls: number;
      readonly nearLeaks: number;
      readonly unknownLabelCalls: number;
    };
    readonly selfAgreementCeiling?: number;
    readonly hasGold: boolean;
    readonly hasLogprobs: boolean;
  };
  readonly teacher: {
    readonly models: readonly string[];
    readonly latencyP50Ms?: number;
    readonly latencyP95Ms?: number;
  };
  /** Where no threshold could be proved: how many rows would allow a guarantee if they were like the out-of-fold ones. */
  readonly outlook?: {
    /** Independent calls, or groups of them. */
    readonly sealedRows: number;
    /** Distinct inputs of which so many are sealed. */
    readonly rows: number;
    readonly coverage: number;
    readonly keptAgreement: number;
  };
  /** What each promise may be expected to keep with as many sealed calls, from out-of-fold calls of the chosen student. */
  readonly forecast?: readonly {
    readonly promise: PromiseName;
    readonly agreement: number;
    readonly coverage: Estimate;
    /** Share of draws in which the gate finds a threshold. */
    readonly foundRatio: number;
  }[];
  /** How the pooling of the user's base was chosen, where its folder does not tell. */
  readonly poolingTrial?: {
    readonly chosen: "mean" | "cls";
    /** Rows that both ways of pooling were asked, and the share that each had right. */
    readonly rows: number;
    readonly meanRatio: number;
    readonly clsRatio: number;
    readonly pValue: number;
  };
  /** Sizes that a pretrained encoder of a common small size would add; absent where one was given or could not help. */
  readonly untriedBase?: { readonly smallestBytes: number; readonly largestBytes: number };
  /** Absent in reports of before the registry. */
  readonly licences?: readonly LicenceFacts[];
  /** Absent where no text without an answer was given and no linear student taught. */
  readonly unlabelled?: UnlabelledFacts;
  /** Absent where nothing was asked to be redacted. */
  readonly redaction?: RedactionFacts;
  /** Names of the log files; absent in reports of before. */
  readonly inputs?: readonly string[];
  /** Absent in reports of before, and where nothing is sealed. */
  readonly examples?: readonly ExampleFacts[];
  readonly mistakes?: MistakeFacts;
  readonly candidates: readonly CandidateFacts[];
  /** Present where a pretrained encoder was trained. */
  readonly path?: PathFacts;
  readonly student: {
    readonly name: string;
    readonly kind: "linear" | "encoder" | "joined" | "pretrained";
    readonly parameters: number;
    /** Sum of the files that `predict` opens. */
    readonly sizeBytes: number;
    readonly modelFolder: string;
    readonly lossFormula: string;
  };
  readonly quality: {
    /** Per call: the answer is the one that the teacher gave in that very call. */
    readonly agreement: Estimate;
    /** With the most frequent answer to each input, where inputs got several. */
    readonly mostFrequentAgreement?: Estimate;
    /** One-sided lower bound of the agreement at the target's confidence, for information. */
    readonly agreementLowerBound: number;
    readonly goldAccuracy?: Estimate;
    readonly teacherGoldAccuracy?: Estimate;
    readonly macroF1: number;
    /** Worst recall first. */
    readonly classes: readonly ClassFacts[];
    /** Slices by length, script and frequency, worst first. */
    readonly slices: readonly SliceFacts[];
    /** Most frequent first. */
    readonly confusions: readonly ConfusionFacts[];
  };
  readonly calibration: CalibrationFacts;
  readonly gate: GateFacts;
  readonly compared: readonly ComparedFacts[];
  /** Paired tests between rungs on out-of-fold or sealed rows: difference = a - b. */
  readonly paired: readonly {
    readonly a: string;
    readonly b: string;
    readonly rows: "out-of-fold" | "sealed";
    readonly difference: Estimate;
    readonly pValue: number;
  }[];
  readonly parity: readonly {
    readonly artefact: string;
    readonly top1Agreement: number;
    readonly maxProbabilityDifference: number;
    readonly rows: number;
  }[];
  /** The int8 graph in runtimes besides Node's, on the sealed rows: answers of the same label and decision; whether they prove the gate too. */
  readonly runtimes?: readonly {
    readonly runtime: "wasm";
    readonly rows: number;
    readonly sameAnswers: number;
    readonly maxProbabilityDifference: number;
    readonly isProved: boolean;
  }[];
  readonly money: MoneyFacts;
  readonly measured: MeasuredFacts;
}

export type VerdictName = "deploy" | "deploy-with-fallback" | "use-cheaper-model" | "keep-teacher";

export interface Verdict {
  readonly verdict: VerdictName;
  readonly reasons: readonly Reason[];
}
