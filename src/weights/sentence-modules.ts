/** @file modules.json of a sentence encoder: where its transformer and its pooling lie, and what this reader has no use for. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../errors.js";
import { isJsonObject } from "../json.js";
import { readJson } from "./json.js";

const MAXIMUM_BYTES = 1 << 20;

export interface SentenceModules {
  /** Folders below the model's own, "" for itself. */
  readonly transformer: string;
  readonly pooling: string;
  /** Whether the pooled vector is scaled to length 1. */
  readonly normalize: boolean;
}

/** What a folder without modules.json means. */
const USUAL: SentenceModules = { transformer: "", pooling: "1_Pooling", normalize: false };

/** The module whose type ends so, as its path; only a plain name is followed. */
function pathOf(modules: readonly unknown[], ending: string, where: string): string | undefined {
  const found = modules.find((module) => isJsonObject(module) && String(module["type"]).endsWith(ending));
  if (!isJsonObject(found)) return undefined;
  const path = found["path"] ?? "";
  if (typeof path === "string" && /^[\w-]*$/.test(path)) return path;
  throw new InputError(
    `${where}: the path of a module must be a folder beside it, came ${JSON.stringify(path).slice(0, 60)}`,
  );
}

/** Reads modules.json where there is one. @throws InputError for an embedding without a transformer */
export function readModules(folder: string): SentenceModules {
  const where = join(folder, "modules.json");
  if (!existsSync(where)) return USUAL;
  const modules = readJson(where, MAXIMUM_BYTES);
  if (!Array.isArray(modules)) return USUAL;
  if (pathOf(modules, ".StaticEmbedding", where) !== undefined)
    throw new InputError(
      `${folder}: a static embedding holds word vectors alone, no encoder that could be fine-tuned`,
      {
        hint: "name an encoder, such as a MiniLM or an e5; joryu's linear students need no base",
      },
    );
  return {
    transformer: pathOf(modules, ".Transformer", where) ?? USUAL.transformer,
    pooling: pathOf(modules, ".Pooling", where) ?? USUAL.pooling,
    normalize: pathOf(modules, ".Normalize", where) !== undefined,
  };
}
