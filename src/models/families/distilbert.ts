/** @file DistilBERT (Sanh et al. 2019): BERT's layers without token types and pooler, under other names. Names as in Hugging Face transformers. */
import type { ConfigFields } from "./config-fields.js";
import type { EncoderFamily, PretrainedConfig } from "./family.js";
import * as limits from "./limits.js";

function readConfig(fields: ConfigFields): PretrainedConfig {
  fields.choice("activation", ["gelu"], "gelu");
  const layerCount = fields.integer("n_layers", limits.LAYERS, 6);
  return {
    family: "distilbert",
    vocabularySize: fields.integer("vocab_size", limits.VOCABULARY),
    width: fields.integer("dim", limits.WIDTH),
    heads: fields.integer("n_heads", limits.HEADS),
    feedForward: fields.integer("hidden_dim", limits.FEED_FORWARD),
    layers: new Array<"global">(layerCount).fill("global"),
    maxPositions: fields.integer("max_position_embeddings", limits.POSITIONS, 512),
    tokenTypes: 0,
    epsilon: 1e-12,
    biases: { attention: true, feedForward: true, norm: true, classifier: true },
    reach: 0,
    rotaryBases: undefined,
  };
}

export const distilbert: EncoderFamily = {
  name: "distilbert",
  architecture: "DistilBertModel",
  classifier: {
    architecture: "DistilBertForSequenceClassification",
    poolings: ["cls"],
    activation: "relu",
    dense: "pre_classifier",
  },
  prefixes: ["distilbert.", ""],
  formerEndings: {},
  ignored: /^(distilbert\.)?(embeddings\.position_ids$|vocab_\w+\.|pre_classifier\.|classifier\.|qa_outputs\.)/,
  tensors: {
    table: "embeddings.word_embeddings",
    positions: "embeddings.position_embeddings",
    embeddingNorm: "embeddings.LayerNorm",
    layer: "transformer.layer.",
    attentionNorm: "sa_layer_norm",
    qkv: ["attention.q_lin", "attention.k_lin", "attention.v_lin"],
    attentionOut: "attention.out_lin",
    feedForwardNorm: "output_layer_norm",
    up: "ffn.lin1",
    down: "ffn.lin2",
  },
  layerStyle: () => ({ attentionNorm: "post", feedForwardNorm: "post", gated: false }),
  keepsHeadWidth: false,
  keepsFirstLayer: false,
  readConfig,
  floatFields: ["initializer_range"],
  tokenIds: { pad_token_id: 0 },
  writeConfig: (config) => ({
    model_type: "distilbert",
    vocab_size: config.vocabularySize,
    dim: config.width,
    n_layers: config.layers.length,
    n_heads: config.heads,
    hidden_dim: config.feedForward,
    activation: "gelu",
    max_position_embeddings: config.maxPositions,
    sinusoidal_pos_embds: false,
  }),
};
