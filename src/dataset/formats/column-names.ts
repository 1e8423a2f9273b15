/** @file Under which names tables and JSON rows keep what was asked, what was answered and what would be right; English and Japanese.
 *  Names are compared without case, spaces and separators. */
import { plainName } from "../fields.js";

export const INPUT_NAMES: readonly string[] = [
  "input",
  "text",
  "prompt",
  "message",
  "question",
  "query",
  "utterance",
  "sentence",
  "content",
  "messages",
  "inputs",
  "user_input",
  "user_message",
  "user_query",
  "customer_message",
  "request",
  "data",
  "body",
  "instruction",
  "本文",
  "問い合わせ内容",
  "お問い合わせ内容",
  "問合せ内容",
  "問い合わせ",
  "お問い合わせ",
  "質問",
  "質問内容",
  "質問文",
  "入力",
  "入力文",
  "入力テキスト",
  "テキスト",
  "文章",
  "メッセージ",
  "コメント",
  "発話",
  "プロンプト",
  "内容",
];

/** Names of what a model answered. */
export const OUTPUT_NAMES: readonly string[] = [
  "output",
  "answer",
  "teacher",
  "responseText",
  "completion",
  "response",
  "prediction",
  "predicted",
  "outputs",
  "model_output",
  "model_answer",
  "model_response",
  "llm_output",
  "llm_response",
  "predicted_label",
  "assistant",
  "回答",
  "出力",
  "応答",
  "返答",
  "予測",
  "予測ラベル",
  "モデル出力",
  "AI回答",
  "推論結果",
  "出力結果",
  "分類結果",
];

/** Those of them that may hold a reply to a person where the label stands beside it. */
export const REPLY_NAMES: readonly string[] = ["answer", "response", "completion", "assistant", "回答", "返答", "応答"];

/** Names that hold the answer where no output stands beside them, and the right answer (gold) where one does. */
export const LABEL_NAMES: readonly string[] = [
  "label",
  "category",
  "intent",
  "class",
  "expected",
  "expected_output",
  "target",
  "labels",
  "tag",
  "topic",
  "cats",
  "分類",
  "ラベル",
  "カテゴリ",
  "カテゴリー",
  "種別",
  "区分",
  "意図",
  "クラス",
];

/** Names of the right answer; where a file holds nothing else, it is the answer. */
export const GOLD_NAMES: readonly string[] = [
  "gold",
  "gold_label",
  "ideal",
  "ground_truth",
  "reference_answer",
  "correct_answer",
  "正解",
  "正解ラベル",
  "正答",
  "期待値",
  "期待出力",
  "教師ラベル",
];

/** Further names of fields that hold the label in a JSON answer or among the arguments of a function. */
export const FIELD_NAMES: readonly string[] = [
  "categories",
  "classes",
  "class_name",
  "classification",
  "queue",
  "route",
  "routing",
  "destination",
  "department",
  "team",
  "sentiment",
  "decision",
  "verdict",
  "tags",
  "result",
  "判定",
];

export const SYSTEM_NAMES: readonly string[] = [
  "system",
  "system_prompt",
  "instructions",
  "instruction",
  "system_instruction",
  "system_message",
  "システムプロンプト",
  "指示",
];

/** Whether a key is one of the names. */
export function isNamed(key: string, names: readonly string[]): boolean {
  return named([key], names).length > 0;
}

/** Keys of an object in the order of `names`. */
export function named(keys: readonly string[], names: readonly string[]): readonly string[] {
  const byName = new Map<string, string[]>();
  for (const key of keys) byName.set(plainName(key), [...(byName.get(plainName(key)) ?? []), key]);
  return [...new Set(names.flatMap((name) => (keys.includes(name) ? [name] : (byName.get(plainName(name)) ?? []))))];
}
