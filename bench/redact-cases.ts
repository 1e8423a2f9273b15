/** @file Labelled texts for the detectors of personal data: values planted into carriers, and carriers with what only looks like one. Carriers are
 *  texts of public data sets or sentences written here. */
import { createRandom, type Random } from "../src/random.js";
import { NEGATIVES } from "./redact-negatives.js";
import { pick, SOURCES, type Language } from "./redact-values.js";

export interface LabelledValue {
  readonly kind: string;
  readonly start: number;
  readonly end: number;
}

export interface LabelledCase {
  readonly language: Language;
  readonly text: string;
  readonly values: readonly LabelledValue[];
}

export type Carriers = Readonly<Record<Language, readonly string[]>>;

/** Sentences of customers, written for this purpose. */
export const WRITTEN: Carriers = {
  ja: [
    "カードがまだ届きません。いつ頃になりますか。",
    "先週の振込が二重に引き落とされているようです。確認をお願いします。",
    "解約したいのですが、手続きの方法を教えてください。",
    "アプリにログインできなくなりました。パスワードも受け付けられません。",
    "注文した商品の色が違っていたので交換してほしいです。",
    "来月から引っ越すので、登録情報を変更したいです。",
    "請求書の再発行は可能でしょうか。急ぎで必要です。",
    "ポイントの有効期限はいつまでですか？3年だと聞きました。",
    "サポートの方の説明がとても分かりやすかったです。ありがとうございました。",
    "海外で利用したときの手数料が1.6%というのは本当ですか。",
    "10月に申し込んだ件の進み具合を知りたいです。",
    "エラーコードE-204が表示されて先に進めません。",
    "家族カードを2枚追加で申し込みたいと思っています。",
    "領収書の宛名を会社名に直していただけますか。",
    "配送の時間帯を午前中に変更できますか？",
    "東京と大阪の店舗ではどちらに在庫がありますか。",
  ],
  en: [
    "My card has not arrived yet, when will it come?",
    "I was charged twice for the same thing last week.",
    "How do I close my account? I no longer need it.",
    "The app says error 204 and I can not log in.",
    "I would like to exchange the shoes for size 42.",
    "Is it true that the fee abroad is 1.6%?",
    "Thanks, the explanation of your colleague was very helpful.",
    "Can the delivery be moved to the morning, between 9 and 12?",
    "Please send the receipt again, the company name was wrong.",
    "What is the exchange rate for 500 euros today?",
    "I moved to another city and need to update my details.",
    "Why was my top up of 20 pounds declined?",
  ],
};

const PLANTED_PER_KIND = 110;
/** How machines write a value beside others; without a word that tells its kind. */
const MACHINE_FRAMES: readonly string[] = [
  '{"value":"{}"}',
  "id,{},2",
  "<td>{}</td>",
  "['{}']",
  "| {} |",
  "value={};",
  "「{}」",
  "{}、以上",
  "* {}",
  "({})",
];
/** Kinds that a number of which is only told by a word. */
const TOLD_BY_WORDS: ReadonlySet<string> = new Set(["bank-account", "postal-code"]);

function joined(random: Random, carrier: string, sentence: string, language: Language): { text: string; at: number } {
  // A value beside a carrier's digits would be another number.
  const isNumber = /^[0-9０-９]/.test(carrier);
  const between = pick(random, language === "ja" ? [isNumber ? "。" : "", "\n", "　"] : [" ", "\n", " - "]);
  if (carrier === "") return { text: sentence, at: 0 };
  if (random.int(2) === 0) return { text: `${sentence}${between}${carrier}`, at: 0 };
  return { text: `${carrier}${between}${sentence}`, at: carrier.length + between.length };
}

/** So many texts for each kind and language, and half as many again that hold nothing. The same seed gives the same texts. */
export function makeCases(seed: number, carriers: Carriers, perKind = PLANTED_PER_KIND): LabelledCase[] {
  const random = createRandom(seed, "redact cases");
  const cases: LabelledCase[] = [];
  for (const language of ["ja", "en"] as const) {
    for (const { kind, make, frames } of SOURCES) {
      for (let i = 0; i < perKind; i++) {
        const value = make[language](random);
        const own = TOLD_BY_WORDS.has(kind) || random.int(4) > 0;
        const frame = pick(random, own ? frames[language] : MACHINE_FRAMES);
        // A bare value beside a carrier's letters would be a part of a word.
        const carrier = frame === "{}" && random.int(3) === 0 ? "" : pick(random, carriers[language]);
        const sentence =
          frame === "{}" && language === "ja" && carrier !== "" ? ` ${value} ` : frame.replace("{}", () => value);
        const { text, at } = joined(random, carrier, sentence, language);
        const start = at + sentence.indexOf(value);
        cases.push({ language, text, values: [{ kind, start, end: start + value.length }] });
      }
    }
    for (let i = 0; i < (SOURCES.length * perKind) / 2; i++) {
      const thing = pick(random, NEGATIVES[language])(random);
      const { text } = joined(random, pick(random, carriers[language]), thing, language);
      cases.push({ language, text, values: [] });
    }
  }
  return cases;
}
