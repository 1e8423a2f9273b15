/** @file Rows of scaled dot-product attention (Vaswani et al. 2017) with grouped key and value heads, and of rotary positions
 *  (Su et al. 2021, halves rotated as in Llama). Training composes them; serving uses the fused node where there is one. */
import { always, type Lowering, type OpTable } from "./op-row.js";
import { formatShape, quotientOf, sameShape } from "./dims.js";
import { firstOf, pairOf, sameAsFirst } from "./elementwise.js";
import type { Emitter } from "./emitter.js";
import type { Graph } from "./graph.js";
import type { AttentionAttributes, Dim, OpNode, ReferenceContext, ShapeContext, Typed, Value } from "./types.js";

/** Added to scores that may not be attended to. */
const BLOCKED = -1e9;

interface Heads {
  readonly headWidth: number;
  /** Query heads per key and value head. */
  readonly group: number;
}

function headsOf(queryWidth: number, { heads, keyValueHeads }: AttentionAttributes): Heads {
  return { headWidth: queryWidth / heads, group: heads / keyValueHeads };
}

function attentionShape(at: ShapeContext<"attention">): Typed {
  const { attributes, fail } = at;
  const [q, k, v, mask] = at.inputs;
  if (q === undefined || k === undefined || v === undefined) return fail("needs q, k and v");
  const width = q.shape[2];
  if (q.shape.length !== 3 || typeof width !== "number")
    return fail(`q must be [batch, length, heads * width], got ${formatShape(q.shape)}`);
  const { headWidth, group } = headsOf(width, attributes);
  if (!Number.isInteger(headWidth) || !Number.isInteger(group)) {
    return fail(`${attributes.heads} heads over ${attributes.keyValueHeads} do not divide width ${width}`);
  }
  const expected = [q.shape[0] ?? 1, k.shape[1] ?? 1, headWidth * attributes.keyValueHeads];
  if (!sameShape(k.shape, expected) || !sameShape(v.shape, expected)) {
    return fail(`k and v must be ${formatShape(expected)}, got ${formatShape(k.shape)} and ${formatShape(v.shape)}`);
  }
  if (mask !== undefined && !sameShape(mask.shape, expected.slice(0, 2))) {
    return fail(`mask must be ${formatShape(expected.slice(0, 2))}, got ${formatShape(mask.shape)}`);
  }
  if ((attributes.causal || attributes.reach !== undefined) && k.shape[1] !== q.shape[1])
    return fail("causal and local attention need q and k of one length");
  return { shape: q.shape, type: "f32" };
}

/** [T, T]: what keeps a query from keys by their places alone; undefined where nothing does. */
function placeBias(graph: Graph, q: Value, { causal, reach }: AttentionAttributes): Value | undefined {
  const future = causal ? graph.apply("causalBias", [q], {}) : undefined;
  const far = reach === undefined ? undefined : graph.apply("windowBias", [q], { reach });
  return future !== undefined && far !== undefined ? graph.add(future, far) : (future ?? far);
}

function composeAttention({ graph, inputs, attributes }: OpNode<"attention"> & { readonly graph: Graph }): Value {
  const [q, k] = pairOf(inputs);
  const v = inputs[2] ?? k;
  const mask = inputs[3];
  const [batch = 1, length = 1, width] = q.shape;
  const keys = k.shape[1] ?? 1;
  const { headWidth, group } = headsOf(typeof width === "number" ? width : 1, attributes);
  const { keyValueHeads } = attributes;
  const split = (x: Value, size: number[], permutation: readonly number[]): Value =>
    graph.transpose(graph.reshape(x, [0, 0, ...size]), permutation);
  const scaled = graph.scale(q, 1 / Math.sqrt(headWidth));
  const queries =
    group === 1
      ? split(scaled, [keyValueHeads, headWidth], [0, 2, 1, 3])
      : graph.reshape(split(scaled, [keyValueHeads, group, headWidth], [0, 2, 3, 1, 4]), [
          batch,
          keyValueHeads,
          -1,
          headWidth,
        ]);
  let scores = graph.matmul(queries, split(k, [keyValueHeads, headWidth], [0, 2, 3, 1]));
  const grouped = [batch, keyValueHeads, group, length, keys];
  const flat = scores.shape;
  const places = placeBias(graph, q, attributes);
  if (group > 1 && places !== undefined) scores = graph.reshape(scores, grouped);
  let bias = places;
  if (mask !== undefined) {
    const open = graph.reshape(graph.stopGradient(mask), [batch, ...scores.shape.slice(1, -1).map(() => 1), keys]);
    const padding = graph.scale(graph.addScalar(open, -1), -BLOCKED);
    bias = bias === undefined ? padding : graph.add(padding, bias);
  }
  if (bias !== undefined) scores = graph.add(scores, bias);
  const weights = graph.softmax(graph.reshape(scores, flat), -1);
  const mixed = graph.matmul(weights, split(v, [keyValueHeads, headWidth], [0, 2, 1, 3]));
  if (group === 1) return graph.reshape(graph.transpose(mixed, [0, 2, 1, 3]), q.shape);
  const heads = graph.reshape(mixed, [batch, keyValueHeads, group, length, headWidth]);
  return graph.reshape(graph.transpose(heads, [0, 3, 1, 2, 4]), q.shape);
}

