/** @file What a pretrained encoder of the usual small size would add to a plan that has none: sizes from its dimensions, no claim of what
 *  it would gain. The dimensions are those of the MiniLM family of sentence encoders. */
import type { PretrainedConfig } from "../models/families/index.js";
import { PRETRAINED_RUNGS, pretrainedRecipes } from "./candidates.js";
import { sizeBytesOf } from "./estimate.js";
import type { PlanFacts } from "./facts.js";
import type { Target } from "./target.js";

const TYPICAL_CONFIG: PretrainedConfig = {
  family: "bert",
  vocabularySize: 30_522,
  width: 384,
  heads: 12,
  feedForward: 1536,
  maxPositions: 512,
  tokenTypes: 2,
  layers: ["global", "global", "global", "global", "global", "global"],
  epsilon: 1e-12,
  reach: 0,
  rotaryBases: undefined,
  biases: { attention: true, feedForward: true, norm: true, classifier: true },
};
/** Pieces that stay of the vocabulary: of narrow texts, and all. */
const NARROW_PIECES = 2_000;

/** Bytes of the smallest rung on narrow texts and of the largest with its whole vocabulary. */
export interface TypicalBase {
  readonly smallestBytes: number;
  readonly largestBytes: number;
}

function withBase(facts: PlanFacts, keptPieces: number): PlanFacts {
  const meanPieces = facts.meanTokens + 2;
  return {
    ...facts,
    base: {
      sha256: "",
      config: TYPICAL_CONFIG,
      pooling: "mean",
      poolingIsKnown: true,
      keptPieces,
      meanPieces,
      cutTexts: 0,
    },
  };
}

/** Sizes of the rungs that a typical base would add; absent where there is a base, where even the smallest rung breaks the target's size,
 *  or where the teacher disagrees with itself too often for any student. */
export function typicalBase(facts: PlanFacts, target: Target): TypicalBase | undefined {
  if (facts.base !== undefined || (facts.ceilingRatio ?? 1) < target.agreement) return undefined;
  const sizes = { layers: TYPICAL_CONFIG.layers.length, feedForward: TYPICAL_CONFIG.feedForward };
  const bytes = [NARROW_PIECES, TYPICAL_CONFIG.vocabularySize].flatMap((pieces) =>
    PRETRAINED_RUNGS.flatMap((rung) => {
      const [pretrained] = pretrainedRecipes(rung, sizes, facts);
      return pretrained === undefined ? [] : [sizeBytesOf({ pretrained }, withBase(facts, pieces))];
    }),
  );
  const [smallestBytes, largestBytes] = [Math.min(...bytes), Math.max(...bytes)];
  if (target.sizeMb !== undefined && smallestBytes / 1e6 > target.sizeMb) return undefined;
  return { smallestBytes, largestBytes };
}
