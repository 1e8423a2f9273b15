/** @file RoBERTa (Liu et al. 2019) and kin that differ in name and vocabulary alone: XLM-R (Conneau et al. 2020), CamemBERT (Martin et al. 2020). BERT's
 *  layers; positions are counted from the id of the padding token on, so that the first token's is the row behind it. Names as in Hugging
 *  Face transformers. */
import { bert } from "./bert.js";
import type { ConfigFields } from "./config-fields.js";
import type { EncoderFamily, PretrainedConfig } from "./family.js";
import * as limits from "./limits.js";

type RobertaName = "roberta" | "xlm-roberta" | "camembert";

const DEFAULT_PAD = 1;

function readConfig(name: RobertaName): (fields: ConfigFields) => PretrainedConfig {
  return (fields) => {
    const positionOffset = 1 + fields.integer("pad_token_id", { ...limits.POSITIONS, minimum: 0 }, DEFAULT_PAD);
    const rows = fields.integer("max_position_embeddings", limits.POSITIONS, 512);
    if (rows <= positionOffset) fields.fail("max_position_embeddings", `more than ${positionOffset}`);
    return {
      ...bert.readConfig(fields),
      family: name,
      maxPositions: rows - positionOffset,
      positionOffset,
    };
  };
}

/** A row of the table; `prefix` is that of the classes in transformers. */
function robertaFamily(name: RobertaName, prefix: string): EncoderFamily {
  return {
    ...bert,
    name,
    architecture: `${prefix}Model`,
    classifier: {
      architecture: `${prefix}ForSequenceClassification`,
      poolings: ["cls"],
      activation: "tanh",
      dense: "classifier.dense",
      label: "classifier.out_proj",
    },
    prefixes: ["roberta.", ""],
    ignored: /^(roberta\.)?(embeddings\.position_ids$|pooler\.|lm_head\.|classifier\.|qa_outputs\.)/,
    readConfig: readConfig(name),
    tokenIds: { bos_token_id: 0, pad_token_id: DEFAULT_PAD, eos_token_id: 2 },
    writeConfig: (config) => ({
      ...bert.writeConfig(config),
      model_type: name,
      max_position_embeddings: config.maxPositions + (config.positionOffset ?? 0),
    }),
  };
}

export const roberta = robertaFamily("roberta", "Roberta");
export const xlmRoberta = robertaFamily("xlm-roberta", "XLMRoberta");
export const camembert = robertaFamily("camembert", "Camembert");
