/** @file A pretrained encoder with a label head, as the training loop sees it: of its word table only the rows that the texts use are
 *  held, and of those a batch feeds the ones it needs. Knows no tokenizer, no loop and no loss. */
import { ConfigError } from "../errors.js";
import { pretrainedParameters, WORD_TABLE } from "../models/pretrained-parameters.js";
import { denseParameters, type PretrainedModel } from "../models/pretrained.js";
import type { ParameterSpec } from "../models/parameters.js";
import { innerLossFormulas, projectionParameters } from "./inner-losses.js";
import { elementCount, f32, i64, type Tensor } from "../tensor/tensor.js";
import { floatsOf } from "./adam.js";
import {
  buildPretrainedTraining,
  compilePretrainedEvaluation,
  isFrozen,
  NOTHING_FROZEN,
  ROWS,
  splitFrozen,
  TEACHER_PREFIX,
} from "./pretrained-graph.js";
import { layerRateRatio, rateSpans } from "./layer-rates.js";
import type { InnerTeacher, PretrainedTrainSpec } from "./spec.js";
import type { TaughtStates } from "./taught-states.js";
import {
  type Front,
  type FrontOptions,
  largestMagnitude,
  namedWeights,
  type TrainedEncoder,
} from "./trained-encoder.js";
import { layoutOf, startValues } from "./training-graph.js";

const GRADIENT = `gradient.${ROWS}`;

/** Checks sequences and weights and lays them out; a teacher runs with every batch unless its hidden states are there. @throws ConfigError when a
 *  text is empty or too long, an id is outside the vocabulary, or weights are missing. */
export function pretrainedEncoder(spec: PretrainedTrainSpec, states?: TaughtStates): TrainedEncoder {
  const { losses, seed, start, frozen = NOTHING_FROZEN, teacher, quantizationAware: rounded = false } = spec;
  const model: PretrainedModel = { ...spec.model, labelCount: spec.labelCount };
  const { width, vocabularySize } = model.config;
  checkPretrainedSpec(spec);
  const parts = splitFrozen(model, frozen);
  const projections =
    teacher === undefined ? [] : projectionParameters(teacher.losses, model.config, teacher.model.config);
  const layout = layoutOf([...parts.trained, ...projections]);
  const vocabulary = usedIds(spec.sequences, vocabularySize);
  const table = { rows: vocabulary.ids.length, width };
  const valuesOf = (parameter: ParameterSpec): Float32Array =>
    projections.some(({ name }) => name === parameter.name)
      ? startValues(parameter, seed)
      : startOf(start, parameter, seed);
  const wholeTable = (): Float32Array => startOf(start, tableOf(model), seed);
  const tableIsFrozen = isFrozen(WORD_TABLE, frozen);
  const rateOf = (name: string): number => layerRateRatio(name, model.config.layers.length, spec.layerDecay ?? 1);
  const sequences = spec.sequences.map((ids) => ids.map((id) => vocabulary.places[id] ?? 0));
  const seen = new Int32Array(table.rows);
  const runsTeacher = teacher !== undefined && states === undefined;
  const taught = runsTeacher ? teacherTable(teacher, vocabulary.ids) : undefined;
  return {
    towers: 1,
    sequences,
    table,
    layout,
    rates: rateSpans(layout, rateOf),
    tableRateRatio: rateOf(WORD_TABLE),
    innerFormulas: teacher === undefined ? [] : innerLossFormulas(teacher.losses),
    fixed: {
      ...Object.fromEntries(
        parts.frozen.map((parameter) => [parameter.name, f32(parameter.shape, valuesOf(parameter))]),
      ),
      ...(runsTeacher && teacherWeights(teacher)),
    },
    startTable: () => rowsOf(wholeTable(), vocabulary.ids, width, 0),
    startDense: () => {
      const dense = new Float32Array(layout.length);
      for (const parameter of layout.parameters) dense.set(valuesOf(parameter), parameter.offset);
      return dense;
    },
    buildGraph: () =>
      buildPretrainedTraining(model, losses, { dropout: spec.dropout > 0, frozen, teacher, states, rounded }),
    compileEvaluation: () => compilePretrainedEvaluation(model, rounded),
    front: (rows, options) => wordFront({ sequences, width, seen, tableIsFrozen, taught, states }, rows, options),
    weightsOf: (dense, rows) => {
      const named = new Map(namedWeights(layout, dense));
      for (const { name } of projections) named.delete(name);
      if (tableIsFrozen) return named;
      const whole = wholeTable().slice();
      for (const [i, id] of vocabulary.ids.entries()) whole.set(rows.subarray(i * width, (i + 1) * width), id * width);
      return named.set(WORD_TABLE, whole);
    },
  };
}