function referenceAttention({
  inputs: [q, k, v, mask],
  attributes,
  shape,
}: ReferenceContext<"attention">): Float64Array {
  const [batch = 1, length = 1, width = 1] = shape;
  const keys = k?.shape[1] ?? 1;
  const { headWidth, group } = headsOf(width, attributes);
  const keyWidth = headWidth * attributes.keyValueHeads;
  const out = new Float64Array(batch * length * width);
  for (let row = 0; row < batch * length * attributes.heads; row++) {
    const head = row % attributes.heads;
    const token = Math.floor(row / attributes.heads);
    const b = Math.floor(token / length);
    const offset = (s: number): number => (b * keys + s) * keyWidth + Math.floor(head / group) * headWidth;
    const scores = Array.from({ length: keys }, (_, s) => {
      const distance = s - (token % length);
      const isFar = Math.abs(distance) > (attributes.reach ?? Infinity);
      let score = (1 - (mask?.data[b * keys + s] ?? 1)) * BLOCKED;
      score += (attributes.causal && distance > 0 ? BLOCKED : 0) + (isFar ? BLOCKED : 0);
      for (let j = 0; j < headWidth; j++) {
        score +=
          ((q?.data[token * width + head * headWidth + j] ?? 0) * (k?.data[offset(s) + j] ?? 0)) / Math.sqrt(headWidth);
      }
      return score;
    });
    const top = Math.max(...scores);
    const total = scores.reduce((sum, score) => sum + Math.exp(score - top), 0);
    for (let j = 0; j < headWidth; j++) {
      out[token * width + head * headWidth + j] = scores.reduce(
        (sum, score, s) => sum + (Math.exp(score - top) / total) * (v?.data[offset(s) + j] ?? 0),
        0,
      );
    }
  }
  return out;
}

/** [T, T]: 0 at most `reach` places from the diagonal, BLOCKED beyond. */
function emitWindow(emitter: Emitter, shape: readonly Dim[], reach: number): string {
  const full = emitter.emit("Expand", [emitter.scalar(BLOCKED), emitter.sizes(shape)])[0];
  const side = (upper: 0 | 1, offset: number): string =>
    emitter.emit("Trilu", [full, emitter.int64([offset], [])], { attributes: { upper } })[0];
  return emitter.emit("Add", [side(1, reach + 1), side(0, -reach - 1)])[0];
}

function squareOfLength({ inputs: [x], fail }: ShapeContext<"causalBias" | "windowBias">): Typed {
  if (x === undefined) return fail("needs a value [batch, length, ...]");
  return { shape: [x.shape[1] ?? 1, x.shape[1] ?? 1], type: "f32" };
}

/** MultiHeadAttention; grouped keys and values are repeated first, because it knows one head count only. */
const serveAttention: Lowering<"attention"> = ({
  emitter,
  inputs,
  names: [q = "", k = "", v = "", mask],
  attributes,
}) => {
  const { heads, keyValueHeads } = attributes;
  const width = firstOf(inputs).shape[2];
  const { headWidth, group } = headsOf(typeof width === "number" ? width : 1, attributes);
  const widened = (name: string): string => {
    if (group === 1) return name;
    const split = emitter.emit("Reshape", [name, emitter.int64([0, 0, keyValueHeads, 1, headWidth])])[0];
    const repeated = emitter.emit("Expand", [split, emitter.int64([1, 1, 1, group, 1])])[0];
    return emitter.emit("Reshape", [repeated, emitter.int64([0, 0, heads * headWidth])])[0];
  };
  const operands = [q, widened(k), widened(v)];
  if (mask !== undefined) operands.push("", emitter.emit("Cast", [mask], { attributes: { to: 6 } })[0]);
  if (attributes.reach !== undefined) {
    if (mask === undefined) operands.push("", "");
    const length = firstOf(inputs).shape[1] ?? 1;
    const bias = emitWindow(emitter, [length, length], attributes.reach);
    operands.push(emitter.emit("Unsqueeze", [bias, emitter.int64([0, 1])])[0]);
  }
  const options = {
    num_heads: heads,
    unidirectional: attributes.causal ? 1 : 0,
    mask_filter_value: { float: BLOCKED },
  };
  return emitter.emit("MultiHeadAttention", operands, { domain: "com.microsoft", attributes: options })[0];
};

