/** @file What programs write for nothing, in one place. */

/** What Python, JavaScript and pandas write: never an answer. */
export const ABSENT: ReadonlySet<string> = new Set(["None", "null", "NULL", "nan", "NaN", "undefined"]);

/** What tables and people write too, which is a label where the prompt names it. */
export const NO_VALUE: ReadonlySet<string> = new Set([...ABSENT, "NAN", "<NA>", "N/A", "n/a"]);