/** @throws ConfigError when a text is empty or too long, an id is outside the vocabulary, or the teacher has another one. */
export function checkPretrainedSpec({ sequences, model, teacher }: PretrainedTrainSpec): void {
  const { vocabularySize } = model.config;
  const taughtIds = teacher?.model.config.vocabularySize ?? vocabularySize;
  if (taughtIds !== vocabularySize)
    throw new ConfigError(`training: the teacher has ${taughtIds} token ids, the student ${vocabularySize}`, {
      hint: "trim the student's vocabulary after it has been taught",
    });
  for (const [row, ids] of sequences.entries()) {
    if (ids.length < 1 || ids.length > model.maxTokens)
      throw new ConfigError(`training: text ${row} has ${ids.length} tokens, expected 1 to ${model.maxTokens}`);
    const stray = ids.find((id) => id < 0 || id >= vocabularySize);
    if (stray !== undefined)
      throw new ConfigError(`training: text ${row} has the token id ${stray}, expected 0 to ${vocabularySize - 1}`, {
        hint: "tokenizer and model must belong together",
      });
  }
}

function tableOf(model: Pick<PretrainedModel, "config">): ParameterSpec {
  const found = pretrainedParameters(model.config).find(({ name }) => name === WORD_TABLE);
  if (found === undefined) throw new ConfigError("training: an encoder without a word table");
  return found;
}

/** Given values, or for the head fresh ones. */
function startOf(start: PretrainedTrainSpec["start"], parameter: ParameterSpec, seed: number): Float32Array {
  const given = start.get(parameter.name);
  if (given === undefined && parameter.name.startsWith("head.")) return startValues(parameter, seed);
  const count = elementCount(parameter.shape);
  if (given?.length !== count)
    throw new ConfigError(
      `training: the weights of ${parameter.name} have ${given?.length ?? 0} values, expected ${count}`,
    );
  return given;
}

/** The dense weights of a teacher, which has no head, by the names of its inputs. */
function teacherWeights({ model: { config }, weights }: InnerTeacher): Record<string, Tensor> {
  return Object.fromEntries(
    denseParameters({ config, labelCount: 0, pooling: "mean" }).map((parameter) => [
      TEACHER_PREFIX + parameter.name,
      f32(parameter.shape, startOf(weights, parameter, 0)),
    ]),
  );
}

interface TaughtTable {
  /** Rows of the token ids that occur. */
  readonly table: Float32Array;
  readonly width: number;
}

function teacherTable({ model, weights }: InnerTeacher, ids: Uint32Array): TaughtTable {
  const { width } = model.config;
  return { table: rowsOf(startOf(weights, tableOf(model), 0), ids, width, 0), width };
}

interface UsedIds {
  /** Token ids that occur, ascending. */
  readonly ids: Uint32Array;
  /** Place in `ids` of each token id that occurs, [vocabulary]. */
  readonly places: Int32Array;
}

function usedIds(sequences: readonly Int32Array[], vocabularySize: number): UsedIds {
  const places = new Int32Array(vocabularySize).fill(-1);
  for (const ids of sequences) for (const id of ids) places[id] = 0;
  const ids = Uint32Array.from(Array.from(places.keys()).filter((id) => places[id] === 0));
  for (const [place, id] of ids.entries()) places[id] = place;
  return { ids, places };
}

