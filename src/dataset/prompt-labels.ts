/** @file Labels that a prompt names: "one of: a, b, c", bullets, quoted lists, JSON enums, in English and Japanese. A list is believed
 *  where the answers bear it out. Knows no workload. Pure. */
import { bareLabel } from "./labels.js";

/** Candidate lists of a prompt, in its order; some may be no labels. */
export type NamedLists = readonly (readonly string[])[];

/** A longer prompt is read to here: instructions with their labels stand at its beginning. */
const MAXIMUM_PROMPT_LENGTH = 50_000;
const MAXIMUM_LABEL_LENGTH = 80;
const MAXIMUM_LISTS = 50;

const SEPARATOR =
  /\s*[,;、，；|]\s*(?:(?:or|and|および|または)\s+)?|\s+(?:or|and)\s+|\s+[/]\s+|(?<=[^\x00-\x7f])(?:または|もしくは|、?それとも)(?=[^\x00-\x7f])/giu;
const QUOTED =
  /「([^「」\n]{1,80})」|『([^『』\n]{1,80})』|“([^“”\n]{1,80})”|"([^"\n]{1,80})"|`([^`\n]{1,80})`|'([^'\n]{1,80})'/gu;
const ENUM = /"enum"\s*:\s*\[([^\]]*)\]/g;
const AFTER_COLON = /[:：]\s*([^\n:：]+)/g;
const AFTER_VERB =
  /(?:\b(?:answer|reply|respond|return|output|say|choose|pick|select|classify|label|either|one of|among|between|as|into)\b(?:\s+(?:only|with|one|of|from|the|as|either|exactly|following|labels?|categories|classes|it|this|these|between|among)\b)*\s+)([^\n.:：。]+)/gi;
const BEFORE_CHOICE =
  /(?:^|[をはがで:：。\n])([^をは:：。\n]*?[、,/／・][^をは:：。\n]*?)(?:のいずれか|のうち|のどれか|のどちらか|から|で答え|で回答|に分類)/gu;
const BULLET = /^\s*(?:[-*•・]|\d{1,2}[.)]|[（(]\d{1,2}[）)])\s*(.+)$/;

function cleaned(item: string): string {
  const text = item
    .trim()
    .replace(/[.。!！?？]+$/u, "")
    .trim();
  const quoted = [...text.matchAll(QUOTED)][0];
  const inner = quoted?.slice(1).find((group) => group !== undefined);
  return quoted !== undefined && quoted[0].length === text.length && inner !== undefined ? inner : text;
}

function splitList(text: string): string[] {
  const end = /[.。](?:\s|$)/.exec(text);
  const sentence = end === null ? text : text.slice(0, end.index);
  return sentence
    .split(SEPARATOR)
    .filter((item) => item !== undefined)
    .map(cleaned)
    .filter((item) => item !== "" && item.length <= MAXIMUM_LABEL_LENGTH);
}

/** A bullet is a label with or without a description behind it. */
function bulletLists(prompt: string): string[][] {
  const lists: string[][] = [];
  let list: string[] = [];
  for (const line of [...prompt.split("\n"), ""]) {
    const item = BULLET.exec(line)?.[1];
    if (item !== undefined)
      list.push(cleaned(item.replace(/\s*(?:[:：]| [-–—] |（| \().*$/u, "").replace(/\*\*/g, "")));
    else {
      if (list.length > 1) lists.push(list);
      list = [];
    }
  }
  return lists;
}

function quotedList(prompt: string): string[] {
  return [...prompt.matchAll(QUOTED)].flatMap((match) => match.slice(1).find((group) => group !== undefined) ?? []);
}

/** The lists of two and more that may be labels. */
export function namedLists(prompt: string): NamedLists {
  const text = prompt.slice(0, MAXIMUM_PROMPT_LENGTH);
  const lists = [
    ...[...text.matchAll(ENUM)].map((match) => quotedList(match[1] ?? "")),
    ...[...text.matchAll(AFTER_COLON)].map((match) => splitList(match[1] ?? "")),
    ...[...text.matchAll(AFTER_VERB)].map((match) => splitList(match[1] ?? "")),
    ...[...text.matchAll(BEFORE_CHOICE)].map((match) => splitList(match[1] ?? "")),
    ...bulletLists(text),
    quotedList(text),
  ];
  return lists.filter((list) => list.length > 1).slice(0, MAXIMUM_LISTS);
}

/** The labels that a prompt names, where answers bear it out: of a list at least half the items, and two, were given as answers. */
export function namedLabels(lists: NamedLists, counts: ReadonlyMap<string, number>): ReadonlySet<string> {
  const given = new Set([...counts.keys()].map(bareLabel));
  const named = new Set<string>();
  for (const list of lists) {
    const found = list.filter((item) => given.has(bareLabel(item)));
    if (found.length < 2 || found.length * 2 < list.length) continue;
    for (const item of list) named.add(item);
  }
  return named;
}
