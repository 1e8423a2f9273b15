/** @file The tokenizer.json of a model folder, from bytes. For Node and browser. */
import { InputError } from "../errors.js";
import { openTokenizer, type Tokenizer } from "../tokenizer/tokenizer.js";

/** Where a folder that reads pieces has its tokenizer, as Hugging Face has it. */
export const TOKENIZER_FILE = "tokenizer.json";

/** Vocabularies of 256,000 pieces with their merges take 35 MB. */
export const MAX_TOKENIZER_BYTES = 128 * 1024 * 1024;

/** Opens a tokenizer, whose size the caller has bounded before reading. @throws InputError when it is damaged. */
export function readTokenizer(bytes: Uint8Array, where: string): Tokenizer {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new InputError(`${where}: not JSON`, { hint: "the folder is no Joryu student or was cut off", cause });
  }
  return openTokenizer(json);
}
