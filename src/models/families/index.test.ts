import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError, UsageError } from "../../errors.js";
import { openReference, REFERENCES } from "../pretrained.test.fixture.js";
import {
  cutConfig,
  ENCODER_FAMILIES,
  familyOf,
  pretrainedConfigText,
  readPretrainedConfig,
  writePretrainedConfig,
} from "./index.js";
import { type JsonObject, isJsonObject } from "../../json.js";

const bertJson: JsonObject = {
  model_type: "bert",
  vocab_size: 40,
  hidden_size: 16,
  num_hidden_layers: 3,
  num_attention_heads: 2,
  intermediate_size: 24,
  max_position_embeddings: 32,
};
const modernJson: JsonObject = { ...bertJson, model_type: "modernbert", num_hidden_layers: 5 };
const without = (json: JsonObject, key: string): JsonObject =>
  Object.fromEntries(Object.entries(json).filter(([name]) => name !== key));

describe("a config.json of a known family", () => {
  it.each(REFERENCES)("is read and written back as transformers wrote it (%s)", (name) => {
    const { config, json } = openReference(name);
    const original = isJsonObject(json) ? json : {};
    const former = ["global_attn_every_n_layers", "global_rope_theta", "local_rope_theta"];
    const written = former.reduce(without, writePretrainedConfig(config, original));
    expect(written).toEqual(original);
    expect(readPretrainedConfig(writePretrainedConfig(config, original), name)).toEqual(config);
  });

  it("keeps fractions that are whole numbers", () => {
    const original = { ...modernJson, initializer_cutoff_factor: 2, note: '"initializer_cutoff_factor": 2' };
    const text = pretrainedConfigText(readPretrainedConfig(original, "c"), original);
    expect(text).toContain('\n  "initializer_cutoff_factor": 2.0,\n');
    expect(text).toContain('      "rope_theta": 160000.0\n');
    expect(text).toContain('"hidden_size": 16,');
    expect(JSON.parse(text)).toEqual(writePretrainedConfig(readPretrainedConfig(original, "c"), original));
  });

  it("may leave out what transformers has defaults for", () => {
    expect(readPretrainedConfig(bertJson, "c")).toMatchObject({
      epsilon: 1e-12,
      tokenTypes: 2,
      rotaryBases: undefined,
    });
    expect(readPretrainedConfig(modernJson, "c")).toMatchObject({
      epsilon: 1e-5,
      tokenTypes: 0,
      reach: 64,
      rotaryBases: { global: 160_000, local: 10_000 },
      layers: ["global", "local", "local", "global", "local"],
      biases: { attention: false, feedForward: false, norm: false },
    });
  });

  it("may use the fields of older versions", () => {
    const older = { ...modernJson, global_attn_every_n_layers: 2, global_rope_theta: 5000, local_rope_theta: 70 };
    expect(readPretrainedConfig(older, "c")).toMatchObject({
      layers: ["global", "local", "global", "local", "global"],
      rotaryBases: { global: 5000, local: 70 },
    });
    expect(writePretrainedConfig(readPretrainedConfig(older, "c"))).toMatchObject({ global_attn_every_n_layers: 2 });
  });

  it("loses the distance of global layers when a cut leaves none", () => {
    const config = cutConfig(readPretrainedConfig(modernJson, "c"), { layers: [0, 1, 3, 4] });
    expect(config.layers).toEqual(["global", "local", "global", "local"]);
    expect(writePretrainedConfig(config, modernJson)).toMatchObject({ global_attn_every_n_layers: 2 });
    const uneven = cutConfig(config, { layers: [0, 2, 3] });
    const written = writePretrainedConfig(uneven, { ...modernJson, global_attn_every_n_layers: 3 });
    expect(written).not.toHaveProperty("global_attn_every_n_layers");
    expect(written["layer_types"]).toEqual(["full_attention", "full_attention", "sliding_attention"]);
    expect(readPretrainedConfig(written, "c")).toEqual(uneven);
  });
});

