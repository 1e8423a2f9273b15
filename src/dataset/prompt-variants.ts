/** @file Which system prompts are one prompt with changing parts: a user's name, a company, a day. Prompts that differ in words that vary from
 *  one to the next are one task; two tasks whose prompts differ in a word stay two, for few prompts say nothing of how a word varies.
 *  Memory is bounded by constants. Pure but for its state. */
import { addText, hashTexts, startHash } from "./hashes.js";
import { NAME_SLOT as SLOT } from "./changing-parts.js";
import { PromptEvidence } from "./prompt-evidence.js";

/** Distinct prompts that are compared; later ones are read by what these taught. */
export const MAXIMUM_PROMPTS = 2_000;
const MAXIMUM_REMEMBERED = 4 * MAXIMUM_PROMPTS;
/** Of a longer prompt its beginning and its end are compared, the rest as a whole. */
const HEAD_LENGTH = 3_000;
const TAIL_LENGTH = 1_000;
/** So many prompts that differ in a name alone are one prompt; where the word looks like any other, so many. Fewer where the answers bear it out. */
const LEAST_NAMES = 4;
const LEAST_BORNE_OUT = 2;
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
  /** The words that were replaced. */
  readonly replaced: readonly string[];
}

/** Prompts that are alike but for some words. */
interface Alike {
  readonly prompts: readonly string[];
  /** One of them, \u0002 where they differ. */
  readonly words: readonly Word[];
  readonly isName: boolean;
  /** Examples of the words they differ in. */
  readonly examples: readonly string[];
}

/** What was made of prompts that differ in some words: how many they are, and examples of these words. */
export interface VariantGroup {
  readonly prompts: number;
  readonly examples: readonly string[];
}

const EXAMPLES = 3;
const QUESTION = /^(?:[?？]|whether|if)$|か$|かどうか/u;
const SENTENCE = /^[.!?。！？\u0001]$/u;
const TOPIC_BEFORE = /^(?:about|towards?|regarding|concerning|mentions?|mentioning|against)$/u;
const TOPIC_BEHIND = /^(?:について|に関|に対|への|に言及)/u;

/** Whether the words in which prompts differ stand in what is asked, and whether they are its topic. */
function placeOf(words: readonly Word[]): { readonly isAsked: boolean; readonly isTopic: boolean } {
  let [isAsked, isTopic] = [false, false];
  for (const [at, { text }] of words.entries()) {
    if (text !== SLOT) continue;
    const behind = words.findIndex((word, i) => i > at && SENTENCE.test(word.text));
    const start = words.findLastIndex((word, i) => i < at && SENTENCE.test(word.text));
    const sentence = words.slice(start + 1, behind < 0 ? words.length : behind + 1);
    isAsked ||= sentence.some((word) => QUESTION.test(word.text.toLowerCase()));
    isTopic ||=
      TOPIC_BEFORE.test(words[at - 1]?.text.toLowerCase() ?? "") || TOPIC_BEHIND.test(words[at + 1]?.text ?? "");
  }
  return { isAsked, isTopic };
}

function similarityOf(words: ReadonlySet<string>, family: Family): number {
  let common = 0;
  for (const word of words) if (family.words.has(word)) common++;
  return common / Math.max(words.size, family.words.size);
}

export class PromptVariants {
  private readonly prompts = new Map<string, string>();
  private readonly evidence = new PromptEvidence();
  private readonly families: Family[] = [];
  private keys: Map<string, string> | undefined;
  /** Keys of prompts with what varies replaced. */
  private readonly skeletons = new Map<string, string>();
  /** What prompts joined on words that may mean something, and those that stayed apart, by their first prompt. */
  private readonly joined = new Map<string, VariantGroup>();
  private readonly apart = new Map<string, VariantGroup>();
  private readonly apartOf = new Map<string, string>();

  /** Takes a prompt in, by its hash, with what was asked, by its hash, and the answer. */
  observe(prompt: string, hash: string, input: string, answer: string): void {
    if (this.prompts.size < MAXIMUM_PROMPTS && !this.prompts.has(hash)) this.prompts.set(hash, shortened(prompt));
    if (this.prompts.has(hash)) this.evidence.observe(hash, input, answer);
  }

  /** How many prompts are left once variants are one; those kept apart on purpose count as one too. */
  get distinct(): number {
    return new Set([...this.all()].map(([prompt, key]) => this.apartOf.get(prompt) ?? key)).size;
  }

