/** @file Every value in one text: triggers, detectors by their order, the user's names, and what is allowed to stand. Knows no surrogate and no
 *  record. */
import type { Detector } from "./detector.js";
import { fold } from "./fold.js";
import type { Kind, Span } from "./kinds.js";
import { findNames, otherName, type NameDetector } from "./names.js";
import { DETECTORS } from "./table.js";
import { HAS, scan, type Scan } from "./triggers.js";

/** A value that goes: where it stands, as it is written there, folded, and what it is the same as. */
export interface Match extends Span {
  readonly kind: Kind;
  readonly detector: Pick<Detector, "surrogate">;
  readonly value: string;
  readonly identity: string;
}

export interface MatcherOptions {
  readonly kinds: ReadonlySet<Kind>;
  readonly allow: readonly string[];
  readonly names?: NameDetector;
}

/** A detector failed: the text must not pass. */
export class DetectorFailure extends Error {
  constructor(
    readonly kind: Kind,
    cause: unknown,
  ) {
    super(`the detector of ${kind} failed`, { cause });
  }
}

/** Adds a span unless an earlier one has a part of it. */
function claims(taken: readonly Match[], { start, end }: Span): boolean {
  return !taken.some((match) => start < match.end && match.start < end);
}

const normal = (text: string): string => fold(text.normalize("NFKC")).toLowerCase().trim();

export class Matcher {
  private readonly detectors: readonly Detector[];
  private readonly allowed: ReadonlySet<string>;
  private readonly allowedEndings: readonly string[];

  constructor(private readonly options: MatcherOptions) {
    this.detectors = DETECTORS.filter(({ kind }) => options.kinds.has(kind));
    const allow = options.allow.map(normal);
    this.allowed = new Set(allow);
    this.allowedEndings = allow.filter((entry) => entry.startsWith("@"));
  }

  /** Every value, in order of place. @throws DetectorFailure */
  find(text: string, scanned: Scan = scan(text)): readonly Match[] {
    const found: Match[] = [];
    const folded = (scanned.has & HAS.wide) === 0 ? text : fold(text);
    for (const detector of this.detectors) {
      if ((scanned.has & detector.needs) !== detector.needs) continue;
      const spans = guarded(detector.kind, () => spansOf(detector, folded, scanned));
      for (const span of spans) this.take(found, span, { text, folded, detector, kind: detector.kind });
    }
    const { names, kinds } = this.options;
    if (names !== undefined && kinds.has("name")) {
      const detector = { surrogate: otherName };
      for (const span of guarded("name", () => [...findNames(text, names)]))
        this.take(found, span, { text, folded, detector, kind: "name" });
    }
    return found.length > 1 ? found.sort((a, b) => a.start - b.start) : found;
  }

  private take(
    found: Match[],
    span: Span,
    of: {
      readonly text: string;
      readonly folded: string;
      readonly kind: Kind;
      readonly detector: Pick<Detector, "surrogate" | "identity">;
    },
  ): void {
    const value = of.folded.slice(span.start, span.end);
    if (!claims(found, span) || this.isAllowed(value)) return;
    const identity = `${of.kind}\0${of.detector.identity?.(value) ?? value}`;
    found.push({ ...span, kind: of.kind, detector: of.detector, value, identity });
  }

  private isAllowed(value: string): boolean {
    if (this.allowed.size === 0) return false;
    const plain = normal(value);
    return this.allowed.has(plain) || this.allowedEndings.some((ending) => plain.endsWith(ending));
  }
}

function spansOf(detector: Detector, folded: string, { numbers }: Scan): readonly Span[] {
  if (detector.aroundNumbers !== true) return [...detector.find(folded)];
  return numbers.flatMap(({ start, end }) =>
    Array.from(detector.find(folded.slice(start, end)), (span) => ({
      start: start + span.start,
      end: start + span.end,
    })),
  );
}

function guarded<T>(kind: Kind, find: () => T): T {
  try {
    return find();
  } catch (cause) {
    throw new DetectorFailure(kind, cause);
  }
}
