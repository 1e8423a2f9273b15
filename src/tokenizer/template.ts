/** @file Where the special tokens of a sequence or pair stand: the post-processors of a tokenizer.json as one list of items. Follows
 *  Hugging Face tokenizers 0.23. */
import { InputError } from "../errors.js";
import { arrayOf, objectOf, rowFor, sequenceSteps, textOf, tokenIdOf } from "./json-fields.js";
import type { JsonObject } from "../json.js";

export type TemplateItem =
  | { readonly kind: "special"; readonly id: number; readonly typeId: number }
  | { readonly kind: "sequence"; readonly sequence: 0 | 1; readonly typeId: number };

export interface Template {
  readonly single: readonly TemplateItem[];
  readonly pair: readonly TemplateItem[];
}

const sequence = (which: 0 | 1, typeId: number): TemplateItem => ({ kind: "sequence", sequence: which, typeId });
const special = (id: number, typeId = 0): TemplateItem => ({ kind: "special", id, typeId });

const PLAIN: Template = { single: [sequence(0, 0)], pair: [sequence(0, 0), sequence(1, 1)] };

function parseItem(value: unknown, specials: JsonObject, where: string): readonly TemplateItem[] {
  const { SpecialToken: token, Sequence: part } = objectOf(value, where);
  const row = objectOf(token ?? part, where);
  const typeId = tokenIdOf(row["type_id"] ?? 0, `${where}.type_id`);
  const name = textOf(row["id"], `${where}.id`);
  if (token === undefined) {
    if (name !== "A" && name !== "B") throw new InputError(`${where}: expected the sequence A or B`);
    return [sequence(name === "A" ? 0 : 1, typeId)];
  }
  const known = Object.hasOwn(specials, name) ? specials[name] : undefined;
  const ids = arrayOf(objectOf(known, `${where}: special token`)["ids"], `${where}.ids`);
  return ids.map((id) => special(tokenIdOf(id, `${where}.ids`), typeId));
}

function parseTemplate(config: JsonObject, where: string): Template {
  const specials = objectOf(config["special_tokens"] ?? {}, `${where}.special_tokens`);
  const items = (key: "single" | "pair"): TemplateItem[] =>
    arrayOf(config[key], `${where}.${key}`).flatMap((item, i) => parseItem(item, specials, `${where}.${key}[${i}]`));
  return { single: items("single"), pair: items("pair") };
}

/** The id in ["[CLS]", 101]. */
function idOfPair(value: unknown, where: string): number {
  return tokenIdOf(arrayOf(value, where)[1], where);
}

const POST_PROCESSORS: Readonly<Record<string, (config: JsonObject, where: string) => Template>> = {
  TemplateProcessing: parseTemplate,
  ByteLevel: () => PLAIN,
  BertProcessing: (config, where) => {
    const [first, last] = [idOfPair(config["cls"], `${where}.cls`), idOfPair(config["sep"], `${where}.sep`)];
    const single = [special(first), sequence(0, 0), special(last)];
    return { single, pair: [...single, sequence(1, 1), special(last, 1)] };
  },
  RobertaProcessing: (config, where) => {
    const [first, last] = [idOfPair(config["cls"], `${where}.cls`), idOfPair(config["sep"], `${where}.sep`)];
    const single = [special(first), sequence(0, 0), special(last)];
    return { single, pair: [...single, special(last), sequence(1, 0), special(last)] };
  },
  Sequence: (config, where) => {
    const templates = sequenceSteps(config, "processors", where)
      .map((step) => createTemplate(step.config, step.where))
      .filter((template) => template !== PLAIN);
    const [only, more] = templates;
    if (more !== undefined) throw new InputError(`${where}: expected one template, came ${templates.length}`);
    return only ?? PLAIN;
  },
};

/** The post-processor that a tokenizer.json describes; null adds nothing. @throws InputError */
export function createTemplate(config: unknown, where: string): Template {
  if (config === null || config === undefined) return PLAIN;
  const row = objectOf(config, where);
  return rowFor(POST_PROCESSORS, row, where)(row, where);
}
