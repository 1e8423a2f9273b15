/** @file Rows of normalisation along the last axis: the plain normalised value, the inverse deviation that its gradient needs,
 *  and layer norm and RMS norm composed of them. Knows no model. */
import { always, type Lowering, type LoweringContext, type OpTable } from "./op-row.js";
import { formatShape, sameShape } from "./dims.js";
import { firstOf, pairOf, sameAsFirst } from "./elementwise.js";
import type { NormalizeAttributes, Reference, ShapeContext, Typed, Value } from "./types.js";

function affineShape<K extends "layerNorm" | "rmsNorm">(at: ShapeContext<K>): Typed {
  const typed = sameAsFirst(at);
  const width = typed.shape.at(-1) ?? 1;
  if (typeof width !== "number") return at.fail(`last dim must be a number, got ${formatShape(typed.shape)}`);
  for (const weight of at.inputs.slice(1)) {
    if (!sameShape(weight.shape, [width]))
      return at.fail(`weights must be ${formatShape([width])}, got ${formatShape(weight.shape)}`);
  }
  return typed;
}

/** Normalised rows and their inverse deviations. */
function normalizeRows(
  x: Reference | undefined,
  { epsilon, centered }: NormalizeAttributes,
): readonly [Float64Array, Float64Array] {
  if (x === undefined) return [new Float64Array(0), new Float64Array(0)];
  const width = x.shape.at(-1) ?? 1;
  const out = new Float64Array(x.data.length);
  const inverse = new Float64Array(x.data.length / width);
  for (let row = 0; row < inverse.length; row++) {
    const values = x.data.subarray(row * width, (row + 1) * width);
    const mean = centered ? values.reduce((total, value) => total + value, 0) / width : 0;
    const variance = values.reduce((total, value) => total + (value - mean) ** 2, 0) / width;
    const scale = 1 / Math.sqrt(variance + epsilon);
    inverse[row] = scale;
    values.forEach((value, i) => (out[row * width + i] = (value - mean) * scale));
  }
  return [out, inverse];
}

function lowerNormalize(at: LoweringContext<"normalize" | "inverseDeviation">): readonly [string, string] {
  const {
    emitter,
    inputs,
    names: [x = ""],
    attributes,
  } = at;
  const width = firstOf(inputs).shape.at(-1);
  const size = typeof width === "number" ? width : 1;
  const ones = emitter.float32(new Float32Array(size).fill(1), [size]);
  const options = { attributes: { axis: -1, epsilon: { float: attributes.epsilon } } };
  if (attributes.centered) {
    const [y, , inverse = ""] = emitter.emit("LayerNormalization", [x, ones], { ...options, outputs: 3 });
    return [y, inverse];
  }
  const [y, inverse = ""] = emitter.emit("SimplifiedLayerNormalization", [x, ones], { ...options, outputs: 2 });
  return [y, inverse];
}

function serveNorm<K extends "layerNorm" | "rmsNorm">(operator: string): Lowering<K> {
  return ({ emitter, names, attributes }) =>
    emitter.emit(operator, names, { attributes: { axis: -1, epsilon: { float: attributes.epsilon } } })[0];
}

/** x with its last axis averaged, kept as size 1. */
function meanOfLast(
  graph: { reduceMean(x: Value, axes: readonly number[], keepDims: boolean): Value },
  x: Value,
): Value {
  return graph.reduceMean(x, [x.shape.length - 1], true);
}

function widthOf<K extends "normalize" | "inverseDeviation">(at: ShapeContext<K>): Typed {
  const typed = sameAsFirst(at);
  return typeof typed.shape.at(-1) === "number"
    ? typed
    : at.fail(`last dim must be a number, got ${formatShape(typed.shape)}`);
}

export const normRows: Pick<OpTable, "normalize" | "inverseDeviation" | "layerNorm" | "rmsNorm"> = {
  normalize: {
    shape: widthOf,
    gradient: ({ graph, inputs, output, attributes, upstream }) => {
      const slope = graph.mul(output, meanOfLast(graph, graph.mul(upstream, output)));
      const tangent = graph.sub(
        attributes.centered ? graph.sub(upstream, meanOfLast(graph, upstream)) : upstream,
        slope,
      );
      return [graph.mul(tangent, graph.apply("inverseDeviation", [firstOf(inputs)], attributes))];
    },
    reference: ({ inputs: [x], attributes }) => normalizeRows(x, attributes)[0],
    lower: always((at) => lowerNormalize(at)[0]),
  },
  inverseDeviation: {
    shape: (at) => ({ shape: [...widthOf(at).shape.slice(0, -1), 1], type: "f32" }),
    gradient: ({ graph, inputs, output, attributes, upstream }) => {
      const x = firstOf(inputs);
      const width = x.shape.at(-1);
      const normalized = graph.apply("normalize", [x], attributes);
      const factor = graph.scale(
        graph.mul(upstream, graph.square(output)),
        -1 / (typeof width === "number" ? width : 1),
      );
      return [graph.mul(normalized, factor)];
    },
    reference: ({ inputs: [x], attributes }) => normalizeRows(x, attributes)[1],
    lower: always((at) => lowerNormalize(at)[1]),
  },
  layerNorm: {
    shape: affineShape,
    gradient: "composed",
    reference: ({ inputs: [x, gamma, beta], attributes }) => {
      const width = gamma?.data.length ?? 1;
      const [rows] = normalizeRows(x, { ...attributes, centered: true });
      return rows.map((value, i) => value * (gamma?.data[i % width] ?? 1) + (beta?.data[i % width] ?? 0));
    },
    lower: { cpu: { train: "composed", serve: serveNorm("LayerNormalization") } },
    compose: ({ graph, inputs, attributes }) => {
      const [x, gamma] = pairOf(inputs);
      const scaled = graph.mul(graph.apply("normalize", [x], { ...attributes, centered: true }), gamma);
      return inputs[2] === undefined ? scaled : graph.add(scaled, inputs[2]);
    },
  },
  rmsNorm: {
    shape: affineShape,
    gradient: "composed",
    reference: ({ inputs: [x, gamma], attributes }) => {
      const width = gamma?.data.length ?? 1;
      return normalizeRows(x, { ...attributes, centered: false })[0].map(
        (value, i) => value * (gamma?.data[i % width] ?? 1),
      );
    },
    lower: { cpu: { train: "composed", serve: serveNorm("SimplifiedLayerNormalization") } },
    compose: ({ graph, inputs, attributes }) => {
      const [x, gamma] = pairOf(inputs);
      return graph.mul(graph.apply("normalize", [x], { ...attributes, centered: false }), gamma);
    },
  },
};