function rotaryShape(at: ShapeContext<"rotary">): Typed {
  const typed = sameAsFirst(at);
  const [, length = 1, width] = typed.shape;
  const half = typeof width === "number" ? quotientOf(width, at.attributes.heads * 2) : undefined;
  if (typed.shape.length !== 3 || half === undefined)
    return at.fail(`x must be [batch, length, heads * even width], got ${formatShape(typed.shape)}`);
  for (const table of at.inputs.slice(1)) {
    if (!sameShape(table.shape, [length, half]))
      return at.fail(`cos and sin must be ${formatShape([length, half])}, got ${formatShape(table.shape)}`);
  }
  return typed;
}

function composeRotary({ graph, inputs, attributes }: OpNode<"rotary"> & { readonly graph: Graph }): Value {
  const [x, cos] = pairOf(inputs);
  const sin = inputs[2] ?? cos;
  const half = sin.shape[1];
  const size = typeof half === "number" ? half : 1;
  const heads = graph.reshape(x, [0, 0, attributes.heads, 2 * size]);
  const table = (value: Value): Value => graph.reshape(value, [value.shape[0] ?? 1, 1, size]);
  const [left, right] = [graph.slice(heads, 3, 0, size), graph.slice(heads, 3, size, 2 * size)];
  const turned = (a: Value, b: Value): readonly [Value, Value] => [graph.mul(a, table(cos)), graph.mul(b, table(sin))];
  const [leftCos, rightSin] = turned(left, right);
  const [rightCos, leftSin] = turned(right, left);
  return graph.reshape(graph.concat([graph.sub(leftCos, rightSin), graph.add(rightCos, leftSin)], 3), x.shape);
}

function referenceRotary({ inputs: [x, cos, sin], attributes, shape }: ReferenceContext<"rotary">): Float64Array {
  const [, length = 1, width = 1] = shape;
  const headWidth = width / attributes.heads;
  const half = headWidth / 2;
  return (x?.data ?? new Float64Array(0)).map((value, i, data) => {
    const place = i % headWidth;
    const table = (Math.floor(i / width) % length) * half + (place % half);
    const partner = place < half ? -(data[i + half] ?? 0) : (data[i - half] ?? 0);
    return value * (cos?.data[table] ?? 0) + partner * (sin?.data[table] ?? 0);
  });
}

export const attentionRows: Pick<OpTable, "attention" | "causalBias" | "windowBias" | "rotary"> = {
  attention: {
    shape: attentionShape,
    gradient: "composed",
    reference: referenceAttention,
    lower: { cpu: { train: "composed", serve: serveAttention } },
    compose: composeAttention,
  },
  causalBias: {
    shape: squareOfLength,
    gradient: "none",
    reference: ({ shape: [rows = 1, columns = 1] }) =>
      new Float64Array(rows * columns).map((_, i) => (i % columns > Math.floor(i / columns) ? BLOCKED : 0)),
    lower: always(({ emitter, output }) => {
      const full = emitter.emit("Expand", [emitter.scalar(BLOCKED), emitter.sizes(output.shape)])[0];
      return emitter.emit("Trilu", [full, emitter.int64([1], [])], { attributes: { upper: 1 } })[0];
    }),
  },
  windowBias: {
    shape: squareOfLength,
    gradient: "none",
    reference: ({ shape: [rows = 1, columns = 1], attributes: { reach } }) =>
      new Float64Array(rows * columns).map((_, i) =>
        Math.abs((i % columns) - Math.floor(i / columns)) > reach ? BLOCKED : 0,
      ),
    lower: always(({ emitter, output, attributes: { reach } }) => emitWindow(emitter, output.shape, reach)),
  },
  rotary: {
    shape: rotaryShape,
    gradient: "composed",
    reference: referenceRotary,
    lower: { cpu: { train: "composed", serve: "composed" } },
    compose: composeRotary,
  },
};
