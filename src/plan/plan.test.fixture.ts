/** @file The machine, the data set and the base that the planner's tests plan for: two cores, Banking77, MiniLM. */
import type { BaseFacts, PlanFacts } from "./facts.js";
import type { MachineProfile } from "./profile.js";

export const PROFILE: MachineProfile = {
  format: "joryu-machine-1",
  cpu: "test",
  cores: 2,
  memoryGb: 8,
  gflops: 130,
  singleThreadGflops: 70,
  sparseMflops: 1200,
  hopMs: 0.02,
};

export const BANKING77: PlanFacts = {
  trainRows: 8500,
  sealedRows: 1500,
  labels: 77,
  labelBytes: 1800,
  folds: 5,
  meanTokens: 13,
  meanFeatures: 150,
};

/** As it reads texts of up to 256 pieces. */
export const MINILM: BaseFacts = {
  sha256: "a",
  config: {
    family: "bert",
    vocabularySize: 30_522,
    width: 384,
    heads: 12,
    feedForward: 1536,
    maxPositions: 256,
    tokenTypes: 2,
    layers: ["global", "global", "global", "global", "global", "global"],
    epsilon: 1e-12,
    reach: 0,
    rotaryBases: undefined,
    biases: { attention: true, feedForward: true, norm: true, classifier: true },
  },
  pooling: "mean",
  poolingIsKnown: true,
  cutTexts: 0,
  keptPieces: 4354,
  meanPieces: 15,
};
