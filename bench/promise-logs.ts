/** @file Populations of made traffic as log files: OpenAI chat lines whose texts are made words with or without words that tell the answer. Each
 *  population is fixed (its recurring inputs, its words); a seed draws calls of it, so that a fresh draw is the traffic to come. */
import { createRandom, type Random } from "../src/random.js";

export interface LoggedCall {
  readonly messages: readonly { readonly role: "user" | "assistant"; readonly content: string }[];
  /** What the teacher answered. */
  readonly answer: string;
}

export interface LogPopulation {
  readonly name: string;
  /** What it is made of, and what no student can do better than. */
  readonly truth: string;
  /** Whether inputs come again later or in bursts, so that it matters if the split is by time. */
  readonly repeats: boolean;
  /** About so many calls, whole conversations and bursts. */
  draw(calls: number, seed: number): LoggedCall[];
}

const SYSTEM = "Classify.";
const TOPICS = ["refund", "delivery", "password", "warranty", "voucher", "address"] as const;
const LETTERS = "abcdefghijklmnopqrstuvwxyz";
/** Share of the texts that speak of two topics; the teacher answers the first one in three of four. */
const AMBIGUOUS_RATIO = 0.1;

function word(random: Random): string {
  return Array.from({ length: 7 }, () => LETTERS[random.int(LETTERS.length)] ?? "a").join("");
}

function topic(random: Random): string {
  return TOPICS[random.int(TOPICS.length)] ?? TOPICS[0];
}

interface Asked {
  readonly text: string;
  readonly answer: string;
}

/** A text that a student can learn to answer, but for the ambiguous ones. */
function plainInput(random: Random): Asked {
  const first = topic(random);
  if (random.float() >= AMBIGUOUS_RATIO) {
    return { text: `${word(random)} ${first} ${word(random)} ${first} ${word(random)}`, answer: first };
  }
  const second = topic(random);
  const text = `${word(random)} ${first} ${word(random)} ${second} ${word(random)}`;
  return { text, answer: random.float() < 0.75 ? first : second };
}

/** An answer that occurs once, to a text that looks like any other or like none. */
function oneOff(random: Random, isInformative: boolean): Asked {
  const text = isInformative
    ? `${word(random)} ${word(random)} ${word(random)} ${word(random)}`
    : plainInput(random).text;
  return { text, answer: `case ${word(random)}` };
}

function other(answer: string, random: Random): string {
  const others = TOPICS.filter((name) => name !== answer);
  return others[random.int(others.length)] ?? answer;
}

/** The teacher's answer to an input in one call. */
function wavering(answer: string, selfAgreement: number, random: Random): string {
  return random.float() < selfAgreement ? answer : other(answer, random);
}

function single({ text, answer }: Asked): LoggedCall {
  return { messages: [{ role: "user", content: text }], answer };
}

/** Calls by units (an input with its repetitions, a conversation) that `unit` draws; units lie in drawn order. */
function byUnits(name: string, truth: string, unit: (random: Random) => LoggedCall[], repeats = false): LogPopulation {
  return {
    name,
    truth,
    repeats,
    draw(calls, seed) {
      const random = createRandom(seed, `promise logs ${name}`);
      const drawn: LoggedCall[] = [];
      while (drawn.length < calls) drawn.push(...unit(random));
      return drawn;
    },
  };
}

function repeated(times: number, asked: Asked, selfAgreement: number, random: Random): LoggedCall[] {
  return Array.from({ length: times }, () =>
    single({ ...asked, answer: wavering(asked.answer, selfAgreement, random) }),
  );
}

const PHRASES: readonly (readonly [string, (order: number) => string])[] = [
  ["missing", (order) => `Order ${order} has not arrived at my address what should I do now please tell me`],
  ["return", (order) => `I would like to return order ${order} because it is the wrong size how do I do that`],
  ["cancel", (order) => `Please cancel order ${order} as soon as you can because I do not need it any more thanks`],
  ["invoice", (order) => `Could you send me the invoice of order ${order} once more to the address in my account`],
];

function templated(random: Random): LoggedCall[] {
  const [answer, phrase] = PHRASES[random.int(PHRASES.length)] ?? ["missing", String];
  const text = phrase(100_000 + random.int(900_000));
  return [single({ text, answer: wavering(answer, 0.99, random) })];
}

