/** @file Rows that look up and scatter by integer ids. Gradients of tables never use a racing scatter-add: repeated ids are summed
 *  by one matrix product with a one-hot matrix over the ids that occur, then written as unique rows. A table whose row count is
 *  a symbol is taken as already cut to the rows of the batch. */
import { always, type Lowering, type LoweringContext, type OpTable } from "./op-row.js";
import { formatShape, productOf, sameShape } from "./dims.js";
import { firstOf, pairOf } from "./elementwise.js";
import { gatherFourBitRows } from "./four-bit.js";
import { quantizeRows, TABLE_FIT } from "./quantized.js";
import { ShapeError } from "../errors.js";
import type { Emitter } from "./emitter.js";
import type { Reference, ShapeContext, Typed } from "./types.js";

type LookupKind = "embedding" | "embeddingBag";

function lookupShape<K extends LookupKind>({ inputs: [table, ids, weights], fail }: ShapeContext<K>): Typed {
  if (table === undefined || ids === undefined) return fail("needs a table and ids");
  if (table.shape.length !== 2) return fail(`table must have 2 dimensions, got ${formatShape(table.shape)}`);
  if (ids.type !== "i64") return fail(`ids must be i64, got ${ids.type}`);
  const width = table.shape[1] ?? 1;
  if (weights === undefined) return { shape: [...ids.shape, width], type: "f32" };
  if (!sameShape(weights.shape, ids.shape))
    return fail(`weights ${formatShape(weights.shape)} differ from ids ${formatShape(ids.shape)}`);
  return { shape: [...ids.shape.slice(0, -1), width], type: "f32" };
}

function scatterShape({ inputs: [values, ids, weights], attributes, fail }: ShapeContext<"scatterRows">): Typed {
  if (values === undefined || ids === undefined || weights === undefined) return fail("needs values, ids and weights");
  if (!sameShape(values.shape.slice(0, -1), ids.shape.slice(0, -1)) || !sameShape(ids.shape, weights.shape)) {
    return fail(
      `values ${formatShape(values.shape)}, ids ${formatShape(ids.shape)} and weights ${formatShape(weights.shape)} do not fit`,
    );
  }
  return { shape: [attributes.rows, values.shape.at(-1) ?? 1], type: "f32" };
}

function pickShape({ inputs: [x, ids], fail }: ShapeContext<"pick">): Typed {
  if (x === undefined || ids === undefined) return fail("needs x and ids");
  if (ids.type !== "i64") return fail(`ids must be i64, got ${ids.type}`);
  if (!sameShape(x.shape.slice(0, -1), ids.shape))
    return fail(`ids ${formatShape(ids.shape)} do not fit rows of ${formatShape(x.shape)}`);
  return { shape: ids.shape, type: "f32" };
}

/** Rows of the table, multiplied by their scales where the table is stored in fewer bits. */
function gatherRows({ emitter, inputs, names: [table = "", ids = ""] }: LoweringContext<LookupKind>): string {
  const parameter = firstOf(inputs);
  const data = emitter.weightOf(parameter);
  const [rows, columns] = parameter.shape;
  if (
    data === undefined ||
    typeof rows !== "number" ||
    typeof columns !== "number" ||
    !emitter.isQuantized(parameter)
  ) {
    return emitter.emit("Gather", [table, ids])[0];
  }
  const fourBit = gatherFourBitRows(emitter, parameter, data, ids);
  if (fourBit !== undefined) return fourBit;
  const { values, scales } = quantizeRows(data, rows, columns, TABLE_FIT);
  const gathered = emitter.emit("Gather", [emitter.int8(`${parameter.name}.int8`, values, [rows, columns]), ids])[0];
  const scale = emitter.emit("Gather", [
    emitter.namedFloat32(`${parameter.name}.row_scale`, scales, [rows, 1]),
    ids,
  ])[0];
  return emitter.emit("Mul", [emitter.emit("Cast", [gathered], { attributes: { to: 1 } })[0], scale])[0];
}

const lowerBag: Lowering<"embeddingBag"> = (at) => {
  const { emitter, inputs, names } = at;
  const rank = inputs[1]?.shape.length ?? 1;
  const rows = gatherRows(at);
  const row = emitter.emit("Unsqueeze", [names[2] ?? "", emitter.int64([rank - 1])])[0];
  const sum = emitter.emit("MatMul", [row, rows])[0];
  return emitter.emit("Squeeze", [sum, emitter.int64([rank - 1])])[0];
};

