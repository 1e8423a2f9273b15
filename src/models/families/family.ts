/** @file What a pretrained encoder family consists of: the sizes that all share, and the row that says how a family reads them,
 *  names its tensors and composes the blocks. Knows no family in particular. */
import type { NormPlace } from "../blocks.js";
import type { ConfigFields } from "./config-fields.js";

export type FamilyName = "bert" | "roberta" | "xlm-roberta" | "camembert" | "distilbert" | "modernbert";

/** How one vector is made of a text: the mean of its tokens, or its first token. */
export type Pooling = "mean" | "cls";

/** What a token of a layer sees: all of the text, or its neighbours. */
export type Sight = "global" | "local";

/** Sizes of a pretrained encoder, as its family's config.json states them. */
export interface PretrainedConfig {
  readonly family: FamilyName;
  readonly vocabularySize: number;
  readonly width: number;
  /** Divides `width`. */
  readonly heads: number;
  /** Inner width of the feed-forward layers; of gated ones, of one half. */
  readonly feedForward: number;
  /** One entry per layer. */
  readonly layers: readonly Sight[];
  /** Longest text, in tokens. */
  readonly maxPositions: number;
  /** Rows of the folder's table of positions in front of the first token's, which no token has; 0 where absent. */
  readonly positionOffset?: number;
  /** Rows of the table of token types, 0 where there is none. */
  readonly tokenTypes: number;
  readonly epsilon: number;
  readonly biases: {
    readonly attention: boolean;
    readonly feedForward: boolean;
    readonly norm: boolean;
    /** Of the family's own classifier, between pooled vector and label layer. */
    readonly classifier: boolean;
  };
  /** A local layer's token sees others at most so many places away. */
  readonly reach: number;
  /** Bases of the rotary positions; undefined where positions are learned. */
  readonly rotaryBases: Readonly<Record<Sight, number>> | undefined;
}

/** How the two sublayers of a layer are composed. */
export interface LayerStyle {
  readonly attentionNorm: NormPlace;
  readonly feedForwardNorm: NormPlace;
  readonly gated: boolean;
}

/** Tensors of a family's folder by their place in the encoder, without ".weight" and ".bias"; several lie below each other. */
export interface TensorNames {
  readonly table: string;
  readonly positions?: string;
  readonly types?: string;
  readonly embeddingNorm: string;
  readonly finalNorm?: string;
  /** In front of the names of layer i: this and `i.`. */
  readonly layer: string;
  readonly attentionNorm: string;
  readonly qkv: readonly string[];
  readonly attentionOut: string;
  readonly feedForwardNorm: string;
  readonly up: string;
  readonly down: string;
}

/** The text classifier of a family: pooled vector, dense layer, activation, norm where it has one, label layer. */
export interface FamilyClassifier {
  /** Class that a written config.json names. */
  readonly architecture: string;
  /** What it can state; a student that pools otherwise has the label layer alone. */
  readonly poolings: readonly Pooling[];
  readonly activation: "tanh" | "gelu" | "relu";
  /** Tensors, without ".weight" and ".bias". */
  readonly dense: string;
  readonly norm?: string;
  /** The label layer; "classifier" unless told. */
  readonly label?: string;
}

/** One family: a row of the table in index.ts. */
export interface EncoderFamily {
  readonly name: FamilyName;
  /** Class of the encoder alone, which a written config.json names where the family's classifier cannot state the pooling. */
  readonly architecture: string;
  readonly classifier: FamilyClassifier;
  /** What may stand in front of all tensor names, the longest first; "" last. */
  readonly prefixes: readonly string[];
  /** Older endings of tensor names by the current one. */
  readonly formerEndings: Readonly<Record<string, string>>;
  /** Tensors that may lie beside the encoder's: poolers, heads, buffers. */
  readonly ignored: RegExp;
  readonly tensors: TensorNames;
  readonly layerStyle: (layer: number) => LayerStyle;
  /** Head width decides the rotation, so a cut must keep it. */
  readonly keepsHeadWidth: boolean;
  /** The first layer differs from the others, so a cut must keep it. */
  readonly keepsFirstLayer: boolean;
  readonly readConfig: (fields: ConfigFields) => PretrainedConfig;
  /** Fields that transformers refuses as integers: 2 must be written as 2.0. */
  readonly floatFields: readonly string[];
  /** Token ids that hold where a config.json leaves them out. */
  readonly tokenIds: Readonly<Record<string, number>>;
  /** Fields of config.json; undefined removes one that no longer holds. */
  readonly writeConfig: (config: PretrainedConfig) => Readonly<Record<string, unknown>>;
}
