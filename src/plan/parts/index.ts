/** @file The parts that a student may consist of, a row each; a candidate holds the recipes of some of them. */
import type { EncoderRecipe, LinearRecipe, PretrainedRecipe, StudentKind } from "../candidates.js";
import { encoderPart } from "./encoder.js";
import { linearPart } from "./linear.js";
import type { Part } from "./part.js";
import { pretrainedPart } from "./pretrained.js";

interface Recipes {
  readonly pretrained: PretrainedRecipe;
  readonly encoder: EncoderRecipe;
  readonly linear: LinearRecipe;
}

/** A student as the planner sees it: a linear part, an encoder, or both, or what is left of a pretrained encoder. */
export type StudentParts = Partial<Recipes>;

/** The first that a student has tells how it is trained. */
const PARTS: { readonly [Name in keyof Recipes]: (recipe: Recipes[Name]) => Part } = {
  pretrained: pretrainedPart,
  encoder: encoderPart,
  linear: linearPart,
};
const NAMES = Object.keys(PARTS) as readonly (keyof Recipes)[];

function madeOf<Name extends keyof Recipes>(name: Name, parts: StudentParts): readonly Part[] {
  const recipe: Recipes[Name] | undefined = parts[name];
  return recipe === undefined ? [] : [PARTS[name](recipe)];
}

/** The parts that a student has. */
export function partsOf(parts: StudentParts): readonly Part[] {
  return NAMES.flatMap((name) => madeOf(name, parts));
}

/** What two parts that answer together are called, else the only one's name. */
export function kindOf({ pretrained, encoder, linear }: StudentParts): StudentKind {
  if (pretrained !== undefined) return "pretrained";
  if (linear === undefined) return "encoder";
  return encoder === undefined ? "linear" : "joined";
}
