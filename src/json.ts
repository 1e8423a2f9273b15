/** @file What a parsed JSON value is. Runs in browsers. */

/** A JSON object: no array, not null. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
