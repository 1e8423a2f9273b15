/** @file What a program fills into a prompt anew for each call: dates, times and weekdays, numbers, mail addresses, and names that the words beside
 *  them say are a person's or a customer's. What is left of two prompts that differ in these alone is equal. Pure. */

/** Stands where a name stood. */
export const NAME_SLOT = "\u0002";

const WEEKDAY = "(?:mon|tues|wednes|thurs|fri|satur|sun)day";
const DAY_WORDS = `\\b(?:${WEEKDAY}|Mon|Tue|Wed|Thu|Fri|Sat|Sun|January|February|March|April|May|June|July|August|September|October|November|December|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\\b(?:\\.(?=\\s?\\d|,))?`;
const PIECE = [
  DAY_WORDS,
  "\\b(?:UTC|GMT|JST|[ECMP][SD]T|CES?T|BST|IST)\\b",
  "\\b(?:good )?(?:morning|afternoon|evening)\\b",
  "\\b[ap](?:\\.m\\.|m\\b)",
  "午前|午後|正午|令和|平成",
  "[月火水木金土日]曜日?|[（(][月火水木金土日][）)]",
  "\\d+(?:st|nd|rd|th)?(?:(?<=\\d)[TZ](?=\\d|\\b))?(?:\\s?(?:年|ヶ?月|日|時間?|分|秒))?",
].join("|");
const RUN = new RegExp(`(?:${PIECE})(?:[ \\t]*[,./:：–~〜()（）+-]?[ \\t]*(?:(?:at|of|the|on) )?(?:${PIECE}))*`, "gi");
const SURE =
  /\b(?!the\b)[a-z]{3}|[ap]\.?m\b|午前|午後|正午|曜|[（(][月火水木金土日]|\d\s?[年月日時分]|\d{1,2}:\d{2}|\d{4}[-/.]\d{1,2}|\d{1,2}[/.]\d{1,2}[/.]\d{2}/i;
const WORDS_ALONE =
  /^(?:may|mar|sun|sat|mon|wed|fri|jun|jan|dec|march|morning|afternoon|evening|[ap]\.?m\.?|utc|ist|cet|令和|平成)\.?$/;
const NUMBER = /\d+(?:st|nd|rd|th)?/g;
const ADDRESS = /[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g;

/** A prompt without the numbers, dates, weekdays, times and mail addresses in it: a date with its time is one part, however it is written. */
export function withoutDates(prompt: string): string {
  return prompt.replace(ADDRESS, "@").replace(RUN, (run: string) => {
    if (WORDS_ALONE.test(run)) return run;
    return SURE.test(run) ? "0" : run.replace(NUMBER, "0");
  });
}

const NAME = "\\p{Lu}[\\p{L}\\p{M}]+(?:['’-]\\p{L}+)*(?: (?:\\p{Lu}\\.|\\p{Lu}[\\p{L}\\p{M}]+(?:['’-]\\p{L}+)*)){0,2}";
const PERSON =
  "(?:user|customer|client|caller|guest|member|patient|student|employee|agent|operator|colleague|manager|boss|assistant)";
/** Each with the name as its only group, at the end of the match. */
const NAMED: readonly RegExp[] = [
  new RegExp(`\\b(?:Mr|Mrs|Ms|Mx|Dr|Prof|Miss)\\.?\\s+(${NAME})`, "gu"),
  new RegExp(
    `\\b(?:[Nn]amed|[Cc]alled|[Nn]ame is|[Hh]elp(?:ing|s)?|[Aa]ssist(?:ing|s)?|[Ss]erving|[Ss]upporting|(?:[Ss]peaking|[Tt]alking|[Cc]hatting) (?:with|to)|[Oo]n behalf of|[Dd]ear|[Hh]i|[Hh]ello|[Gg]reet|(?:logged|signed) in as|${PERSON}(?: is|'s name is)?|${PERSON} (?:of|to|for)|belongs? to|written by|sent by) (${NAME})`,
    "gu",
  ),
  new RegExp(
    `(?:\\b[Nn]ame|\\b[Uu]ser_?[Nn]ame|\\b[Uu]ser|\\b[Cc]ustomer|\\b[Cc]lient|\\b[Aa]gent|\\b[Cc]aller)\\s*[:=]\\s*["“]?(${NAME}|[\\p{Ll}\\d][\\p{Ll}\\d._-]{2,30})(?=["”]?\\s*(?:[.,;!)\\n]|$))`,
    "gmu",
  ),
  /([\p{sc=Han}々]{1,6}|[ァ-ヶー・]{2,15}|[\p{sc=Han}々ァ-ヶー]{1,8}[ 　]?[\p{sc=Han}々\p{sc=Hiragana}ァ-ヶー]{1,6}|\p{Lu}\p{L}+)(?=\s?(?:さん|様|さま|くん|ちゃん|氏|先生)(?!\p{sc=Han}))/gu,
  /(?:名前|氏名|担当者|ユーザー名?|顧客名?|利用者名?)(?:は|が|[:：=])\s*「?([^\s、。「」]{1,16}?)(?=です|で、|である|[」、。\s]|$)/gmu,
];
/** Japanese for people that is no one's name. */
const ANYONE = /^(?:お?客|皆|奥|仕|模|同|多|有|神|王|何|他|お[母父兄姉子]|.*[者員]|担当|顧客|利用)$/u;
const PARTICLE = /[のはがをにとで]([\p{sc=Han}々]{2,6}|[ァ-ヶー]{2,15})$/u;

const isWord = (unit: string): boolean => /[\p{Lu}\p{Ll}\d_]/u.test(unit);

/** A prompt without the names that its own words point out, wherever else they stand in it, and these names. */
export function withoutNames(prompt: string): { readonly plain: string; readonly names: readonly string[] } {
  const names = new Set<string>();
  for (const pattern of NAMED) {
    for (const match of prompt.matchAll(pattern)) {
      const name = match[1] ?? "";
      const own = PARTICLE.exec(name)?.[1] ?? name;
      if (!ANYONE.test(own)) names.add(own);
    }
  }
  const longestFirst = [...names].toSorted((a, b) => b.length - a.length);
  return { plain: longestFirst.reduce(withoutName, prompt), names: longestFirst };
}

function withoutName(text: string, name: string): string {
  let out = "";
  let from = 0;
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + name.length)) {
    const joined = (unit: string, other: string): boolean => isWord(unit) && isWord(other);
    const inside = joined(text.charAt(at - 1), name.charAt(0)) || joined(name.slice(-1), text.charAt(at + name.length));
    if (inside) continue;
    out += text.slice(from, at) + NAME_SLOT;
    from = at + name.length;
  }
  return out + text.slice(from);
}

/** Both, and what a prompt's key is made of. */
export function plainPrompt(prompt: string): { readonly plain: string; readonly names: readonly string[] } {
  return withoutNames(withoutDates(prompt));
}
