/** @file An encoder from scratch over hashed tokens. */
import { encoderAccounting } from "../../models/accounting.js";
import { ENCODER_SIZES, tableWidth } from "../../models/encoder.js";
import type { EncoderRecipe } from "../candidates.js";
import { MEMORY_COSTS, SERVE_COSTS, SIZE_COSTS, TRAIN_COSTS } from "../costs-table.js";
import type { PlanFacts } from "../facts.js";
import { sideBySideSeconds } from "../lanes.js";
import type { MachineProfile } from "../profile.js";
import { linearFitSeconds } from "./linear.js";
import { gatherMs, nodesMs, type Part, productsMs } from "./part.js";

/** Optimiser steps of one pass over `rows`. */
export function stepsOf(recipe: EncoderRecipe, rows: number): number {
  return recipe.epochs * Math.ceil(rows / recipe.batchSize);
}

/** Seconds of one encoder fit on `rows` rows, on one thread. */
export function encoderFitSeconds(
  recipe: EncoderRecipe,
  rows: number,
  facts: PlanFacts,
  profile: MachineProfile,
): number {
  const config = ENCODER_SIZES[recipe.size];
  const width = tableWidth(config);
  const { flopsPerToken } = encoderAccounting(config, facts.labels, facts.meanTokens);
  const tokens = recipe.epochs * rows * facts.meanTokens;
  const perToken =
    TRAIN_COSTS.backwardFactor * flopsPerToken + TRAIN_COSTS.elementwiseFlopsPerCell * config.layers * width;
  const denseFlops = tokens * TRAIN_COSTS.paddingFactor * perToken;
  const tableFlops = tokens * TRAIN_COSTS.bucketsPerToken * width * TRAIN_COSTS.tableFlopsPerCell;
  return (
    denseFlops / (profile.singleThreadGflops * 1e9 * TRAIN_COSTS.encoderEfficiencyRatio) +
    tableFlops / (profile.sparseMflops * 1e6) +
    stepsOf(recipe, rows) * TRAIN_COSTS.stepOverheadSeconds +
    TRAIN_COSTS.encoderOverheadSeconds
  );
}

/** Seconds of an encoder's fits: those of its local teacher, then the final one and its folds. */
export function encoderSecondsOf(recipe: EncoderRecipe, facts: PlanFacts, profile: MachineProfile): number {
  const without = (folds: number): number => (facts.trainRows * (facts.folds - folds)) / facts.folds;
  const fit = (rows: number): number => encoderFitSeconds(recipe, rows, facts, profile);
  const folds = new Array<number>(Math.min(recipe.folds, facts.folds)).fill(fit(without(1)));
  const { localTeacher } = recipe;
  const teachers =
    localTeacher === undefined
      ? []
      : new Array<number>(facts.folds - 1).fill(
          fit(without(2)) + linearFitSeconds(localTeacher, without(2), facts, profile, true),
        );
  return sideBySideSeconds(teachers, profile.cores) + sideBySideSeconds([fit(without(0)), ...folds], profile.cores);
}

export const encoderPart = (recipe: EncoderRecipe): Part => {
  const config = ENCODER_SIZES[recipe.size];
  return {
    parameters: ({ labels }) => encoderAccounting(config, labels).parameters,
    sizeBytes({ labels }) {
      const { bytesInt8 } = encoderAccounting(config, labels);
      return SIZE_COSTS.encoderBytes + config.layers * SIZE_COSTS.layerBytes + bytesInt8;
    },
    latencyMs({ labels, meanTokens }, profile) {
      const { encoderNodes, layerNodes, tokenBucketMs } = SERVE_COSTS;
      const entries = meanTokens * TRAIN_COSTS.bucketsPerToken;
      const flops = meanTokens * encoderAccounting(config, labels, meanTokens).flopsPerToken;
      return (
        entries * tokenBucketMs +
        gatherMs(entries * tableWidth(config), profile) +
        nodesMs(config.towers * (encoderNodes + config.layers * layerNodes), profile) +
        productsMs(flops, profile)
      );
    },
    trainSeconds: (facts, profile) => encoderSecondsOf(recipe, facts, profile),
    trainMemoryBytes({ labels, meanTokens }) {
      const { encoderBytesPerParameter, activationsPerWidth, activationsPerFeedForward } = MEMORY_COSTS;
      const { towers, layers, width, feedForward } = config;
      const tokens = recipe.batchSize * meanTokens * TRAIN_COSTS.paddingFactor;
      const perToken = towers * layers * (activationsPerWidth * width + activationsPerFeedForward * feedForward) * 4;
      return encoderAccounting(config, labels).parameters * encoderBytesPerParameter + tokens * perToken;
    },
    describe(folds) {
      const { epochs, folds: own, localTeacher } = recipe;
      return `${epochs} epochs, ${own} of ${folds} folds${localTeacher === undefined ? "" : ", local teacher"}`;
    },
  };
};
