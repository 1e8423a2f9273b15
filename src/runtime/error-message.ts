/** @file Errors across a thread boundary: structured cloning loses the class, so an error travels as a record and is
 *  rebuilt. */
import {
  ConfigError,
  InputError,
  InvariantError,
  JoryuError,
  SessionError,
  ShapeError,
  StoreError,
  UsageError,
} from "../errors.js";
import { redactSecrets } from "../secrets.js";

export interface ErrorMessage {
  readonly code: string;
  readonly message: string;
}

const CLASSES = {
  usage: UsageError,
  config: ConfigError,
  input: InputError,
  shape: ShapeError,
  session: SessionError,
  store: StoreError,
} as const;

/** An error as a record that can be posted. */
export function encodeError(error: unknown): ErrorMessage {
  if (error instanceof JoryuError) return { code: error.code, message: error.message };
  return { code: "other", message: redactSecrets(error instanceof Error ? error.message : String(error)) };
}

/** The error again, of the class it had; anything that is not Joryu's own becomes an InvariantError. */
export function decodeError(record: ErrorMessage): JoryuError {
  const found = Object.entries(CLASSES).find(([code]) => code === record.code)?.[1];
  return found === undefined
    ? new InvariantError(record.message.replace(/^internal: /, ""))
    : new found(record.message);
}
