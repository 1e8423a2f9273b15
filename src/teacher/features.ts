/** @file What a server is believed to support. Every optional field of a request is a row of one table: how a refusal names it, and what
 *  is said when it is left out from then on. Knows no question. */
import type { UpstreamError } from "../errors.js";

export type FeatureName = "schema" | "logprobs" | "maxTokens" | "temperature" | "seed";
export type FeatureSet = Readonly<Record<FeatureName, boolean>>;

interface FeatureRow {
  readonly name: FeatureName;
  /** A refusal that means this field. */
  readonly named: RegExp;
  readonly states: string;
  /** May be left out when a refusal names nothing and no answer has come yet. */
  readonly isSuspect: boolean;
}

const FEATURES: readonly FeatureRow[] = [
  {
    name: "schema",
    named: /response_format|json_schema|structured output|guided|grammar/i,
    states: "the server refuses response_format json_schema: labels are read from plain text answers",
    isSuspect: true,
  },
  {
    name: "logprobs",
    named: /logprobs/i,
    states: "the server refuses log-probabilities: answers are hard labels",
    isSuspect: true,
  },
  {
    name: "maxTokens",
    named: /max_tokens|max_completion_tokens/i,
    states: "the server refuses max_tokens: max_completion_tokens is sent instead",
    isSuspect: false,
  },
  {
    name: "temperature",
    named: /temperature/i,
    states: "the server refuses the temperature: its own is used",
    isSuspect: false,
  },
  { name: "seed", named: /\bseed\b/i, states: "the server refuses a seed", isSuspect: true },
];

/** Statuses with which servers refuse a field. */
const REFUSALS: ReadonlySet<number> = new Set([400, 404, 415, 422, 500, 501]);
const UNNAMED_REFUSALS: ReadonlySet<number> = new Set([400, 415, 422, 501]);
/** Names `max_tokens` too, but means the text. */
const TOO_LONG = /context.?(length|window)|maximum context|too long/i;
/** A filter that stands before the model; Azure's and OpenAI's words. */
const FILTERED = /content.?(filter|policy|management policy)|usage polic/i;

/** The features in use; they only ever become fewer. */
export class Features {
  private set: FeatureSet;
  private answered = false;

  constructor(wanted: Partial<FeatureSet> = {}) {
    this.set = { schema: true, logprobs: true, maxTokens: true, temperature: true, seed: true, ...wanted };
  }

  get current(): FeatureSet {
    return this.set;
  }

  /** The server has answered what was sent. */
  get isConfirmed(): boolean {
    return this.answered;
  }

  /** An answer came: what was sent is supported, so refusals that name nothing mean the text from now on. */
  confirm(): void {
    this.answered = true;
  }

  /** Leaves out what a refusal means. "again": ask again with fewer fields, `states` says so once; "no": it means something else. */
  refuse(error: UpstreamError, sent: FeatureSet): { readonly verdict: "again" | "no"; readonly states?: string } {
    const row = this.meant(error, sent);
    if (row === undefined) return { verdict: "no" };
    if (!this.set[row.name]) return { verdict: "again" };
    this.set = { ...this.set, [row.name]: false };
    return { verdict: "again", states: row.states };
  }

  private meant(error: UpstreamError, sent: FeatureSet): FeatureRow | undefined {
    const { status = 0, facts } = error;
    const said = `${String(facts["param"])} ${String(facts["code"])} ${String(facts["message"])}`;
    if (!REFUSALS.has(status) || TOO_LONG.test(said) || FILTERED.test(said)) return undefined;
    const named = FEATURES.find((row) => sent[row.name] && row.named.test(said));
    if (named !== undefined || this.answered || !UNNAMED_REFUSALS.has(status)) return named;
    return FEATURES.find((row) => sent[row.name] && row.isSuspect);
  }
}
