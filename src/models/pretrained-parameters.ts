/** @file The parameter list of a pretrained encoder, each with the tensors of the family's folder that hold it, and both ways between
 *  folder and list. Reads tensors through an interface that weights/ meets; knows no file format. */
import { InputError, InvariantError } from "../errors.js";
import { elementCount } from "../tensor/tensor.js";
import { familyOf, type EncoderFamily, type FamilyClassifier, type PretrainedConfig } from "./families/index.js";
import { linearParameters, normParameters, type ParameterSpec, WEIGHT_DEVIATION } from "./parameters.js";

/** Name of the word table, the one parameter that training sees through the rows in use. */
export const WORD_TABLE = "table";

export interface PretrainedParameter extends ParameterSpec {
  /** Tensors of the folder, equal parts that lie below each other. */
  readonly tensors: readonly string[];
  /** Rows of the one tensor in front of the parameter's own, zeros when written. */
  readonly rowsBefore?: number;
}

/** The names of tensors for `.weight`/`.gamma` and `.bias`/`.beta` of these entries. */
function placed(parameters: readonly ParameterSpec[], names: readonly string[]): PretrainedParameter[] {
  return parameters.map((parameter) => {
    const ending = /\.(bias|beta)$/.test(parameter.name) ? "bias" : "weight";
    return { ...parameter, tensors: names.map((name) => `${name}.${ending}`) };
  });
}

function tableEntry(name: string, rows: number, width: number, tensor: string): PretrainedParameter {
  const tensors = [`${tensor}.weight`];
  return { name, shape: [rows, width], start: WEIGHT_DEVIATION, decayed: false, tensors };
}

function embeddingParameters(config: PretrainedConfig, { tensors }: EncoderFamily): PretrainedParameter[] {
  const { width, biases } = config;
  const { positions, types } = tensors;
  return [
    tableEntry(WORD_TABLE, config.vocabularySize, width, tensors.table),
    ...(positions === undefined
      ? []
      : [
          {
            ...tableEntry("position.table", config.maxPositions, width, positions),
            rowsBefore: config.positionOffset ?? 0,
          },
        ]),
    ...(types === undefined ? [] : [tableEntry("type.table", config.tokenTypes, width, types)]),
    ...placed(normParameters("embedding.norm", width, { bias: biases.norm }), [tensors.embeddingNorm]),
  ];
}

function layerParameters(config: PretrainedConfig, { tensors, layerStyle }: EncoderFamily, i: number) {
  const { width, feedForward, biases } = config;
  const { attentionNorm, feedForwardNorm, gated } = layerStyle(i);
  const [attention, mlp] = [{ bias: biases.attention }, { bias: biases.feedForward }];
  const norm = (name: string, tensor: string): PretrainedParameter[] =>
    placed(normParameters(`layer${i}.${name}.norm`, width, { bias: biases.norm }), [own(tensor)]);
  const own = (tensor: string): string => `${tensors.layer}${i}.${tensor}`;
  return [
    ...(attentionNorm === "none" ? [] : norm("attention", tensors.attentionNorm)),
    ...placed(linearParameters(`layer${i}.attention.qkv`, 3 * width, width, attention), tensors.qkv.map(own)),
    ...placed(linearParameters(`layer${i}.attention.out`, width, width, attention), [own(tensors.attentionOut)]),
    ...(feedForwardNorm === "none" ? [] : norm("mlp", tensors.feedForwardNorm)),
    ...placed(linearParameters(`layer${i}.mlp.up`, (gated ? 2 : 1) * feedForward, width, mlp), [own(tensors.up)]),
    ...placed(linearParameters(`layer${i}.mlp.down`, width, feedForward, mlp), [own(tensors.down)]),
  ];
}

/** Every weight of the encoder, the word table first, in a fixed order. */
export function pretrainedParameters(config: PretrainedConfig): readonly PretrainedParameter[] {
  const family = familyOf(config);
  const { finalNorm } = family.tensors;
  return [
    ...embeddingParameters(config, family),
    ...config.layers.flatMap((_, i) => layerParameters(config, family, i)),
    ...(finalNorm === undefined
      ? []
      : placed(normParameters("final.norm", config.width, { bias: config.biases.norm }), [finalNorm])),
  ];
}

/** The layers of a family's classifier below its label layer; none where there is no classifier. */
export function classifierParameters(
  { width, biases }: PretrainedConfig,
  classifier: FamilyClassifier | undefined,
): readonly PretrainedParameter[] {
  if (classifier === undefined) return [];
  const { dense, norm } = classifier;
  return [
    ...placed(linearParameters("head.dense", width, width, { bias: biases.classifier }), [dense]),
    ...(norm === undefined ? [] : placed(normParameters("head.norm", width, { bias: biases.norm }), [norm])),
  ];
}

/** The label head: layers of the family's classifier, if any, then the linear label layer, [labels, D] and [labels], whose tensors stand
 *  beside the encoder's as the family's classifier names them, else as `classifier`. */
