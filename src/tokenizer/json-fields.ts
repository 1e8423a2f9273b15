/** @file Fields of an untrusted tokenizer.json, read with their types checked. Runs in browsers. */
import { InputError } from "../errors.js";
import { type JsonObject, isJsonObject } from "../json.js";

/** Whether a value can be the id of a token: ids index tables, and no vocabulary has more than some millions. */
export function isTokenId(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value < 1 << 24;
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? "nothing").slice(0, 60);
}

/** @throws InputError */
export function objectOf(value: unknown, where: string): JsonObject {
  if (!isJsonObject(value)) throw new InputError(`${where}: expected an object, came ${shown(value)}`);
  return value;
}

/** @throws InputError */
export function arrayOf(value: unknown, where: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new InputError(`${where}: expected an array, came ${shown(value)}`);
  return value;
}

/** @throws InputError */
export function textOf(value: unknown, where: string): string {
  if (typeof value !== "string") throw new InputError(`${where}: expected a text, came ${shown(value)}`);
  return value;
}

/** @throws InputError */
export function tokenIdOf(value: unknown, where: string): number {
  if (!isTokenId(value)) throw new InputError(`${where}: expected the id of a token, came ${shown(value)}`);
  return value;
}

/** The row of a table for `config.type`. @throws InputError naming the types that are known */
export function rowFor<Row>(table: Readonly<Record<string, Row>>, config: JsonObject, where: string): Row {
  const type = textOf(config["type"], `${where}.type`);
  const row = Object.hasOwn(table, type) ? table[type] : undefined;
  if (row === undefined) {
    throw new InputError(`${where}: the type ${JSON.stringify(type.slice(0, 60))} is not supported`, {
      hint: `supported are ${Object.keys(table).join(", ")}`,
    });
  }
  return row;
}

/** Those in use have some ten; each goes over the whole text. */
const MAXIMUM_STEPS = 128;

/** A part of a sequence, and where it stands. */
export interface Step {
  readonly config: JsonObject;
  readonly where: string;
}

/** The parts of a sequence (field `key`), those of sequences inside it in their place. @throws InputError when they are too many */
export function sequenceSteps(sequence: JsonObject, key: string, where: string): readonly Step[] {
  const steps: Step[] = [];
  let count = 0;
  const collect = (config: JsonObject, place: string): void => {
    for (const [i, part] of arrayOf(config[key], `${place}.${key}`).entries()) {
      if (++count > MAXIMUM_STEPS) throw new InputError(`${where}.${key}: more than ${MAXIMUM_STEPS} steps`);
      const partPlace = `${place}.${key}[${i}]`;
      const row = objectOf(part, partPlace);
      if (row["type"] === "Sequence") collect(row, partPlace);
      else steps.push({ config: row, where: partPlace });
    }
  };
  collect(sequence, where);
  return steps;
}
