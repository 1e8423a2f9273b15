/** @file Probabilities of labels from the log-probabilities of answer tokens. A label's probability is the product along its
 *  tokens; an alternative token counts for the one label that its text can still become; the rest is the tail. Pure. */
import { foldLabel } from "./labels.js";
import type { TokenLogprobs } from "./types.js";
import { wholeTokens } from "./whole-tokens.js";

/** [labels + 1] probabilities that sum to 1, the last one the tail; undefined when the tokens do not spell the answer.
 *  `chosen` is the index of the answer's label, -1 for none; log-probabilities are natural logarithms. */
export type SoftLabeller = (tokens: readonly TokenLogprobs[], answer: string, chosen: number) => number[] | undefined;

/** A labeller for one label set. */
export function createSoftLabeller(labels: readonly string[]): SoftLabeller {
  const sorted = labels
    .map((label, index) => ({ text: foldLabel(label), index }))
    .toSorted((a, b) => (a.text < b.text ? -1 : 1));
  return (given, answer, chosen) => {
    const tokens = spells(given, answer) ? given : wholeTokens(given);
    if (tokens === undefined || !spells(tokens, answer)) return undefined;
    const mass = new Array<number>(labels.length + 1).fill(0);
    let path = "";
    let pathProbability = 1;
    for (const token of tokens) {
      for (const other of token.top) {
        if (other.token === token.token) continue;
        const label = onlyLabel(path + other.token, sorted);
        if (label >= 0) mass[label] = (mass[label] ?? 0) + pathProbability * Math.exp(Math.min(0, other.logprob));
      }
      path += token.token;
      pathProbability *= Math.exp(Math.min(0, token.logprob));
    }
    if (chosen >= 0) mass[chosen] = (mass[chosen] ?? 0) + pathProbability;
    return withTail(mass);
  };
}

function spells(tokens: readonly TokenLogprobs[], answer: string): boolean {
  return foldLabel(tokens.map(({ token }) => token).join("")) === foldLabel(answer);
}

interface SortedLabel {
  readonly text: string;
  readonly index: number;
}

/** The one label that a beginning can become; -1 when none or several (a label that others continue is ambiguous too). */
function onlyLabel(beginning: string, sorted: readonly SortedLabel[]): number {
  const open = beginning.trimStart().normalize("NFC").replace(/\s+/g, " ").toLowerCase();
  const closed = open.trimEnd();
  if (closed === "") return -1;
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle]?.text ?? "") < closed) low = middle + 1;
    else high = middle;
  }
  const first = sorted[low];
  if (first === undefined || !first.text.startsWith(closed)) return -1;
  if (closed !== open && first.text === closed) return first.index; // "yes " or "yes\n" has ended
  return sorted[low + 1]?.text.startsWith(closed) === true ? -1 : first.text.startsWith(open) ? first.index : -1;
}

function withTail(mass: number[]): number[] {
  const sum = mass.reduce((total, value) => total + value, 0);
  if (sum > 1) return mass.map((value) => value / sum);
  mass[mass.length - 1] = 1 - sum;
  return mass;
}
