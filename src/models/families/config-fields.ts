/** @file Reading the fields of a model's config.json, which may come from anywhere: every value is checked for its kind and limits.
 *  Knows no family. */
import { InputError } from "../../errors.js";
import { type JsonObject, isJsonObject } from "../../json.js";

export interface Limits {
  readonly minimum: number;
  readonly maximum: number;
}

/** Checked access to the fields of one file; a fallback stands for a field that is missing or null. */
export interface ConfigFields {
  /** @throws InputError when it is no integer inside the limits. */
  integer(key: string, limits: Limits, fallback?: number): number;
  /** @throws InputError when it is no number inside the limits. */
  number(key: string, limits: Limits, fallback?: number): number;
  flag(key: string, fallback: boolean): boolean;
  /** @throws InputError when it is none of the choices. */
  choice<T extends string>(key: string, choices: readonly T[], fallback: T): T;
  /** Items that are all among the choices; undefined where the field is missing. @throws InputError */
  choices<T extends string>(key: string, choices: readonly T[], limits: Limits): readonly T[] | undefined;
  /** The fields of an object that is a field; without fields where it is missing. @throws InputError */
  object(key: string): ConfigFields;
  has(key: string): boolean;
  fail(key: string, expected: string): never;
}

const SHOWN_CHARACTERS = 60;

/** Fields of `json`; `where` names the file in errors. */
export function configFields(json: JsonObject, where: string): ConfigFields {
  const valueOf = (key: string): unknown => (Object.hasOwn(json, key) ? (json[key] ?? undefined) : undefined);
  const fail = (key: string, expected: string): never => {
    const value = valueOf(key);
    const came = value === undefined ? "nothing" : JSON.stringify(value).slice(0, SHOWN_CHARACTERS);
    throw new InputError(`${where}: ${key} must be ${expected}, came ${came}`);
  };
  const number = (key: string, { minimum, maximum }: Limits, fallback?: number, kind = "a number"): number => {
    const value = valueOf(key) ?? fallback;
    const isRight = typeof value === "number" && (kind === "a number" || Number.isInteger(value));
    return isRight && value >= minimum && value <= maximum ? value : fail(key, `${kind} from ${minimum} to ${maximum}`);
  };
  return {
    number,
    integer: (key, limits, fallback) => number(key, limits, fallback, "an integer"),
    flag(key, fallback) {
      const value = valueOf(key) ?? fallback;
      return typeof value === "boolean" ? value : fail(key, "true or false");
    },
    choice(key, choices, fallback) {
      const value = valueOf(key) ?? fallback;
      return choices.find((choice) => choice === value) ?? fail(key, choices.join(" or "));
    },
    choices(key, choices, { minimum, maximum }) {
      const value = valueOf(key);
      if (value === undefined) return undefined;
      const items: readonly unknown[] = Array.isArray(value) ? value : [];
      if (items.length < minimum || items.length > maximum) return fail(key, `${minimum} to ${maximum} items`);
      return items.map(
        (item) => choices.find((choice) => choice === item) ?? fail(key, `a list of ${choices.join(", ")}`),
      );
    },
    object(key) {
      const value = valueOf(key) ?? {};
      return isJsonObject(value) ? configFields(value, `${where}: ${key}`) : fail(key, "an object");
    },
    has: (key) => valueOf(key) !== undefined,
    fail,
  };
}
