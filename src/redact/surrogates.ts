/** @file The surrogates of one record: one value, one surrogate, wherever it stands and however it is written; two values do not share one. */
import { Draw } from "./draw.js";
import { inWidthOf } from "./fold.js";
import type { Match } from "./matches.js";

/** Draws before two values with one surrogate are let be: a kind with few surrogates is used up. */
const MOST_DRAWS = 20;

interface Known {
  readonly scope: string;
  readonly attempt: number;
}

export class Surrogates {
  private readonly known = new Map<string, Known>();
  private readonly owners = new Map<string, string>();

  constructor(private readonly key: string) {}

  /** Binds a value to the scope of its first occurrence. */
  learn(match: Match, scope: string): void {
    if (this.known.has(match.identity)) return;
    let attempt = 0;
    for (; attempt < MOST_DRAWS; attempt++) {
      const drawn = this.draw(match, { scope, attempt });
      if (this.owners.has(drawn) || drawn === match.value) continue;
      this.owners.set(drawn, match.identity);
      break;
    }
    this.known.set(match.identity, { scope, attempt });
  }

  /** What stands in the place of a learned value, in the width of how it was written there. */
  of(match: Match, original: string): string {
    return inWidthOf(original, this.draw(match, this.known.get(match.identity) ?? { scope: "", attempt: 0 }));
  }

  private draw({ identity, value, detector }: Match, { scope, attempt }: Known): string {
    return detector.surrogate(value, new Draw(this.key, `${scope}\0${identity}\0${attempt}`));
  }
}
