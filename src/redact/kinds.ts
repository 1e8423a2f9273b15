/** @file The kinds of personal data by name, and what is known of a text that has been searched for them. */

export const KINDS = [
  "key",
  "email",
  "iban",
  "card",
  "my-number",
  "ssn",
  "bank-account",
  "ip",
  "address",
  "postal-code",
  "telephone",
  "name",
] as const;

export type Kind = (typeof KINDS)[number];

/** Kinds that have a detector of their own; names need one that the user brings. */
export const PATTERNED_KINDS: readonly Kind[] = KINDS.filter((kind) => kind !== "name");

export function isKind(name: string): name is Kind {
  return KINDS.some((kind) => kind === name);
}

/** Where a value stands: UTF-16 units, the end excluded. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** What a redactor did so far. */
export interface RedactionFacts {
  /** Values that were replaced, every occurrence, by kind. */
  readonly counts: Readonly<Partial<Record<Kind, number>>>;
  /** Records that could not be redacted and were left out, by reason. */
  readonly rejected: Readonly<Record<string, number>>;
  /** Kinds that the user lets stand. */
  readonly keptKinds: readonly Kind[];
  /** False where names of people stay as they are. */
  readonly namesDetected: boolean;
  /** Replaced values in system prompts: likely the application's own. */
  readonly inSystemPrompts: number;
}
