/** @file OpenAI's chat vocabulary as it goes over the wire: what we send, strictly typed, and what comes back, read leniently (unknown
 *  fields pass, absent ones are absent). Knows no log format and no label. Follows OpenAI's chat completion object. */
import { z } from "zod";

export interface ChatMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/** A strict JSON schema that the answer must follow. */
export interface JsonSchemaFormat {
  readonly type: "json_schema";
  readonly json_schema: { readonly name: string; readonly strict: true; readonly schema: unknown };
}

/** The body of `POST /chat/completions`. */
export interface ChatRequest {
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  readonly max_tokens?: number;
  readonly max_completion_tokens?: number;
  readonly temperature?: number;
  readonly seed?: number;
  readonly response_format?: JsonSchemaFormat;
  readonly logprobs?: true;
  readonly top_logprobs?: number;
}

/** The `bytes` of a token go through as they are. */
const tokenSchema = z.looseObject({ token: z.string(), logprob: z.number() });
const tokenLogprobSchema = tokenSchema.extend({ top_logprobs: z.array(tokenSchema).nullish() });

const count = z.number().min(0).nullish().catch(undefined);
const choiceSchema = z.looseObject({
  message: z.looseObject({ content: z.string().nullish(), refusal: z.string().nullish().catch(undefined) }),
  finish_reason: z.string().nullish().catch(undefined),
  logprobs: z
    .looseObject({ content: z.array(tokenLogprobSchema).nullish() })
    .nullish()
    .catch(undefined),
});

/** A completion: at least one choice with a message; everything else may be absent or malformed. */
export const chatCompletionSchema = z.looseObject({
  id: z.string().optional().catch(undefined),
  model: z.string().optional().catch(undefined),
  choices: z.tuple([choiceSchema]).rest(z.unknown()),
  usage: z.looseObject({ prompt_tokens: count, completion_tokens: count }).nullish().catch(undefined),
});

export type ChatCompletion = z.infer<typeof chatCompletionSchema>;

const detailSchema = z.looseObject({
  message: z.string().optional().catch(undefined),
  type: z.string().nullish().catch(undefined),
  param: z.string().nullish().catch(undefined),
  code: z.union([z.string(), z.number()]).nullish().catch(undefined),
});

/** `{"error": {...}}`, also `{"error": "text"}`, `{"message": ...}` and `{"detail": ...}` of servers that differ. */
export const errorBodySchema = z.looseObject({
  error: z.union([z.string(), detailSchema]).optional().catch(undefined),
  message: z.string().optional().catch(undefined),
  detail: z.string().optional().catch(undefined),
});

export interface ErrorBody {
  readonly message: string;
  readonly param: string;
  readonly code: string;
}

/** What a body says of an error; undefined when it is none. */
export function errorOf(body: unknown): ErrorBody | undefined {
  const parsed = errorBodySchema.safeParse(body);
  if (!parsed.success) return undefined;
  const { error, message, detail } = parsed.data;
  if (typeof error === "object") {
    const code = error.code ?? error.type ?? "";
    return { message: error.message ?? message ?? "", param: error.param ?? "", code: String(code) };
  }
  const text = error ?? message ?? detail;
  return text === undefined ? undefined : { message: text, param: "", code: "" };
}
