/** @file `--columns input=question,output=answer`: which column or field of a table holds what, as `columns` of the configuration says it. */
import { nearest } from "../config/nearest.js";
import { columnsSchema } from "../config/schema.js";
import type { ColumnMap } from "../dataset/formats/index.js";
import { UsageError } from "../errors.js";

const KEYS = Object.keys(columnsSchema.shape);

export const COLUMNS_FLAG = [
  "--columns <list>",
  `columns or fields of CSV and JSON lines: input=NAME,output=NAME (${KEYS.join(", ")})`,
] as const;

/** Columns by what they hold; none where the flag is not given. @throws UsageError naming the part that is wrong. */
export function parseColumns(list: string | undefined): ColumnMap {
  const columns = new Map<string, string>();
  for (const part of list?.split(",") ?? []) {
    const [, key, name] = /^\s*([^=]+?)\s*=\s*(.*?\S)\s*$/.exec(part) ?? [];
    if (key === undefined || name === undefined) {
      throw new UsageError(`--columns: expected key=column, got "${part.trim()}"`, {
        hint: "write it as input=question,output=answer; a name with a comma goes into `columns` of the configuration",
      });
    }
    if (!KEYS.includes(key)) {
      throw new UsageError(`--columns: unknown key "${key}", did you mean ${nearest(key, KEYS)}?`, {
        hint: `keys: ${KEYS.join(", ")}`,
      });
    }
    if (columns.has(key)) throw new UsageError(`--columns: ${key} is given twice`);
    columns.set(key, name);
  }
  return Object.fromEntries(columns);
}
