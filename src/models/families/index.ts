/** @file The table of pretrained encoder families, one row each, and what is done through it: reading and writing config.json, and
 *  stating a cut. A name without a row does not compile. */
import { InputError, UsageError } from "../../errors.js";
import { bert } from "./bert.js";
import { configFields } from "./config-fields.js";
import type { EncoderFamily, FamilyClassifier, FamilyName, Pooling, PretrainedConfig } from "./family.js";
import { distilbert } from "./distilbert.js";
import { modernbert } from "./modernbert.js";
import { camembert, roberta, xlmRoberta } from "./roberta.js";
import { type JsonObject, isJsonObject } from "../../json.js";

export type { EncoderFamily, FamilyClassifier, FamilyName, Pooling, PretrainedConfig, Sight } from "./family.js";

export const ENCODER_FAMILIES: Readonly<Record<FamilyName, EncoderFamily>> = {
  bert,
  roberta,
  "xlm-roberta": xlmRoberta,
  camembert,
  distilbert,
  modernbert,
};

/** The row of a family. */
export function familyOf(config: Pick<PretrainedConfig, "family">): EncoderFamily {
  return ENCODER_FAMILIES[config.family];
}

/** The family's own classifier where it can state the pooling, so that others open the student as one; else undefined, and the label
 *  layer reads the pooled vector. */
export function classifierOf(config: PretrainedConfig, pooling: Pooling): FamilyClassifier | undefined {
  const { classifier } = familyOf(config);
  return classifier.poolings.includes(pooling) ? classifier : undefined;
}

/** What a config.json says, `where` naming the file in errors. @throws InputError for a family that is not known, fields that are
 *  missing or outside their limits, and sizes that do not fit each other. */
export function readPretrainedConfig(json: unknown, where: string): PretrainedConfig {
  if (!isJsonObject(json)) throw new InputError(`${where}: expected an object`);
  const type = json["model_type"];
  const family = Object.values(ENCODER_FAMILIES).find(({ name }) => name === type);
  if (family === undefined) {
    const known = Object.keys(ENCODER_FAMILIES).join(", ");
    const came = type === undefined ? "nothing" : JSON.stringify(type).slice(0, 60);
    throw new InputError(`${where}: model_type must be one of ${known}, came ${came}`, {
      hint: "choose an encoder of one of these families",
    });
  }
  const config = family.readConfig(configFields(json, where));
  const problem = sizeProblem(config);
  if (problem !== undefined) throw new InputError(`${where}: ${problem}`);
  return config;
}

function sizeProblem({ width, heads, rotaryBases }: PretrainedConfig): string | undefined {
  if (width % heads !== 0) return `width ${width} is not a multiple of ${heads} heads`;
  if (rotaryBases !== undefined && (width / heads) % 2 !== 0) return `head width ${width / heads} must be even`;
  return undefined;
}

/** The config.json of a model: `original` with what `config` states, as a text classifier where one is told; the rest, such as token
 *  ids, stays. */
export function writePretrainedConfig(
  config: PretrainedConfig,
  original: JsonObject = {},
  classifier?: FamilyClassifier,
): JsonObject {
  const family = familyOf(config);
  const { architecture } = classifier ?? family;
  const written = { ...original, architectures: [architecture], ...family.writeConfig(config) };
  return Object.fromEntries(Object.entries(written).filter(([, value]) => value !== undefined));
}

/** The text of that config.json. JavaScript writes 2.0 as 2, which transformers refuses where it wants a fraction. */
export function pretrainedConfigText(
  config: PretrainedConfig,
  original: JsonObject = {},
  classifier?: FamilyClassifier,
): string {
  const fields = familyOf(config).floatFields.join("|");
  const whole = new RegExp(`^(\\s*"(?:${fields})": -?\\d+)(?=,?$)`, "gm");
  return `${JSON.stringify(writePretrainedConfig(config, original, classifier), undefined, 2).replace(whole, "$1.0")}\n`;
}

/** What a cut leaves; what is not named stays. */
export interface EncoderCut {
  /** Layers to keep, ascending, from 0. */
  readonly layers?: readonly number[];
  readonly heads?: number;
  readonly width?: number;
  readonly feedForward?: number;
  readonly vocabularySize?: number;
  readonly maxPositions?: number;
}

/** The sizes after a cut. @throws UsageError where the family's config.json cannot state them. */
export function cutConfig(config: PretrainedConfig, cut: EncoderCut): PretrainedConfig {
  const { layers, ...sizes } = cut;
  const result = { ...config, ...sizes, layers: layers?.map((i) => config.layers[i] ?? "global") ?? config.layers };
  const problem = cutProblem(config, cut) ?? sizeProblem(result);
  if (problem !== undefined) throw new UsageError(`cut of a ${config.family} encoder: ${problem}`);
  return result;
}

function cutProblem(config: PretrainedConfig, cut: EncoderCut): string | undefined {
  const family = familyOf(config);
  for (const key of ["heads", "width", "feedForward", "vocabularySize", "maxPositions"] as const) {
    const size = cut[key] ?? config[key];
    if (!Number.isInteger(size) || size < 1 || size > config[key])
      return `${key} must be an integer from 1 to ${config[key]}, came ${size}`;
  }
  const layers = cut.layers ?? [0];
  const isAscending = layers.every((layer, i) => Number.isInteger(layer) && layer > (layers[i - 1] ?? -1));
  if (layers.length === 0 || !isAscending || (layers.at(-1) ?? 0) >= config.layers.length)
    return `layers must ascend inside 0 .. ${config.layers.length - 1}, came ${layers.join(", ")}`;
  if (family.keepsFirstLayer && layers[0] !== 0) return "layer 0 must stay: it alone has no attention norm";
  const [before, after] = [config.width / config.heads, (cut.width ?? config.width) / (cut.heads ?? config.heads)];
  if (family.keepsHeadWidth && before !== after) return `head width ${before} must stay, came ${after}`;
  return undefined;
}
