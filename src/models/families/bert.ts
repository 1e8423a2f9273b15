/** @file BERT (Devlin et al. 2019) and kin such as MiniLM (Wang et al. 2020): norms after the sublayers, learned positions, token
 *  types, GELU with the error function. Names as in Hugging Face transformers. */
import type { ConfigFields } from "./config-fields.js";
import type { EncoderFamily, PretrainedConfig } from "./family.js";
import * as limits from "./limits.js";

function readConfig(fields: ConfigFields): PretrainedConfig {
  fields.choice("hidden_act", ["gelu"], "gelu");
  fields.choice("position_embedding_type", ["absolute"], "absolute");
  if (fields.flag("is_decoder", false)) fields.fail("is_decoder", "false");
  const layerCount = fields.integer("num_hidden_layers", limits.LAYERS);
  return {
    family: "bert",
    vocabularySize: fields.integer("vocab_size", limits.VOCABULARY),
    width: fields.integer("hidden_size", limits.WIDTH),
    heads: fields.integer("num_attention_heads", limits.HEADS),
    feedForward: fields.integer("intermediate_size", limits.FEED_FORWARD),
    layers: new Array<"global">(layerCount).fill("global"),
    maxPositions: fields.integer("max_position_embeddings", limits.POSITIONS, 512),
    tokenTypes: fields.integer("type_vocab_size", limits.TOKEN_TYPES, 2),
    epsilon: fields.number("layer_norm_eps", limits.EPSILON, 1e-12),
    biases: { attention: true, feedForward: true, norm: true, classifier: true },
    reach: 0,
    rotaryBases: undefined,
  };
}

export const bert: EncoderFamily = {
  name: "bert",
  architecture: "BertModel",
  classifier: {
    architecture: "BertForSequenceClassification",
    poolings: ["cls"],
    activation: "tanh",
    dense: "pooler.dense",
  },
  prefixes: ["bert.", ""],
  formerEndings: { "LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta" },
  ignored: /^(bert\.)?(embeddings\.position_ids$|pooler\.|cls\.|classifier\.|qa_outputs\.)/,
  tensors: {
    table: "embeddings.word_embeddings",
    positions: "embeddings.position_embeddings",
    types: "embeddings.token_type_embeddings",
    embeddingNorm: "embeddings.LayerNorm",
    layer: "encoder.layer.",
    attentionNorm: "attention.output.LayerNorm",
    qkv: ["attention.self.query", "attention.self.key", "attention.self.value"],
    attentionOut: "attention.output.dense",
    feedForwardNorm: "output.LayerNorm",
    up: "intermediate.dense",
    down: "output.dense",
  },
  layerStyle: () => ({ attentionNorm: "post", feedForwardNorm: "post", gated: false }),
  keepsHeadWidth: false,
  keepsFirstLayer: false,
  readConfig,
  floatFields: ["initializer_range", "layer_norm_eps"],
  tokenIds: { pad_token_id: 0 },
  writeConfig: (config) => ({
    model_type: "bert",
    vocab_size: config.vocabularySize,
    hidden_size: config.width,
    num_hidden_layers: config.layers.length,
    num_attention_heads: config.heads,
    intermediate_size: config.feedForward,
    hidden_act: "gelu",
    max_position_embeddings: config.maxPositions,
    type_vocab_size: config.tokenTypes,
    layer_norm_eps: config.epsilon,
  }),
};