export function headParameters(
  config: PretrainedConfig,
  labelCount: number,
  classifier: FamilyClassifier | undefined,
): readonly PretrainedParameter[] {
  return [
    ...classifierParameters(config, classifier),
    ...placed(linearParameters("head", labelCount, config.width), [classifier?.label ?? "classifier"]),
  ];
}

/** Tensors by name, wherever they lie. */
export interface TensorSource {
  /** The file that errors name. */
  readonly path: string;
  readonly entries: ReadonlyMap<string, { readonly shape: readonly number[] }>;
  /** Values as float32, row-major. */
  read(name: string): Float32Array;
}

interface Part {
  readonly name: string;
  readonly shape: readonly number[];
}

function partsOf({ name, shape, tensors, rowsBefore = 0 }: PretrainedParameter): readonly Part[] {
  const [rows = 1, ...rest] = shape;
  if (rows % tensors.length !== 0)
    throw new InvariantError(`models: ${name} does not fall into ${tensors.length} parts`);
  return tensors.map((tensor) => ({ name: tensor, shape: [rowsBefore + rows / tensors.length, ...rest] }));
}

/** The name under which a source holds a tensor: with a prefix of the family, with a former ending. */
function foundName(source: TensorSource, family: EncoderFamily, tensor: string): string | undefined {
  const ending = Object.keys(family.formerEndings).find((candidate) => tensor.endsWith(candidate));
  const former = ending === undefined ? [] : [tensor.slice(0, -ending.length) + (family.formerEndings[ending] ?? "")];
  return family.prefixes
    .flatMap((prefix) => [tensor, ...former].map((name) => prefix + name))
    .find((name) => source.entries.has(name));
}

function locate(source: TensorSource, family: EncoderFamily, part: Part): string {
  const name = foundName(source, family, part.name);
  const shape = name === undefined ? undefined : source.entries.get(name)?.shape;
  if (name === undefined || shape === undefined)
    throw new InputError(`${source.path}: no tensor ${part.name} [${part.shape.join(", ")}]`, {
      hint: "config.json and weights must be of one model",
    });
  if (shape.length !== part.shape.length || shape.some((size, i) => size !== part.shape[i]))
    throw new InputError(
      `${source.path}: tensor ${name} must be [${part.shape.join(", ")}] by config.json, came [${shape.join(", ")}]`,
    );
  return name;
}

/** Those of the parameters that a source holds. */
export function presentParameters(
  source: TensorSource,
  config: PretrainedConfig,
  parameters: readonly PretrainedParameter[],
): readonly PretrainedParameter[] {
  const family = familyOf(config);
  return parameters.filter((parameter) =>
    partsOf(parameter).every(({ name }) => foundName(source, family, name) !== undefined),
  );
}

/** Numbers of these parameters by name, from the tensors of a family's folder.
 *  @throws InputError when a tensor is missing, has another shape, or when the folder holds tensors of no known use. */
export function readParameters(
  source: TensorSource,
  config: PretrainedConfig,
  parameters: readonly PretrainedParameter[],
): Map<string, Float32Array> {
  const family = familyOf(config);
  const used = new Set<string>();
  const located = parameters.map((parameter) => ({
    parameter,
    parts: partsOf(parameter).map((part) => ({ ...part, found: locate(source, family, part) })),
  }));
  for (const { parts } of located) for (const { found } of parts) used.add(found);
  const stray = [...source.entries.keys()].find((name) => !used.has(name) && !family.ignored.test(name));
  if (stray !== undefined)
    throw new InputError(
      `${source.path}: tensor ${stray} has no place in a ${family.name} encoder of this config.json`,
      {
        hint: "config.json and weights must be of one model",
      },
    );
  return new Map(
    located.map(({ parameter, parts }) => {
      const values = new Float32Array(elementCount(parameter.shape));
      const size = values.length / parts.length;
      for (const [i, { found }] of parts.entries()) {
        const read = source.read(found);
        values.set(read.subarray(read.length - size), i * size);
      }
      return [parameter.name, values];
    }),
  );
}

export interface NamedTensor extends Part {
  read(): Float32Array;
}

/** The tensors of a family's folder that hold these parameters. @throws InvariantError when a weight is missing or has another size. */
export function tensorsOf(
  parameters: readonly PretrainedParameter[],
  weights: ReadonlyMap<string, Float32Array>,
): readonly NamedTensor[] {
  return parameters.flatMap((parameter) => {
    const values = weights.get(parameter.name);
    if (values?.length !== elementCount(parameter.shape))
      throw new InvariantError(`models: weights of ${parameter.name} are missing or of another size`);
    const size = values.length / parameter.tensors.length;
    return partsOf(parameter).map((part, i) => ({
      ...part,
      read() {
        const own = values.subarray(i * size, (i + 1) * size);
        const before = elementCount(part.shape) - size;
        if (before === 0) return own;
        const whole = new Float32Array(before + size);
        whole.set(own, before);
        return whole;
      },
    }));
  });
}
