/** @file What a teacher is asked: one text, one prompt, a closed label set. A question's id is the hash of all that its answer depends
 *  on, so that an answer given once is found again. Knows no server and no money but the most that a request can cost. */
import { createHash } from "node:crypto";
import { callUsd, type TokenPrice } from "../cost.js";
import { foldLabel } from "../dataset/labels.js";
import { MAXIMUM_LABEL_LENGTH } from "../dataset/answer-fields.js";
import { MAXIMUM_LABELS } from "../dataset/answer-counts.js";
import { InputError } from "../errors.js";
import type { ChatRequest, JsonSchemaFormat } from "../wire/chat.js";
import type { FeatureSet } from "./features.js";

export interface TeacherSettings {
  readonly model: string;
  readonly labels: readonly string[];
  /** At least one; each is asked. `{labels}` in it stands for the list, which follows the prompt otherwise. */
  readonly prompts: readonly string[];
  /** Answers to each prompt. */
  readonly samples: number;
  readonly temperature: number;
  readonly maxTokens: number;
  /** Alternatives to each token of the answer; 0 asks for none. */
  readonly topLogprobs: number;
  readonly seed: number;
  readonly price?: TokenPrice;
}

export interface Question {
  /** 32 hexadecimal digits. */
  readonly id: string;
  /** Index of the text. */
  readonly row: number;
  readonly text: string;
  /** Index of the prompt. */
  readonly prompt: number;
  readonly sample: number;
}

const PLAIN_RULE = "Answer with exactly one of the labels and nothing else.";
const JSON_RULE = 'Answer with JSON: {"label": one of the labels}';
const LABELS_PLACE = "{labels}";
/** Tokens that a server's chat template may add around the messages. */
const TEMPLATE_TOKENS = 256;
/** Tokens of JSON around a label and of what ends an answer. */
const ANSWER_TOKENS = 32;

/** Checks a label set as the import will see it. @throws InputError */
export function checkLabels(labels: readonly string[]): void {
  const hint = "give distinct labels, one a line";
  if (labels.length < 2) throw new InputError(`${labels.length} labels; expected at least 2`, { hint });
  if (labels.length > MAXIMUM_LABELS) {
    throw new InputError(`${labels.length} labels; expected at most ${MAXIMUM_LABELS}`, { hint });
  }
  const seen = new Map<string, string>();
  for (const label of labels) {
    const shown = JSON.stringify(label.slice(0, 60));
    if (label.trim() !== label || label === "" || /[\n\r]/.test(label) || label.length > MAXIMUM_LABEL_LENGTH) {
      throw new InputError(`label ${shown}: expected 1 to ${MAXIMUM_LABEL_LENGTH} characters on one line`, { hint });
    }
    if (/^[{[]/.test(label)) throw new InputError(`label ${shown}: a label does not start like JSON`, { hint });
    const earlier = seen.get(foldLabel(label));
    if (earlier !== undefined) {
      throw new InputError(`label ${shown}: the same as ${JSON.stringify(earlier)} but for case and space`, { hint });
    }
    seen.set(foldLabel(label), label);
  }
}

/** Tokens that the longest label needs at most. */
export function defaultMaxTokens(labels: readonly string[]): number {
  return Math.max(...labels.map((label) => Buffer.byteLength(JSON.stringify(label)))) + ANSWER_TOKENS;
}

/** A prompt with the label list in its place. */
export function instructionOf(prompt: string, labels: readonly string[]): string {
  const list = labels.map((label) => `- ${label}`).join("\n");
  if (prompt.includes(LABELS_PLACE)) return prompt.replaceAll(LABELS_PLACE, () => list);
  return `${prompt.trim()}\n\nLabels:\n${list}`;
}

/** The system message of a question where the answer is plain text: what records carry. */
export function systemOf(prompt: string, labels: readonly string[]): string {
  return `${instructionOf(prompt, labels)}\n\n${PLAIN_RULE}`;
}

/** Every question about some texts, a text's questions side by side. */
export function* questionsOf(
  texts: readonly { readonly text: string }[],
  order: Iterable<number>,
  settings: TeacherSettings,
): Generator<Question> {
  const { model, labels, prompts, samples, temperature } = settings;
  const systems = prompts.map((prompt) => systemOf(prompt, labels));
  for (const row of order) {
    const text = texts[row]?.text;
    if (text === undefined) continue;
    for (const [prompt, system] of systems.entries()) {
      for (let sample = 0; sample < samples; sample++) {
        const parts = JSON.stringify([model, system, text, temperature, sample]);
        yield { id: createHash("sha256").update(parts).digest("hex").slice(0, 32), row, text, prompt, sample };
      }
    }
  }
}

function schemaOf(labels: readonly string[]): JsonSchemaFormat {
  const schema = {
    type: "object",
    properties: { label: { type: "string", enum: labels } },
    required: ["label"],
    additionalProperties: false,
  };
  return { type: "json_schema", json_schema: { name: "label", strict: true, schema } };
}

/** The request that asks a question with what the server is believed to support. */
export function requestOf(question: Question, settings: TeacherSettings, features: FeatureSet): ChatRequest {
  const { model, labels, temperature, maxTokens, topLogprobs, seed } = settings;
  const instruction = instructionOf(settings.prompts[question.prompt] ?? "", labels);
  return {
    model,
    messages: [
      { role: "system", content: `${instruction}\n\n${features.schema ? JSON_RULE : PLAIN_RULE}` },
      { role: "user", content: question.text },
    ],
    ...(features.maxTokens ? { max_tokens: maxTokens } : { max_completion_tokens: maxTokens }),
    ...(features.temperature ? { temperature } : {}),
    ...(features.seed ? { seed: seed + question.sample } : {}),
    ...(features.schema ? { response_format: schemaOf(labels) } : {}),
    ...(features.logprobs ? { logprobs: true, top_logprobs: topLogprobs } : {}),
  };
}

/** More tokens than the prompt of a request can have: a token of a byte-level vocabulary holds a byte or more. */
export function promptTokenBound(request: ChatRequest): number {
  const texts = [...request.messages.map(({ content }) => content), JSON.stringify(request.response_format ?? "")];
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), TEMPLATE_TOKENS);
}

/** The most that a request can cost; undefined without prices. */
export function worstUsd(request: ChatRequest, settings: TeacherSettings): number | undefined {
  return settings.price === undefined
    ? undefined
    : callUsd(promptTokenBound(request), settings.maxTokens, settings.price);
}
