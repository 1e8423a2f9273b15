/** @file What a labelling leaves behind: records as chat JSON lines that the import of logs reads, rejected answers beside them, and the
 *  counts. Everything comes from the journal, in the order of the texts, whatever order the answers came in. Knows no server. */
import { majorityOf } from "../dataset/rows.js";
import type { TextRow } from "../dataset/texts.js";
import type { AnswerEntry, History, Known } from "./history.js";
import { questionsOf, systemOf, type Question, type TeacherSettings } from "./question.js";

/** Pairs of accepted answers to one text, and how many of them agree. */
export interface Agreement {
  readonly pairs: number;
  readonly agreeing: number;
}

export interface AnswerCounts {
  readonly questions: number;
  readonly accepted: number;
  /** Answers that are no label, and questions that the server refuses, by reason. */
  readonly rejected: Readonly<Record<string, number>>;
  readonly unanswered: number;
  /** Texts with at least one accepted answer. */
  readonly labelledTexts: number;
  /** Accepted answers read from plain text, because the server refused or ignored the JSON schema. */
  readonly plainAnswers: number;
  /** Accepted answers without log-probabilities, by reason. */
  readonly withoutLogprobs: Readonly<Record<string, number>>;
  /** Answers whose token counts the server did not tell: they are counted at the most they can have cost. */
  readonly boundCosts: number;
  readonly agreement: Agreement;
}

interface Line {
  readonly question: Question;
  readonly known: Known;
  /** Of this record; 0 for a further answer to a text whose occurrences stand in an earlier record. */
  readonly occurrences: number;
}

function metaOf(row: TextRow): Readonly<Record<string, unknown>> {
  const { id, timestampMs, user, conversation, gold, split } = row.meta;
  const metadata = id === undefined ? {} : { metadata: { source_id: id } };
  return { ...metadata, timestamp: timestampMs, user, conversation, gold, split };
}

function recordOf(line: Line, row: TextRow, answer: AnswerEntry, settings: TeacherSettings): unknown {
  const { question, occurrences } = line;
  return {
    id: question.id,
    messages: [
      // Every record carries the first prompt, so that all prompts make one workload; `prompt` says which was asked.
      { role: "system", content: systemOf(settings.prompts[0] ?? "", settings.labels) },
      { role: "user", content: row.text },
      { role: "assistant", content: answer.label },
    ],
    ...(answer.logprobs === undefined ? {} : { logprobs: { content: answer.logprobs } }),
    model: answer.model ?? settings.model,
    usage: { prompt_tokens: answer.inputTokens, completion_tokens: answer.outputTokens },
    cost: answer.costUsd,
    latency_ms: Math.round(answer.latencyMs),
    ...metaOf(row),
    occurrences,
    prompt: question.prompt + 1,
    sample: question.sample + 1,
  };
}

function add(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}

function pairsOf(labels: readonly string[]): Agreement {
  const counts = new Map<string, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  const agreeing = [...counts.values()].reduce((sum, count) => sum + (count * (count - 1)) / 2, 0);
  return { pairs: (labels.length * (labels.length - 1)) / 2, agreeing };
}

/** A labelling read back from its journal. */
export class Labelled {
  private readonly accepted: Line[] = [];
  private readonly refused: Line[] = [];
  private unanswered = 0;

  constructor(
    private readonly texts: readonly TextRow[],
    private readonly settings: TeacherSettings,
    private readonly history: History,
  ) {
    let counted = -1;
    for (const question of questionsOf(texts, texts.keys(), settings)) {
      const known = history.find(question.id, settings.maxTokens);
      if (known === undefined) this.unanswered++;
      else if (known.label === undefined) this.refused.push({ question, known, occurrences: 0 });
      else {
        const isFirst = question.row !== counted;
        counted = question.row;
        const occurrences = isFirst ? (texts[question.row]?.occurrences ?? 1) : 0;
        this.accepted.push({ question, known, occurrences });
      }
    }
  }

  /** The most frequent accepted answer of each text, the first in the label set where they tie; undefined where there is none. */
  labels(): (string | undefined)[] {
    const counts = new Map<number, Map<number, number>>();
    for (const { question, known } of this.accepted) {
      const own = counts.get(question.row) ?? new Map<number, number>();
      const label = this.settings.labels.indexOf(known.label ?? "");
      counts.set(question.row, own.set(label, (own.get(label) ?? 0) + 1));
    }
    return this.texts.map((_, row) => this.settings.labels[majorityOf(counts.get(row) ?? new Map())]);
  }

  /** Lines of the records file. */
  *records(): Generator {
    for (const line of this.accepted) {
      const row = this.texts[line.question.row];
      if (row !== undefined) yield recordOf(line, row, this.history.answerOf(line.known), this.settings);
    }
  }

  /** Lines of the file of rejected answers: what the teacher said, and why it is no label. */
  *rejects(): Generator {
    for (const { question, known } of this.refused) {
      const answer = known.kind === "answer" ? this.history.answerOf(known) : undefined;
      yield {
        id: question.id,
        text: question.text,
        reason: known.rejected,
        answer: answer?.content,
        cost: answer?.costUsd,
        prompt: question.prompt + 1,
        sample: question.sample + 1,
      };
    }
  }

  /** Counts over all questions, those of earlier runs among them. */
  counts(): AnswerCounts {
    const rejected: Record<string, number> = {};
    const withoutLogprobs: Record<string, number> = {};
    let [plainAnswers, boundCosts] = [0, 0];
    for (const { known } of this.refused) add(rejected, known.rejected ?? "");
    for (const { known } of this.accepted) {
      const answer = this.history.answerOf(known);
      if (!answer.isJson) plainAnswers++;
      if (answer.isCostBound === true) boundCosts++;
      if (answer.withoutLogprobs !== undefined) add(withoutLogprobs, answer.withoutLogprobs);
    }
    const { accepted, refused, unanswered } = this;
    const questions = accepted.length + refused.length + unanswered;
    const labelledTexts = accepted.filter(({ occurrences }) => occurrences > 0).length;
    const agreement = this.agreement();
    return {
      questions,
      accepted: accepted.length,
      rejected,
      unanswered,
      labelledTexts,
      plainAnswers,
      withoutLogprobs,
      boundCosts,
      agreement,
    };
  }

  private agreement(): Agreement {
    const labels = new Map<number, string[]>();
    for (const { question, known } of this.accepted) {
      const own = labels.get(question.row) ?? [];
      own.push(known.label ?? "");
      labels.set(question.row, own);
    }
    let [pairs, agreeing] = [0, 0];
    for (const own of labels.values()) {
      const found = pairsOf(own);
      pairs += found.pairs;
      agreeing += found.agreeing;
    }
    return { pairs, agreeing };
  }
}
