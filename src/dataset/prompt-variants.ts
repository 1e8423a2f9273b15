/** @file Which system prompts are one prompt with changing parts: a user's name, a company, a day. Prompts that differ in words that vary from
 *  one to the next are one task; two tasks whose prompts differ in a word stay two, for few prompts say nothing of how a word varies.
 *  Memory is bounded by constants. Pure but for its state. */
import { addText, hashTexts, startHash } from "./hashes.js";

/** Distinct prompts that are compared; later ones are read by what these taught. */
export const MAXIMUM_PROMPTS = 2_000;
const MAXIMUM_REMEMBERED = 4 * MAXIMUM_PROMPTS;
/** Of a longer prompt its beginning and its end are compared, the rest as a whole. */
const HEAD_LENGTH = 3_000;
const TAIL_LENGTH = 1_000;
/** Answers that are remembered: a word that is an answer names no person. */
const MAXIMUM_ANSWERS = 4_000;
const MAXIMUM_ANSWER_LENGTH = 60;
/** So many prompts that differ in a name alone are one prompt; where the word looks like any other, so many. */
const LEAST_NAMES = 4;
const LEAST_WORDS = 20;
/** Share of a family's prompts that a name, and any other word, may stand in and still be a changing part. */
const MOST_NAME_RATIO = 0.1;
const MOST_WORD_RATIO = 0.025;
/** Of the words that one place holds so many must look like names. */
const LEAST_NAME_RATIO = 0.8;
/** Prompts with this share of their words in common are compared word by word. */
const FAMILY_SIMILARITY = 0.6;
const MAXIMUM_FAMILIES = 32;

