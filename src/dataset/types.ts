/** @file The words of the dataset folder: a record is one normalised LLM call, a row is one distinct input of a label workload. */
import type { PromptTemplate } from "../template/template.js";

export interface ToolCall {
  readonly name: string;
  /** JSON text, as the wire carries it. */
  readonly arguments: string;
}

export interface Message {
  readonly role: "system" | "user" | "assistant" | "tool";
  readonly content: string;
  readonly toolCalls?: readonly ToolCall[];
}

/** A token with its log-probability, natural logarithm; `bytes` are UTF-8 and may hold a part of a character. */
export interface ScoredToken {
  readonly token: string;
  readonly logprob: number;
  readonly bytes?: readonly number[];
}

/** One token of an answer with the most likely ones at its place, itself among them. */
export interface TokenLogprobs extends ScoredToken {
  readonly top: readonly ScoredToken[];
}

/** One normalised LLM call. */
export interface LlmRecord {
  readonly source: string;
  /** 1-based line (or row) in the source. */
  readonly line: number;
  readonly id?: string;
  readonly timestampMs?: number;
  readonly conversation?: string;
  readonly user?: string;
  readonly model?: string;
  /** What the teacher was asked: everything before its answer. */
  readonly messages: readonly Message[];
  /** What the teacher answered. */
  readonly answer: string;
  readonly toolCalls?: readonly ToolCall[];
  readonly logprobs?: readonly TokenLogprobs[];
  /** The right answer where the log names one. */
  readonly gold?: string;
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  readonly costUsd?: number;
  readonly latencyMs?: number;
  /** How many calls this record stands for, 1 when absent; 0 for a further answer to a call that another record counts. */
  readonly occurrences?: number;
  /** A split that the user's data names. */
  readonly split?: "train" | "test";
}

/** `several`: several labels in most answers, which nothing learns yet. */
export type WorkloadKind = "label" | "several" | "json" | "text";

export interface WorkloadSummary {
  readonly name: string;
  readonly kind: WorkloadKind;
  readonly records: number;
}

/** One distinct input of a label workload. */
export interface Row {
  readonly text: string;
  /** Index of the teacher's (most frequent) answer in `labels`; -1 for an answer that no open row has, which nothing can learn. */
  readonly label: number;
  /** All answers with how often each was given, where they are several: [index as `label`, count]. */
  readonly answers?: readonly (readonly [number, number])[];
  /** Index of the right answer where the log names one; -1 when it is none of the labels (then nothing can be right). */
  readonly gold?: number;
  /** Teacher probabilities [labels + 1], the last entry the tail that left the label set; absent without log-probs. */
  readonly softLabels?: readonly number[];
  /** Calls with this input. */
  readonly weight: number;
  /** Rows of one group (conversation, near-duplicates) never straddle a split. */
  readonly group: number;
  /** An input that comes so often, from anywhere, that each of its calls is a unit of its own. */
  readonly recurring?: true;
  /** Sealed rows are opened by `prove` alone. */
  readonly sealed: boolean;
  /** 0 .. folds-1 for unsealed rows, by group; -1 when sealed. */
  readonly fold: number;
}

/** One call of a row: who, when, and at what price, where the log says so. */
export interface Call {
  /** Index of its row. */
  readonly row: number;
  /** Index as `Row.label`. */
  readonly answer: number;
  /** Id of the record in the log, and its place there. */
  readonly id?: string;
  readonly source: string;
  readonly line: number;
  readonly timestampMs?: number;
  /** HMAC of the user under the project's key. */
  readonly subject?: string;
  /** HMAC of the conversation's name in the log. */
  readonly conversation?: string;
  readonly model?: string;
  readonly costUsd?: number;
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  readonly latencyMs?: number;
  /** How many calls it stands for, 1 when absent. */
  readonly occurrences?: number;
}

/** What counts as independent in a split, and what was found on the way. */
export interface UnitFacts {
  /** Rows of templates: distinct inputs that are units of their own although they are near-duplicates. */
  readonly templatedRows: number;
  /** Inputs whose calls are units of their own, and these calls. */
  readonly recurringRows: number;
  readonly recurringCalls: number;
  /** Sealed calls whose input stands in an open row too, as it comes again in the traffic. */
  readonly repeatedSealedCalls: number;
  /** Train rows of the user's split that are near-duplicates of test rows. */
  readonly nearLeaks: number;
  /** Sealed calls with an answer that no open row has. */
  readonly unknownLabelCalls: number;
}

export interface ImportCounts {
  readonly records: number;
  readonly accepted: number;
  readonly duplicates: number;
  readonly rejected: number;
}

/** What is known of the traffic of the workload; absent where the log does not say. */
export interface TrafficFacts {
  /** Calls of the workload, repeated inputs counted. */
  readonly calls: number;
  readonly callsPerMonth?: number;
  readonly firstMs?: number;
  readonly lastMs?: number;
  readonly costPer1kUsd?: number;
  readonly meanInputTokens?: number;
  readonly meanOutputTokens?: number;
  readonly latencyP50Ms?: number;
  readonly latencyP95Ms?: number;
  readonly models: readonly string[];
}

/** How the answers of a workload became labels. */
export interface AnswerFacts {
  /** Where the label stands in structured answers: a field of a JSON answer, an argument of a function call, `@function` for its name. */
  readonly path?: string;
  /** Fields beside it that are not learned. */
  readonly leftOut: readonly string[];
  /** Every label of the log with its calls. */
  readonly labelCounts: readonly (readonly [string, number])[];
  /** What was taken off answers, with the number of answers. */
  readonly unwrapped: readonly (readonly [string, number])[];
  /** Why answers are no label, with their number. */
  readonly noLabels: readonly (readonly [string, number])[];
  /** Answers outside the label set. */
  readonly outsideCalls: number;
  /** Spellings that were taken for a label that is written otherwise. */
  readonly foldings: readonly { readonly written: string; readonly kept: string; readonly calls: number }[];
  readonly samples: readonly {
    readonly text: string;
    /** As the log has it. */
    readonly answer: string;
    readonly label?: string;
    /** What was unwrapped and folded. */
    readonly changed: readonly string[];
  }[];
}

/** A frozen label dataset: the rows with their split. `hash` covers everything but itself. */
export interface LabelDataset {
  readonly hash: string;
  readonly workload: string;
  readonly others: readonly WorkloadSummary[];
  readonly template: PromptTemplate;
  readonly labels: readonly string[];
  /** Label spellings that were folded into one (case, space, decoration): [written, kept]. */
  readonly foldedLabels: readonly (readonly [string, string])[];
  /** How answers became labels; absent in datasets of earlier versions. */
  readonly answers?: AnswerFacts;
  readonly folds: number;
  readonly rows: readonly Row[];
  readonly counts: ImportCounts;
  /** Distinct inputs dropped as near-duplicates stay as weight; this many were merged or grouped. */
  readonly nearDuplicates: number;
  /** How the sealed rows were chosen. */
  readonly sealedBy: "time" | "group" | "user" | "none";
  readonly units: UnitFacts;
  /** Of inputs answered more than once: how often two answers of the teacher agree; absent when no input repeats. */
  readonly teacherSelfAgreement?: { readonly agreeing: number; readonly pairs: number; readonly ceilingRatio: number };
  readonly traffic: TrafficFacts;
}