  /** Prompts that became one though the words they differ in may mean something, and prompts that did not, for these words are what is asked. */
  groups(): { readonly joined: readonly VariantGroup[]; readonly apart: readonly VariantGroup[] } {
    this.all();
    return { joined: [...this.joined.values()], apart: [...this.apart.values()] };
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
      if (this.prompts.size >= LEAST_BORNE_OUT) this.join(this.keys);
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
      const examples = members.slice(0, EXAMPLES).map(({ words }) => this.skeletonOf(words, family).replaced.join(" "));
      const prompts = members.map(({ prompt }) => prompt);
      if (first === undefined || !this.areOne({ ...skeleton, prompts, examples })) {
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
    const replaced: string[] = [];
    const skeleton = words.map((word): Word => {
      const limit = Math.max(1, Math.floor(most * (word.isName ? MOST_NAME_RATIO : MOST_WORD_RATIO)));
      if ((family.occurrences.get(word.text) ?? 0) > limit || !this.mayVary(word)) return word;
      isName &&= word.isName;
      if (!replaced.includes(word.text)) replaced.push(word.text);
      return { text: SLOT, isName: false };
    });
    return { hash: `v${hashTexts(skeleton.map(({ text }) => text).join(" "))}`, isName, replaced, words: skeleton };
  }

  /** Whether prompts that differ in some words are one. Words that are asked about make each a task of its own. */
  private areOne({ prompts, words, isName, examples }: Alike): boolean {
    const [first = ""] = prompts;
    if (prompts.length < LEAST_BORNE_OUT) return false;
    const { isAsked, isTopic } = placeOf(words);
    const areBare = this.evidence.areBare(prompts);
    const group = { prompts: prompts.length, examples };
    const isOther = isTopic || (isAsked && areBare) || (!isName && areBare) || this.evidence.differs(prompts);
    if (isOther) {
      if (isName) this.keepApart(prompts, group);
      return false;
    }
    const borneOut = isName && !areBare && this.evidence.hasSameLabels(prompts);
    if (prompts.length < (borneOut ? LEAST_BORNE_OUT : isName ? LEAST_NAMES : LEAST_WORDS)) return false;
    this.joined.set(first, group);
    return true;
  }

  private keepApart(prompts: readonly string[], group: VariantGroup): void {
    const [first = ""] = prompts;
    this.apart.set(this.apartOf.get(first) ?? first, group);
    for (const prompt of prompts) if (!this.apartOf.has(prompt)) this.apartOf.set(prompt, first);
  }

  private mayVary({ text }: Word): boolean {
    return WORD.test(text) && !text.startsWith("0") && !this.evidence.isAnswer(text);
  }

  /** Joins prompts that are alike but for one word, wherever in the prompt that word stands. */
  private joinSingles(
    prompts: readonly { readonly words: readonly Word[]; readonly prompt: string }[],
    keys: Map<string, string>,
  ): void {
    const masked = new Map<
      string,
      { names: number; readonly members: string[]; readonly examples: string[]; words: Masked }
    >();
    for (const { words, prompt } of prompts) {
      for (const { hash, word } of maskedHashes(words)) {
        if (!this.mayVary(word)) continue;
        const found = masked.get(hash) ?? { names: 0, members: [], examples: [], words: { words, word: word.text } };
        found.members.push(prompt);
        if (word.isName) found.names++;
        if (found.examples.length < EXAMPLES) found.examples.push(word.text);
        masked.set(hash, found);
      }
    }
    for (const { names, members, examples, words } of masked.values()) {
      const joined = new Set(members.flatMap((prompt) => keys.get(prompt) ?? []));
      const [target] = joined;
      if (target === undefined || joined.size < 2) continue;
      const isName = names >= LEAST_NAME_RATIO * members.length;
      if (!this.areOne({ prompts: members, words: withSlot(words), isName, examples })) continue;
      for (const [prompt, key] of keys) if (joined.has(key)) keys.set(prompt, target);
      for (const [skeleton, key] of this.skeletons) if (joined.has(key)) this.skeletons.set(skeleton, target);
    }
  }
}

/** A prompt and one of its words. */
interface Masked {
  readonly words: readonly Word[];
  readonly word: string;
}

function withSlot({ words, word }: Masked): readonly Word[] {
  return words.map((other) => (other.text === word ? { text: SLOT, isName: false } : other));
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
