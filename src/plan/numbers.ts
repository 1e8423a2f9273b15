/** @file Numbers as a plan prints them. */

/** Three digits; what is no number as it is. */
export function shortNumber(value: number | string | undefined): string {
  return typeof value === "number" ? Number(value.toPrecision(3)).toLocaleString("en-US") : (value ?? "?");
}