/** A conversation of 2 to 6 calls about one topic, each call with its history; a share of them go wrong from beginning to end. */
function conversation(random: Random): LoggedCall[] {
  const told = topic(random);
  const answer = random.float() < 0.06 ? other(told, random) : told;
  const turns = 2 + random.int(5);
  const messages: { role: "user" | "assistant"; content: string }[] = [];
  return Array.from({ length: turns }, () => {
    messages.push({ role: "user", content: `${word(random)} ${told} ${word(random)} ${told} ${word(random)}` });
    const call = { messages: [...messages], answer };
    messages.push({ role: "assistant", content: answer });
    return call;
  });
}

/** An input that comes 1 to 8 times in a row; bursts carry one-off answers more often than single calls do. */
function burst(random: Random): LoggedCall[] {
  const isBurst = random.float() < 0.2;
  const asked = random.float() < (isBurst ? 0.08 : 0.01) ? oneOff(random, false) : plainInput(random);
  return repeated(isBurst ? 3 + random.int(6) : 1, asked, 1, random);
}

/** Few inputs in storms of 15 to 30 calls that never come again; some carry an answer of their own. */
function storm(random: Random): LoggedCall[] {
  const isStorm = random.float() < 0.02;
  const asked = random.float() < (isStorm ? 0.2 : 0) ? oneOff(random, false) : plainInput(random);
  return repeated(isStorm ? 15 + random.int(16) : 1, asked, 1, random);
}

/** Recurring inputs are the population's: the same ones in every draw. */
function recurringPopulation(): LogPopulation {
  const fixed = createRandom(1, "promise logs heads");
  const heads = Array.from({ length: 12 }, () => plainInput(fixed));
  const agreements = heads.map((_, head) => (head < 2 ? 0.7 : 0.99));
  const truth = "a third of the calls have one of twelve inputs, two of which the teacher answers 7:3";
  return byUnits(
    "recurring",
    truth,
    (random) => {
      if (random.float() >= 1 / 3) return [single(plainInput(random))];
      const head = random.int(heads.length);
      return repeated(1, heads[head] ?? plainInput(random), agreements[head] ?? 1, random);
    },
    true,
  );
}

export const LOG_POPULATIONS: readonly LogPopulation[] = [
  byUnits("rare", "14 % of the calls have an answer that occurs once, to a text of no topic", (random) => [
    single(random.float() < 0.14 ? oneOff(random, true) : plainInput(random)),
  ]),
  byUnits("rare-hidden", "5 % of the calls have an answer that occurs once, to a text like any other", (random) => [
    single(random.float() < 0.05 ? oneOff(random, false) : plainInput(random)),
  ]),
  byUnits("noisy", "every input is asked four times, the teacher answers 6:4", (random) =>
    repeated(4, plainInput(random), 0.6, random),
  ),
  byUnits("noisy-some", "inputs come 1 to 4 times, a quarter of them are answered 4:1", (random) =>
    repeated(1 + random.int(4), plainInput(random), random.float() < 0.25 ? 0.8 : 1, random),
  ),
  byUnits("templates", "four phrasings with a number, the teacher answers 1 % otherwise", templated),
  byUnits(
    "conversations",
    "cumulative conversations without ids; 6 % of them are answered otherwise as a whole",
    conversation,
  ),
  byUnits("bursts", "a fifth of the inputs come 3 to 8 times, 8 % of these with an answer of their own", burst, true),
  byUnits(
    "storms",
    "2 % of the inputs come 15 to 30 times and never again, a fifth of these with an answer of their own",
    storm,
    true,
  ),
  recurringPopulation(),
];

/** Chat lines of calls; with a time, a call every minute from then on. */
export function logLines(calls: readonly LoggedCall[], startMs?: number): string {
  return calls
    .map(({ messages, answer }, i) => {
      const asked = [{ role: "system", content: SYSTEM }, ...messages, { role: "assistant", content: answer }];
      const time = startMs === undefined ? {} : { timestamp: new Date(startMs + 60_000 * i).toISOString() };
      return `${JSON.stringify({ messages: asked, ...time })}\n`;
    })
    .join("");
}
