/** @file Texts of the report's parts that show answers: examples, what to look at, how to use the model, the words. Both languages side
 *  by side; `catalogue.ts` holds the rest. */
import type { Bilingual } from "./reasons.js";

export const LOOK_TEXTS = {
  examples: { en: "Three examples", ja: "回答例" },
  "examples-lead": {
    en: "Sealed inputs: one that the student keeps, one that it keeps and gets wrong, one that it defers, as far as there are such.",
    ja: "評価データから、生徒モデルが回答したもの、回答して教師モデルと異なったもの、教師モデルに委ねたものを（あれば）1件ずつ示します。",
  },
  "example-text": { en: "Text", ja: "入力テキスト" },
  "example-teacher": { en: "Teacher", ja: "教師モデル" },
  "example-student": { en: "Student", ja: "生徒モデル" },
  "example-decision": { en: "What happens", ja: "扱い" },
  probability: { en: "Probability", ja: "確率" },
  "decision-keep": { en: "kept", ja: "生徒モデルが回答" },
  "decision-defer": { en: "to the teacher", ja: "教師モデルに委ねる" },
  "no-label": { en: "(none of the labels)", ja: "（ラベル外）" },
  mistakes: { en: "What to look at", ja: "確認すべき回答" },
  "mistakes-lead": {
    en: "All of them stand in mistakes.csv beside this report (joryu mistakes writes it elsewhere). Right answers written into its column gold come back with joryu run --reviewed FILE.",
    ja: "全件は、このレポートと同じフォルダーのmistakes.csvにあります（joryu mistakesで別の場所に書き出せます）。gold列に正解を記入すると、joryu run --reviewed FILEで取り込めます。",
  },
  "mistakes-kept": { en: "Kept, and different from the teacher", ja: "生徒モデルが回答し、教師モデルと異なるもの" },
  "mistakes-deferred": { en: "Deferred to the teacher", ja: "教師モデルに委ねたもの" },
  "mistakes-suspected": {
    en: "Teacher's answers that may be wrong",
    ja: "教師モデルの誤りが疑われるもの",
  },
  "mistakes-precision": {
    en: "Of the suspected ones, wrong indeed (where the right answer is known: {known:count})",
    ja: "うち実際に誤りだった割合（正解が分かる{known:count}件）",
  },
  "mistakes-unknown": {
    en: "Of the suspected ones, wrong indeed",
    ja: "うち実際に誤りだった割合",
  },
  "mistakes-no-gold": { en: "unknown: no right answers are known", ja: "不明（正解が分かるデータがありません）" },
  "mistakes-reviewed": { en: "Right answers from a reviewed table", ja: "確認済みの表から取り込んだ正解" },
  "mistakes-csv": { en: "all of them: {csv}", ja: "全件：{csv}" },
  usage: { en: "How to use it", ja: "使い方" },
  "usage-lead": { en: "On the command line, and in Node:", ja: "コマンドラインと、Node.jsのコードでの使い方です。" },
  glossary: { en: "Words", ja: "用語" },
  "glossary-teacher": {
    en: "The model whose logged answers are learned.",
    ja: "ログに記録された回答の元となるモデル。生徒モデルはその回答を学習します。",
  },
  "glossary-student": { en: "The small model that was made.", ja: "作成した小型のモデル。" },
  "glossary-agreement": {
    en: "Share of the calls in which an answer is the one that the teacher gave in that call. It says nothing of the truth.",
    ja: "教師モデルがその呼び出しで返した回答と一致した割合。正解との一致ではありません。",
  },
  "glossary-gate": {
    en: "The least probability with which the student may answer; below it the teacher is asked.",
    ja: "生徒モデルが回答してよい確率の下限。下回る場合は教師モデルに委ねます。",
  },
  "glossary-cascade": {
    en: "The student first, the teacher for what the gate defers: what users would get.",
    ja: "まず生徒モデルが判断し、ゲートを通らないものに教師モデルが回答する構成。利用者に届く回答です。",
  },
  "glossary-sealed": {
    en: "Inputs that were put aside before training. Nothing was fitted, chosen or tuned on them; every look at them is counted.",
    ja: "学習前に取り分け（封印し）、学習、選択、調整に使わなかったデータ。使用するたびに回数を数えます。",
  },
  "glossary-out-of-fold": {
    en: "Answers to training inputs by a model that had not seen them. They guide the choice and prove nothing.",
    ja: "学習データを分割し、そのデータを学習していないモデルで測った値。候補の選択に使うもので、証明にはなりません。",
  },
  "glossary-interval": {
    en: "Where the true value lies with 95% confidence, as far as the sealed inputs can tell.",
    ja: "評価データから推定して、真の値が95%の信頼度で含まれる範囲。",
  },
} as const satisfies Readonly<Record<string, Bilingual>>;