/** [n, columns] zeros whose row n receives weights[n, g] at ids[n, g], one g after the other: within one node no place repeats. */
function lowerAssignment(emitter: Emitter, ids: string, weights: string, count: number, shape: string): string {
  let matrix = emitter.emit("Expand", [emitter.float32([0], [1, 1]), shape])[0];
  for (let g = 0; g < count; g++) {
    const range = [emitter.int64([g]), emitter.int64([g + 1]), emitter.int64([1])];
    const column = (name: string): string => emitter.emit("Slice", [name, ...range])[0];
    const operands = [matrix, column(ids), column(weights)];
    matrix = emitter.emit("ScatterElements", operands, { attributes: { axis: 1, reduction: "add" } })[0];
  }
  return matrix;
}

const lowerScatterRows: Lowering<"scatterRows"> = ({
  emitter,
  inputs,
  names: [values = "", ids = "", weights = ""],
  attributes: { rows },
}) => {
  const node = (operator: string, ...operands: string[]): string => emitter.emit(operator, operands)[0];
  const [source, places] = pairOf(inputs);
  const width = source.shape.at(-1) ?? 1;
  const perRow = places.shape.at(-1);
  if (typeof perRow !== "number")
    throw new ShapeError("graph.scatterRows: a gradient needs a fixed number of ids per bag (last dim)");
  const count = perRow;
  const rowCount = productOf(places.shape.slice(0, -1));
  const flatWeights = node("Reshape", weights, emitter.int64([-1, count]));
  const flatValues = node("Reshape", values, emitter.sizes([rowCount, width]));
  const spread = (matrix: string): string =>
    emitter.emit("Gemm", [matrix, flatValues], { attributes: { transA: 1 } })[0];
  if (typeof rows === "string") {
    const flatIds = node("Reshape", ids, emitter.int64([-1, count]));
    return spread(lowerAssignment(emitter, flatIds, flatWeights, count, emitter.sizes([rowCount, rows])));
  }
  const [unique, , inverse = ""] = emitter.emit("Unique", [ids], { outputs: 3 });
  const uniqueCount = emitter.emit("Shape", [unique])[0];
  const shape = emitter.emit("Concat", [emitter.sizes([rowCount]), uniqueCount], { attributes: { axis: 0 } })[0];
  const compactIds = node("Reshape", inverse, emitter.int64([-1, count]));
  const sums = spread(lowerAssignment(emitter, compactIds, flatWeights, count, shape));
  const empty = node("Expand", emitter.float32([0], [1, 1]), emitter.sizes([rows, width]));
  return node("ScatterND", empty, node("Unsqueeze", unique, emitter.int64([1])), sums);
};

function referenceLookup(
  table: Reference | undefined,
  ids: Reference | undefined,
  weights: Reference | undefined,
  shape: readonly number[],
): Float64Array {
  const out = new Float64Array(shape.reduce((product, size) => product * size, 1));
  const width = table?.shape[1] ?? 1;
  const perRow = weights === undefined ? 1 : (ids?.shape.at(-1) ?? 1);
  return out.map((_, i) => {
    let total = 0;
    for (let g = 0; g < perRow; g++) {
      const place = Math.floor(i / width) * perRow + g;
      total += (weights?.data[place] ?? 1) * (table?.data[(ids?.data[place] ?? 0) * width + (i % width)] ?? 0);
    }
    return total;
  });
}