/** These rows of a table [.., width] below each other, after `before` rows of zeros. */
function rowsOf(table: Float32Array, ids: Uint32Array, width: number, before: number): Float32Array {
  const rows = new Float32Array((before + ids.length) * width);
  for (const [i, id] of ids.entries()) rows.set(table.subarray(id * width, (id + 1) * width), (before + i) * width);
  return rows;
}

interface WordSource {
  readonly sequences: readonly Int32Array[];
  readonly width: number;
  /** Scratch, zero between calls, [table rows]. */
  readonly seen: Int32Array;
  readonly tableIsFrozen: boolean;
  readonly taught: TaughtTable | undefined;
  readonly states: TaughtStates | undefined;
}

interface WordPlaces {
  readonly rows: number;
  readonly columns: number;
  readonly mask: Float32Array;
  /** Place in `used`, plus 1; 0 is the row of zeros: padding and dropped tokens. */
  readonly ids: Int32Array;
  /** Table rows of the batch, ascending. */
  readonly used: Uint32Array;
}

function wordPlaces({ sequences, seen }: WordSource, rowIds: Uint32Array, { copies, keep }: FrontOptions): WordPlaces {
  const sequenceAt = (b: number): Int32Array => sequences[rowIds[b % rowIds.length] ?? 0] ?? new Int32Array(1);
  const rows = rowIds.length * copies;
  const columns = rowIds.reduce((most, row) => Math.max(most, sequences[row]?.length ?? 0), 1);
  const found: number[] = [];
  for (let b = 0; b < rowIds.length; b++) for (const id of sequenceAt(b)) if (seen[id] === 0) seen[id] = found.push(id);
  const used = Uint32Array.from(found).sort();
  for (const [place, id] of used.entries()) seen[id] = place + 1;
  const mask = new Float32Array(rows * columns);
  const ids = new Int32Array(rows * columns);
  let token = 0;
  for (let b = 0; b < rows; b++) {
    for (const [t, id] of sequenceAt(b).entries()) {
      mask[b * columns + t] = 1;
      if (keep === undefined || keep[token++] !== 0) ids[b * columns + t] = seen[id] ?? 0;
    }
  }
  for (const id of used) seen[id] = 0;
  return { rows, columns, mask, ids, used };
}

function wordFront(source: WordSource, rowIds: Uint32Array, options: FrontOptions): Front {
  const { rows, columns, mask, ids, used } = wordPlaces(source, rowIds, options);
  const { width, tableIsFrozen, taught, states } = source;
  const gradientOf = (results: Readonly<Record<string, Tensor>>): Float32Array =>
    tableIsFrozen ? new Float32Array((used.length + 1) * width) : floatsOf(results[GRADIENT], GRADIENT);
  return {
    rows,
    columns,
    mask,
    touched: tableIsFrozen ? new Uint32Array(0) : used,
    feeds: (table) => ({
      ids: i64([rows, columns], ids),
      [ROWS]: f32([used.length + 1, width], rowsOf(table, used, width, 1)),
      ...(taught !== undefined && {
        [TEACHER_PREFIX + ROWS]: f32([used.length + 1, taught.width], rowsOf(taught.table, used, taught.width, 1)),
      }),
      ...states?.feeds({ rows: rowIds, columns, copies: options.copies }),
    }),
    addTableGradient(results, into) {
      if (tableIsFrozen) return;
      const gradient = gradientOf(results);
      for (const [i, row] of used.entries())
        for (let d = 0; d < width; d++)
          into[row * width + d] = (into[row * width + d] ?? 0) + (gradient[(i + 1) * width + d] ?? 0);
    },
    paddingGradient: (results) => largestMagnitude(gradientOf(results).subarray(0, width)),
  };
}