describe("a config.json that cannot be used", () => {
  it("names the known families when its own is not among them", () => {
    expect(() => readPretrainedConfig({ ...bertJson, model_type: "t5" }, "folder/config.json")).toThrow(
      'folder/config.json: model_type must be one of bert, roberta, xlm-roberta, camembert, distilbert, modernbert, came "t5"',
    );
    expect(() => readPretrainedConfig({}, "c")).toThrow("came nothing");
    expect(() => readPretrainedConfig([], "c")).toThrow("expected an object");
  });

  it.each([
    [{ ...bertJson, hidden_size: "16" }, 'hidden_size must be an integer from 1 to 16384, came "16"'],
    [{ ...bertJson, hidden_size: 1e9 }, "hidden_size must be"],
    [{ ...bertJson, num_hidden_layers: 2.5 }, "num_hidden_layers must be an integer"],
    [without(bertJson, "vocab_size"), "vocab_size must be an integer from 1 to 2000000, came nothing"],
    [{ ...bertJson, num_attention_heads: 3 }, "width 16 is not a multiple of 3 heads"],
    [{ ...bertJson, hidden_act: "gelu_new" }, 'hidden_act must be gelu, came "gelu_new"'],
    [{ ...bertJson, position_embedding_type: "relative_key" }, "position_embedding_type must be absolute"],
    [{ ...bertJson, is_decoder: true }, "is_decoder must be false"],
    [{ ...bertJson, layer_norm_eps: 0 }, "layer_norm_eps must be a number"],
    [{ ...modernJson, num_attention_heads: 16 }, "head width 1 must be even"],
    [{ ...modernJson, layer_types: ["full_attention"] }, "layer_types must be a list of 5 layers"],
    [
      { ...modernJson, layer_types: new Array(5).fill("chunked_attention") },
      "layer_types must be a list of full_attention",
    ],
    [{ ...modernJson, layer_types: "full_attention" }, "layer_types must be 1 to 256 items"],
    [{ ...modernJson, norm_bias: 1 }, "norm_bias must be true or false"],
    [{ ...modernJson, rope_scaling: { type: "yarn" } }, "rope_scaling must be left out"],
    [{ ...modernJson, rope_parameters: [] }, "rope_parameters must be an object"],
    [
      { ...modernJson, rope_parameters: { full_attention: { rope_type: "yarn" } } },
      "c: rope_parameters: full_attention: rope_type must be default",
    ],
  ])("says which field, what it must be and what came (%#)", (json, message) => {
    expect(() => readPretrainedConfig(json, "c")).toThrow(message);
    expect(() => readPretrainedConfig(json, "c")).toThrow(InputError);
  });

  it("is refused with one line or read, whatever it holds", () => {
    const keys = [
      ...Object.keys(modernJson),
      "layer_types",
      "rope_parameters",
      "norm_eps",
      "local_attention",
      "mlp_bias",
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(bertJson, modernJson),
        fc.constantFrom(...keys),
        fc.jsonValue(),
        (json, key, value) => {
          try {
            const config = readPretrainedConfig({ ...json, [key]: value }, "c");
            return config.width % config.heads === 0 && config.layers.length > 0;
          } catch (error) {
            return error instanceof InputError && !error.message.includes("\n");
          }
        },
      ),
    );
  });
});

describe("a cut", () => {
  const [bert, modern] = [readPretrainedConfig(bertJson, "c"), readPretrainedConfig(modernJson, "c")];

  it("states what it leaves", () => {
    const cut = { layers: [0, 2], heads: 1, width: 8, feedForward: 10, vocabularySize: 30, maxPositions: 16 };
    expect(cutConfig(bert, cut)).toEqual({ ...bert, ...cut, layers: ["global", "global"] });
    expect(cutConfig(modern, { heads: 1, width: 8 })).toMatchObject({ heads: 1, width: 8, feedForward: 24 });
  });

  it.each([
    [bert, { layers: [] }, "layers must ascend inside 0 .. 2"],
    [bert, { layers: [1, 1] }, "layers must ascend"],
    [bert, { layers: [0, 3] }, "layers must ascend"],
    [bert, { feedForward: 25 }, "feedForward must be an integer from 1 to 24, came 25"],
    [bert, { heads: 1, width: 0 }, "width must be"],
    [bert, { width: 15 }, "width 15 is not a multiple of 2 heads"],
    [modern, { layers: [1, 2] }, "layer 0 must stay"],
    [modern, { heads: 1 }, "head width 8 must stay, came 16"],
  ])("is refused where the config cannot state it (%#)", (config, cut, message) => {
    expect(() => cutConfig(config, cut)).toThrow(message);
    expect(() => cutConfig(config, cut)).toThrow(UsageError);
  });
});

describe("the table of families", () => {
  it("lists each row under its own name", () => {
    for (const [name, family] of Object.entries(ENCODER_FAMILIES)) expect(family.name).toBe(name);
    expect(familyOf({ family: "bert" })).toBe(ENCODER_FAMILIES.bert);
  });
});
