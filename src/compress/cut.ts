/** @file Cuts a pretrained encoder to the parts that stay: vocabulary rows, positions, hidden width, layers, attention heads and
 *  feed-forward neurons. Tensors shrink; nothing is masked. Which parts stay is decided elsewhere (importance.ts, vocabulary.ts). */
import { InvariantError, UsageError } from "../errors.js";
import { cutConfig, familyOf, type PretrainedConfig } from "../models/families/index.js";
import { classifierParameters, headParameters, pretrainedParameters } from "../models/pretrained-parameters.js";
import { elementCount } from "../tensor/tensor.js";

/** An encoder as numbers, by the names of its parameter list; with or without a label head. */
export interface EncoderWeights {
  readonly config: PretrainedConfig;
  readonly values: ReadonlyMap<string, Float32Array>;
}

/** What stays, as ascending indices into the uncut encoder. */
export interface KeptParts {
  readonly vocabulary: Uint32Array;
  /** The first so many. */
  readonly positions: number;
  /** Dimensions of the hidden state. */
  readonly width: Uint32Array;
  readonly layers: Uint32Array;
  /** By layer of the uncut encoder, equally many in each. */
  readonly heads: readonly Uint32Array[];
  readonly feedForward: readonly Uint32Array[];
}

const upTo = (count: number): Uint32Array => Uint32Array.from({ length: count }, (_, i) => i);

/** Everything that an encoder has. */
export function allParts(config: PretrainedConfig): KeptParts {
  return {
    vocabulary: upTo(config.vocabularySize),
    positions: config.maxPositions,
    width: upTo(config.width),
    layers: upTo(config.layers.length),
    heads: config.layers.map(() => upTo(config.heads)),
    feedForward: config.layers.map(() => upTo(config.feedForward)),
  };
}

/** What an axis of a parameter runs over. */
type Axis = "labels" | "vocabulary" | "positions" | "types" | "width" | "heads" | "qkv" | "feedForward" | "up";

/** Axes by the end of a parameter's name; the first row that fits. */
const AXES: readonly (readonly [RegExp, readonly Axis[]])[] = [
  [/^table$/, ["vocabulary", "width"]],
  [/^position\.table$/, ["positions", "width"]],
  [/^type\.table$/, ["types", "width"]],
  [/norm\.(gamma|beta)$/, ["width"]],
  [/attention\.qkv\.weight$/, ["qkv", "width"]],
  [/attention\.qkv\.bias$/, ["qkv"]],
  [/attention\.out\.weight$/, ["width", "heads"]],
  [/mlp\.up\.weight$/, ["up", "width"]],
  [/mlp\.up\.bias$/, ["up"]],
  [/mlp\.down\.weight$/, ["width", "feedForward"]],
  [/(out|down)\.bias$/, ["width"]],
  [/^head\.dense\.weight$/, ["width", "width"]],
  [/^head\.dense\.bias$/, ["width"]],
  [/^head\.weight$/, ["labels", "width"]],
  [/^head\.bias$/, ["labels"]],
];

function axesOf(name: string): readonly Axis[] {
  const row = AXES.find(([pattern]) => pattern.test(name));
  if (row === undefined) throw new InvariantError(`cut: no axes are known for ${name}`);
  return row[1];
}

/** Indices of blocks of `size` elements. */
function expanded(blocks: Uint32Array, size: number): Uint32Array {
  return Uint32Array.from(
    { length: blocks.length * size },
    (_, i) => (blocks[Math.floor(i / size)] ?? 0) * size + (i % size),
  );
}

/** The same indices in `copies` parts of `partLength` elements that follow each other. */
function repeated(indices: Uint32Array, copies: number, partLength: number): Uint32Array {
  const { length } = indices;
  return Uint32Array.from(
    { length: copies * length },
    (_, i) => Math.floor(i / length) * partLength + (indices[i % length] ?? 0),
  );
}

/** Kept indices of one axis of a parameter that belongs to `layer`, `size` long before the cut. */
function keptOf(axis: Axis, kept: KeptParts, config: PretrainedConfig, layer: number, size: number): Uint32Array {
  const heads = (): Uint32Array => expanded(kept.heads[layer] ?? upTo(0), config.width / config.heads);
  const neurons = kept.feedForward[layer] ?? upTo(0);
  switch (axis) {
    case "labels":
    case "types":
      return upTo(size);
    case "vocabulary":
      return kept.vocabulary;
    case "positions":
      return upTo(kept.positions);
    case "width":
      return kept.width;
    case "heads":
      return heads();
    case "qkv":
      return repeated(heads(), 3, config.width);
    case "feedForward":
      return neurons;
    case "up":
      return repeated(neurons, size / config.feedForward, config.feedForward);
  }
}

/** values [rows, columns] at these rows and columns; a vector has one column. */
function select(values: Float32Array, columns: number, keptRows: Uint32Array, keptColumns: Uint32Array): Float32Array {
  const result = new Float32Array(keptRows.length * keptColumns.length);
  let at = 0;
  for (const row of keptRows) for (const column of keptColumns) result[at++] = values[row * columns + column] ?? NaN;
  return result;
}

function countOf(parts: readonly Uint32Array[], what: string): number {
  const [first] = parts;
  const count = first?.length ?? 0;
  if (parts.some(({ length }) => length !== count))
    throw new UsageError(
      `cut: every layer must keep equally many ${what}, came ${parts.map((p) => p.length).join(", ")}`,
    );
  return count;
}

/** The encoder of the parts that stay. @throws UsageError where the family's config.json cannot state the cut. */
export function cutEncoder({ config, values }: EncoderWeights, kept: KeptParts): EncoderWeights {
  const heads = countOf(kept.heads, "heads");
  if (heads * (config.width / config.heads) !== kept.width.length)
    throw new UsageError(
      `cut: ${heads} heads of ${config.width / config.heads} need as many dimensions, came ${kept.width.length}`,
    );
  const after = cutConfig(config, {
    vocabularySize: kept.vocabulary.length,
    maxPositions: kept.positions,
    width: kept.width.length,
    layers: [...kept.layers],
    heads,
    feedForward: countOf(kept.feedForward, "neurons"),
  });
  const labels = values.get("head.bias")?.length;
  const classifier = values.has("head.dense.weight") ? familyOf(config).classifier : undefined;
  const listed = (of: PretrainedConfig) => [
    ...pretrainedParameters(of),
    ...(labels === undefined ? classifierParameters(of, classifier) : headParameters(of, labels, classifier)),
  ];
  const before = new Map(listed(config).map((parameter) => [parameter.name, parameter]));
  return {
    config: after,
    values: new Map(
      listed(after).map(({ name, shape }) => {
        const layer = kept.layers[Number(/^layer(\d+)\./.exec(name)?.[1] ?? 0)] ?? 0;
        const source = name.replace(/^layer\d+\./, `layer${layer}.`);
        const numbers = values.get(source);
        const [rows = 1, columns = 1] = before.get(source)?.shape ?? [];
        if (numbers?.length !== rows * columns)
          throw new InvariantError(`cut: ${source} is missing or of another size`);
        const [first = "width", second] = axesOf(name);
        const result = select(
          numbers,
          columns,
          keptOf(first, kept, config, layer, rows),
          second === undefined ? upTo(1) : keptOf(second, kept, config, layer, columns),
        );
        if (result.length !== elementCount(shape)) throw new InvariantError(`cut: ${name} came out of another size`);
        return [name, result];
      }),
    ),
  };
}
