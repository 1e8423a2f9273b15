/** @file ModernBERT (Warner et al. 2024): norms before the sublayers, rotary positions, layers with a local window between global
 *  ones, gated feed-forward layers, no biases unless told. Names as in Hugging Face transformers, whose layer 0 has no attention
 *  norm. */
import type { ConfigFields } from "./config-fields.js";
import type { EncoderFamily, PretrainedConfig, Sight } from "./family.js";
import * as limits from "./limits.js";

const LAYER_TYPES = { full_attention: "global", sliding_attention: "local" } as const;
const TYPE_NAMES = { global: "full_attention", local: "sliding_attention" } as const;
const DEFAULT_BASES = { global: 160_000, local: 10_000 } as const;
const FORMER_BASE_KEYS = { global: "global_rope_theta", local: "local_rope_theta" } as const;
const DEFAULT_GLOBAL_EVERY = 3;

/** `layer_types` where the file lists them, else every so many layers a global one, as older files say. */
function readLayers(fields: ConfigFields): readonly Sight[] {
  const count = fields.integer("num_hidden_layers", limits.LAYERS);
  const listed = fields.choices("layer_types", ["full_attention", "sliding_attention"], limits.LAYERS);
  if (listed !== undefined && listed.length !== count) fields.fail("layer_types", `a list of ${count} layers`);
  const every = fields.integer("global_attn_every_n_layers", limits.LAYERS, DEFAULT_GLOBAL_EVERY);
  return listed?.map((type) => LAYER_TYPES[type]) ?? alternating(count, every);
}

function alternating(count: number, globalEvery: number): readonly Sight[] {
  return Array.from({ length: count }, (_, i) => (i % globalEvery === 0 ? "global" : "local"));
}

/** `rope_parameters` by layer type, else the former `global_rope_theta` and `local_rope_theta`. */
function readBase(fields: ConfigFields, sight: Sight): number {
  const former = fields.number(FORMER_BASE_KEYS[sight], limits.ROTARY_BASE, DEFAULT_BASES[sight]);
  const rope = fields.object("rope_parameters").object(TYPE_NAMES[sight]);
  rope.choice("rope_type", ["default"], "default");
  return rope.number("rope_theta", limits.ROTARY_BASE, former);
}

function readConfig(fields: ConfigFields): PretrainedConfig {
  fields.choice("hidden_activation", ["gelu"], "gelu");
  if (fields.has("rope_scaling")) fields.fail("rope_scaling", "left out: scaled rotary positions are not known here");
  return {
    family: "modernbert",
    vocabularySize: fields.integer("vocab_size", limits.VOCABULARY),
    width: fields.integer("hidden_size", limits.WIDTH),
    heads: fields.integer("num_attention_heads", limits.HEADS),
    feedForward: fields.integer("intermediate_size", limits.FEED_FORWARD),
    layers: readLayers(fields),
    maxPositions: fields.integer("max_position_embeddings", limits.POSITIONS, 8192),
    tokenTypes: 0,
    epsilon: fields.number("norm_eps", limits.EPSILON, 1e-5),
    biases: {
      attention: fields.flag("attention_bias", false),
      feedForward: fields.flag("mlp_bias", false),
      norm: fields.flag("norm_bias", false),
      classifier: fields.flag("classifier_bias", false),
    },
    reach: Math.floor(fields.integer("local_attention", limits.POSITIONS, 128) / 2),
    rotaryBases: { global: readBase(fields, "global"), local: readBase(fields, "local") },
  };
}

/** The distance of global layers where the pattern has one: all that older readers understand. */
function globalEvery(layers: readonly Sight[]): number | undefined {
  const second = layers.indexOf("global", 1);
  const every = second > 0 ? second : layers.length;
  return alternating(layers.length, every).every((sight, i) => sight === layers[i]) ? every : undefined;
}

function writeConfig(config: PretrainedConfig): Readonly<Record<string, unknown>> {
  const bases = config.rotaryBases ?? DEFAULT_BASES;
  return {
    model_type: "modernbert",
    vocab_size: config.vocabularySize,
    hidden_size: config.width,
    num_hidden_layers: config.layers.length,
    num_attention_heads: config.heads,
    intermediate_size: config.feedForward,
    hidden_activation: "gelu",
    max_position_embeddings: config.maxPositions,
    norm_eps: config.epsilon,
    attention_bias: config.biases.attention,
    mlp_bias: config.biases.feedForward,
    norm_bias: config.biases.norm,
    classifier_bias: config.biases.classifier,
    classifier_activation: "gelu",
    local_attention: 2 * config.reach,
    layer_types: config.layers.map((sight) => TYPE_NAMES[sight]),
    global_attn_every_n_layers: globalEvery(config.layers),
    rope_parameters: {
      full_attention: { rope_type: "default", rope_theta: bases.global },
      sliding_attention: { rope_type: "default", rope_theta: bases.local },
    },
    global_rope_theta: bases.global,
    local_rope_theta: bases.local,
  };
}

export const modernbert: EncoderFamily = {
  name: "modernbert",
  architecture: "ModernBertModel",
  classifier: {
    architecture: "ModernBertForSequenceClassification",
    poolings: ["mean", "cls"],
    activation: "gelu",
    dense: "head.dense",
    norm: "head.norm",
  },
  prefixes: ["model.", ""],
  formerEndings: {},
  ignored: /^(head|decoder|classifier)\./,
  tensors: {
    table: "embeddings.tok_embeddings",
    embeddingNorm: "embeddings.norm",
    finalNorm: "final_norm",
    layer: "layers.",
    attentionNorm: "attn_norm",
    qkv: ["attn.Wqkv"],
    attentionOut: "attn.Wo",
    feedForwardNorm: "mlp_norm",
    up: "mlp.Wi",
    down: "mlp.Wo",
  },
  layerStyle: (layer) => ({ attentionNorm: layer === 0 ? "none" : "pre", feedForwardNorm: "pre", gated: true }),
  keepsHeadWidth: true,
  keepsFirstLayer: true,
  readConfig,
  floatFields: [
    "initializer_range",
    "initializer_cutoff_factor",
    "norm_eps",
    "rope_theta",
    "global_rope_theta",
    "local_rope_theta",
  ],
  tokenIds: {
    bos_token_id: 50_281,
    cls_token_id: 50_281,
    eos_token_id: 50_282,
    pad_token_id: 50_283,
    sep_token_id: 50_282,
  },
  writeConfig,
};