const TOKEN =
  /\p{Lu}[\p{L}\p{M}'’]*(?:[ -]\p{Lu}[\p{L}\p{M}'’]*)*|[\p{Script=Han}々]+|\p{Script=Hiragana}+|[\p{Script=Katakana}ー・]+|(?:(?![\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}])[\p{L}\p{M}\p{N}'’_-])+|\S/gu;
const WORD = /[\p{L}]/u;
const SENTENCE_END = /^[.!?:。！？：\u0001]$/u;
const HONORIFIC = /^(?:さん|さま|くん|ちゃん)/u;
const HONORIFIC_END = /.(?:様|氏|殿|君|先生)$/u;
const SLOT = "\u0002";

const DAYS =
  /\b(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|Mon|Tue|Wed|Thu|Fri|Sat|Sun|January|February|March|April|May|June|July|August|September|October|November|December|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec)\b\.?|[月火水木金土日]曜日?|[（(][月火水木金土日][）)]/g;
const NUMBERS = /\d+(?:st|nd|rd|th)?/g;
const ADDRESS = /[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g;

/** A prompt without the numbers, dates, weekdays and mail addresses in it. */
export function withoutDates(prompt: string): string {
  return prompt.replace(ADDRESS, "@").replace(NUMBERS, "0").replace(DAYS, "0");
}

interface Word {
  readonly text: string;
  readonly isName: boolean;
}

function wordsOf(prompt: string): readonly Word[] {
  const tokens = prompt.replace(/\n/g, "\u0001").match(TOKEN) ?? [];
  return tokens.map((text, i) => {
    const starts = i === 0 || SENTENCE_END.test(tokens[i - 1] ?? "");
    const isLatinName = /^\p{Lu}/u.test(text) && (!starts || text.includes(" "));
    const isName = isLatinName || HONORIFIC_END.test(text) || HONORIFIC.test(tokens[i + 1] ?? "");
    return { text, isName: isName && WORD.test(text) };
  });
}

/** What of a prompt is compared. */
function shortened(prompt: string): string {
  if (prompt.length <= HEAD_LENGTH + TAIL_LENGTH) return prompt;
  const middle = hashTexts(prompt.slice(HEAD_LENGTH, -TAIL_LENGTH)).replace(/[^0-9a-z]/gi, "");
  return `${prompt.slice(0, HEAD_LENGTH)} 0${middle} ${prompt.slice(-TAIL_LENGTH)}`;
}

interface Family {
  readonly words: ReadonlySet<string>;
  readonly members: { readonly prompt: string; readonly words: readonly Word[] }[];
  readonly occurrences: Map<string, number>;
}

/** A prompt with the words that vary replaced. */
interface Skeleton {
  readonly hash: string;
  readonly words: readonly Word[];
  /** All of the words look like names. */
  readonly isName: boolean;
}

function similarityOf(words: ReadonlySet<string>, family: Family): number {
  let common = 0;
  for (const word of words) if (family.words.has(word)) common++;
  return common / Math.max(words.size, family.words.size);
}

export class PromptVariants {
  private readonly prompts = new Map<string, string>();
  private readonly answers = new Set<string>();
  private readonly families: Family[] = [];
  private keys: Map<string, string> | undefined;
  /** Keys of prompts with what varies replaced. */
  private readonly skeletons = new Map<string, string>();

  /** Takes a prompt in, by its hash, with an answer to it. */
  observe(prompt: string, hash: string, answer: string): void {
    if (this.prompts.size < MAXIMUM_PROMPTS && !this.prompts.has(hash)) this.prompts.set(hash, shortened(prompt));
    if (answer.length <= MAXIMUM_ANSWER_LENGTH && this.answers.size < MAXIMUM_ANSWERS) this.answers.add(answer);
  }

  /** How many prompts are left once variants are one. */
  get distinct(): number {
    return new Set(this.all().values()).size;
  }

  /** What a prompt shares with its variants; its own hash where it has none. */
  keyOf(prompt: string, hash: string): string {
    const known = this.all().get(hash);
    if (known !== undefined) return known;
    const words = wordsOf(shortened(prompt));
    const family = this.familyOf(new Set(words.map(({ text }) => text)));
    const skeleton = family === undefined ? undefined : this.skeletonOf(words, family);
    const key = (skeleton !== undefined && this.skeletons.get(skeleton.hash)) || hash;
    if (this.all().size < MAXIMUM_REMEMBERED) this.all().set(hash, key);
    return key;
  }

  private all(): Map<string, string> {
    if (this.keys === undefined) {
      this.keys = new Map([...this.prompts.keys()].map((hash) => [hash, hash]));
      if (this.prompts.size >= LEAST_NAMES) this.join(this.keys);
    }
    return this.keys;
  }

  private join(keys: Map<string, string>): void {
    for (const [hash, prompt] of this.prompts) {
      const words = wordsOf(prompt);
      const distinct = new Set(words.map(({ text }) => text));
      const family = this.familyOf(distinct) ?? this.startFamily(distinct);
      if (family === undefined) continue;
      family.members.push({ prompt: hash, words });
      for (const word of distinct) family.occurrences.set(word, (family.occurrences.get(word) ?? 0) + 1);
    }
    for (const family of this.families) this.joinFamily(family, keys);
  }

  private familyOf(words: ReadonlySet<string>): Family | undefined {
    return this.families.find((family) => similarityOf(words, family) >= FAMILY_SIMILARITY);
  }

  private startFamily(words: ReadonlySet<string>): Family | undefined {
    if (this.families.length >= MAXIMUM_FAMILIES) return undefined;
    const family: Family = { words, members: [], occurrences: new Map() };
    this.families.push(family);
    return family;
  }

  /** Joins the members that differ in rare words, then those that differ in one word. */
  private joinFamily(family: Family, keys: Map<string, string>): void {
    const groups = new Map<string, { readonly skeleton: Skeleton; readonly members: Family["members"] }>();
    for (const member of family.members) {
      const skeleton = this.skeletonOf(member.words, family);
      const group = groups.get(skeleton.hash);
      if (group === undefined) groups.set(skeleton.hash, { skeleton, members: [member] });
      else group.members.push(member);
    }
    const left: { readonly words: readonly Word[]; readonly prompt: string }[] = [];
    for (const [hash, { skeleton, members }] of groups) {
      const [first] = members;
      if (first === undefined || members.length < (skeleton.isName ? LEAST_NAMES : LEAST_WORDS)) {
        left.push(...members);
        continue;
      }
      this.skeletons.set(hash, hash);
      for (const { prompt } of members) keys.set(prompt, hash);
      left.push({ words: skeleton.words, prompt: first.prompt });
    }
    this.joinSingles(left, keys);
  }

  /** Words that vary replaced; `isName` where all of them look like names. */
  private skeletonOf(words: readonly Word[], family: Family): Skeleton {
    const most = family.members.length;
    let isName = true;
    const skeleton = words.map((word): Word => {
      const limit = Math.max(1, Math.floor(most * (word.isName ? MOST_NAME_RATIO : MOST_WORD_RATIO)));
      if ((family.occurrences.get(word.text) ?? 0) > limit || !this.mayVary(word)) return word;
      isName &&= word.isName;
      return { text: SLOT, isName: false };
    });
    return { hash: `v${hashTexts(skeleton.map(({ text }) => text).join(" "))}`, isName, words: skeleton };
  }

  private mayVary({ text }: Word): boolean {
    return WORD.test(text) && !text.startsWith("0") && !this.answers.has(text) && !this.answers.has(text.toLowerCase());
  }

  /** Joins prompts that are alike but for one word, wherever in the prompt that word stands. */
  private joinSingles(
    prompts: readonly { readonly words: readonly Word[]; readonly prompt: string }[],
    keys: Map<string, string>,
  ): void {
    const masked = new Map<string, { names: number; readonly members: string[] }>();
    for (const { words, prompt } of prompts) {
      for (const { hash, word } of maskedHashes(words)) {
        if (!this.mayVary(word)) continue;
        const found = masked.get(hash) ?? { names: 0, members: [] };
        found.members.push(prompt);
        if (word.isName) found.names++;
        masked.set(hash, found);
      }
    }
    for (const { names, members } of masked.values()) {
      const isName = names >= LEAST_NAME_RATIO * members.length;
      const joined = new Set(members.flatMap((prompt) => keys.get(prompt) ?? []));
      const [target] = joined;
      if (members.length < (isName ? LEAST_NAMES : LEAST_WORDS) || target === undefined || joined.size < 2) continue;
      for (const [prompt, key] of keys) if (joined.has(key)) keys.set(prompt, target);
      for (const [skeleton, key] of this.skeletons) if (joined.has(key)) this.skeletons.set(skeleton, target);
    }
  }
}

/** For each distinct word the hash of the prompt with that word replaced: a sum over places, so that each costs what its places cost. */
function maskedHashes(words: readonly Word[]): { readonly hash: string; readonly word: Word }[] {
  const hashes = new Map<string, { readonly low: number; readonly high: number }>();
  const hashOf = (text: string): { readonly low: number; readonly high: number } => {
    const known = hashes.get(text);
    if (known !== undefined) return known;
    const state = startHash();
    addText(state, text);
    const made = { low: state.low | 0, high: state.high | 0 };
    hashes.set(text, made);
    return made;
  };
  const slot = hashOf(SLOT);
  let [low, high, lowPower, highPower] = [0, 0, 1, 1];
  const changes = new Map<string, { low: number; high: number; readonly word: Word }>();
  for (const word of words) {
    const own = hashOf(word.text);
    low = (low + Math.imul(own.low, lowPower)) | 0;
    high = (high + Math.imul(own.high, highPower)) | 0;
    const change = changes.get(word.text) ?? { low: 0, high: 0, word };
    change.low = (change.low + Math.imul(slot.low - own.low, lowPower)) | 0;
    change.high = (change.high + Math.imul(slot.high - own.high, highPower)) | 0;
    changes.set(word.text, change);
    lowPower = Math.imul(lowPower, 0x01000193);
    highPower = Math.imul(highPower, 0x9e3779b1 | 1);
  }
  return [...changes.values()].map((change) => ({
    hash: `${words.length} ${(low + change.low) | 0} ${(high + change.high) | 0}`,
    word: change.word,
  }));
}
