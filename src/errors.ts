/** @file Every error that Joryu raises on purpose. A message says where, what was expected, what came and how to mend it;
 *  the class decides the exit code (see `exitCodeOf`) and whether a retry can help. Secrets are redacted here, once, in message, facts and causes. */
import { redactSecrets, redactValue } from "./secrets.js";

export interface ErrorDetails {
  /** What to do about it, one short clause. */
  readonly hint?: string;
  /** The numbers and names behind the message. */
  readonly facts?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
  readonly retryable?: boolean;
}

export abstract class JoryuError extends Error {
  abstract readonly code: string;
  /** 1 failed, 2 wrong usage or unusable input. */
  abstract readonly exitCode: 1 | 2;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly retryable: boolean;

  constructor(message: string, details: ErrorDetails = {}) {
    const hint = details.hint === undefined ? "" : `; ${details.hint}`;
    super(
      redactSecrets(message + hint),
      details.cause === undefined ? undefined : { cause: withoutSecrets(details.cause) },
    );
    this.name = new.target.name;
    this.facts = redactValue(details.facts ?? {}) as Readonly<Record<string, unknown>>;
    this.retryable = details.retryable ?? false;
  }
}

/** An error of ours has none. */
function withoutSecrets(cause: unknown): unknown {
  return cause instanceof JoryuError ? cause : redactValue(cause);
}

/** A flag or argument is wrong. */
export class UsageError extends JoryuError {
  readonly code = "usage";
  readonly exitCode = 2;
}

/** A configuration file or value is wrong. */
export class ConfigError extends JoryuError {
  readonly code = "config";
  readonly exitCode = 2;
}

/** Bytes or rows that the user gave cannot be used. */
export class InputError extends JoryuError {
  readonly code = "input";
  readonly exitCode = 2;
}

/** Tensor shapes or types do not fit. */
export class ShapeError extends JoryuError {
  readonly code = "shape";
  readonly exitCode = 1;
}

/** The runtime refused a graph or failed while running it. */
export class SessionError extends JoryuError {
  readonly code = "session";
  readonly exitCode = 1;
}

/** Reading or writing the project's state failed (disk, permission, lock). */
export class StoreError extends JoryuError {
  readonly code = "store";
  readonly exitCode = 1;
}

/** What is known of a failed call beside its message. */
export interface UpstreamDetails extends ErrorDetails {
  /** HTTP status, absent where no answer came. */
  readonly status?: number;
  /** How long the server asks to wait. */
  readonly retryAfterMs?: number;
  /** Every other call would fail in the same way (key, address, credit). */
  readonly isForAll: boolean;
  /** The server may have done the work, and bill it. */
  readonly mayHaveCost: boolean;
}

/** A model's server refused, failed or was not reached. Whether a retry can help is decided here, once. */
export class UpstreamError extends JoryuError {
  readonly code = "upstream";
  readonly exitCode = 1;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;
  readonly isForAll: boolean;
  readonly mayHaveCost: boolean;

  constructor(message: string, details: UpstreamDetails) {
    super(message, details);
    this.status = details.status;
    this.retryAfterMs = details.retryAfterMs;
    this.isForAll = details.isForAll;
    this.mayHaveCost = details.mayHaveCost;
  }
}

/** Something that must hold does not: a defect of Joryu. */
export class InvariantError extends JoryuError {
  readonly code = "internal";
  readonly exitCode = 1;

  constructor(message: string, details: ErrorDetails = {}) {
    super(`internal: ${message}`, details);
  }
}
