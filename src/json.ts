/** @file What a parsed JSON value is, and what is said of one that cannot be used. Runs in browsers. */

/** A JSON object: no array, not null. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Why a value cannot be used, in one short clause (few distinct ones: they are counted). */
export interface Rejection {
  readonly reject: string;
}

/** True for a rejection, false for whatever was parsed. */
export function isRejection(value: unknown): value is Rejection {
  return typeof value === "object" && value !== null && "reject" in value;
}