export const embeddingRows: Pick<OpTable, "positions" | LookupKind | "scatterRows" | "pick" | "unpick"> = {
  positions: {
    shape: ({ inputs: [x], fail }) =>
      x === undefined ? fail("needs a value [batch, length, ...]") : { shape: [x.shape[1] ?? 1], type: "i64" },
    gradient: "none",
    reference: ({ shape: [length = 1] }) => new Float64Array(length).map((_, i) => i),
    lower: always(({ emitter, output }) => {
      const end = emitter.emit("Squeeze", [emitter.sizes(output.shape), emitter.int64([0])])[0];
      return emitter.emit("Range", [emitter.int64([0], []), end, emitter.int64([1], [])])[0];
    }),
  },
  embedding: {
    shape: lookupShape,
    gradient: ({ graph, inputs, upstream }) => {
      const [table, ids] = pairOf(inputs);
      const single = graph.reshape(ids, [...ids.shape, 1]);
      const ones = graph.expand(graph.constant(1), single.shape);
      return [graph.apply("scatterRows", [upstream, single, ones], { rows: table.shape[0] ?? 1 }), undefined];
    },
    reference: ({ inputs: [table, ids], shape }) => referenceLookup(table, ids, undefined, shape),
    lower: always(gatherRows),
  },
  embeddingBag: {
    shape: lookupShape,
    gradient: ({ graph, inputs, upstream }) => {
      const [table, ids] = pairOf(inputs);
      const weights = inputs[2] ?? upstream;
      const rank = ids.shape.length;
      const spread = graph.reshape(upstream, [...upstream.shape.slice(0, -1), 1, upstream.shape.at(-1) ?? 1]);
      return [
        graph.apply("scatterRows", [upstream, ids, weights], { rows: table.shape[0] ?? 1 }),
        undefined,
        graph.reduceSum(graph.mul(graph.embedding(table, ids), spread), [rank]),
      ];
    },
    reference: ({ inputs: [table, ids, weights], shape }) => referenceLookup(table, ids, weights, shape),
    lower: always(lowerBag),
  },
  scatterRows: {
    shape: scatterShape,
    gradient: ({ graph, inputs, upstream }) => {
      const [values, ids] = pairOf(inputs);
      const weights = inputs[2] ?? values;
      const rank = ids.shape.length;
      const spread = graph.reshape(values, [...values.shape.slice(0, -1), 1, values.shape.at(-1) ?? 1]);
      return [
        graph.embeddingBag(upstream, ids, weights),
        undefined,
        graph.reduceSum(graph.mul(graph.embedding(upstream, ids), spread), [rank]),
      ];
    },
    reference: ({ inputs: [values, ids, weights], shape: [rows = 1, width = 1] }) => {
      const out = new Float64Array(rows * width);
      const perRow = ids?.shape.at(-1) ?? 1;
      ids?.data.forEach((id, place) => {
        for (let j = 0; j < width; j++) {
          const value = values?.data[Math.floor(place / perRow) * width + j] ?? 0;
          out[id * width + j] = (out[id * width + j] ?? 0) + (weights?.data[place] ?? 0) * value;
        }
      });
      return out;
    },
    lower: always(lowerScatterRows),
  },
  pick: {
    shape: pickShape,
    gradient: ({ graph, inputs, upstream }) => {
      const [x, ids] = pairOf(inputs);
      return [graph.apply("unpick", [upstream, ids], { size: x.shape.at(-1) ?? 1 }), undefined];
    },
    reference: ({ inputs: [x, ids] }) => {
      const width = x?.shape.at(-1) ?? 1;
      return (ids?.data ?? new Float64Array(0)).map((id, row) => x?.data[row * width + id] ?? 0);
    },
    lower: always(({ emitter, names: [x = "", ids = ""] }) => {
      const last = emitter.int64([-1]);
      const column = emitter.emit("Unsqueeze", [ids, last])[0];
      return emitter.emit("Squeeze", [
        emitter.emit("GatherElements", [x, column], { attributes: { axis: -1 } })[0],
        last,
      ])[0];
    }),
  },
  unpick: {
    shape: ({ inputs: [values], attributes, fail }) =>
      values === undefined ? fail("needs values and ids") : { shape: [...values.shape, attributes.size], type: "f32" },
    gradient: ({ graph, inputs, upstream }) => [graph.pick(upstream, pairOf(inputs)[1]), undefined],
    reference: ({ inputs: [values, ids], shape }) => {
      const width = shape.at(-1) ?? 1;
      const out = new Float64Array(shape.reduce((product, size) => product * size, 1));
      ids?.data.forEach((id, row) => (out[row * width + id] = values?.data[row] ?? 0));
      return out;
    },
    lower: always(({ emitter, output, names: [values = "", ids = ""] }) => {
      const column = (name: string): string => emitter.emit("Unsqueeze", [name, emitter.int64([-1])])[0];
      const empty = emitter.emit("Expand", [emitter.scalar(0), emitter.sizes(output.shape)])[0];
      return emitter.emit("ScatterElements", [empty, column(ids), column(values)], { attributes: { axis: -1 } })[0];
    }),
  },
};
