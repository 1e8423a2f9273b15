import { describe, expect, it } from "vitest";
import { ConfigError } from "../errors.js";
import { gradients } from "../graph/gradients.js";
import { createGraph } from "../graph/create-graph.js";
import type { Graph } from "../graph/graph.js";
import { interpret } from "../graph/interpret.js";
import type { Reference, Value } from "../graph/types.js";
import { createRandom } from "../random.js";
import {
  buildInnerLosses,
  innerLossFormulas,
  type InnerLossSpec,
  keptLayers,
  type LayerPair,
  lastLayers,
  projectionName,
  projectionParameters,
  uniformLayers,
} from "./inner-losses.js";

const ROWS = 2;
const COLUMNS = 3;
const WIDTHS = { student: 4, teacher: 6 } as const;
const LAYERS = { student: 2, teacher: 3 } as const;
const random = createRandom(4, "inner losses");
const draw = (shape: readonly number[]): Reference => ({
  shape,
  data: Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()),
});

type Side = "student" | "teacher";
const SIDES = ["student", "teacher"] as const;
const PARTS = ["query", "key", "value"] as const;
const pairs: readonly LayerPair[] = [
  [1, 2],
  [2, 3],
];

const feeds = new Map<string, Reference>([
  ["mask", { shape: [ROWS, COLUMNS], data: Float64Array.of(1, 1, 1, 1, 1, 0) }],
  ["tokenShares", { shape: [ROWS, COLUMNS], data: Float64Array.of(0.1, 0.1, 0.1, 0.35, 0.35, 0) }],
  ...SIDES.flatMap((side) => [
    ...Array.from({ length: LAYERS[side] + 1 }, (_, i): [string, Reference] => [
      `${side}.hidden${i}`,
      draw([ROWS, COLUMNS, WIDTHS[side]]),
    ]),
    ...Array.from({ length: LAYERS[side] }, (_, i) =>
      PARTS.map((part): [string, Reference] => [`${side}.${part}${i}`, draw([ROWS, COLUMNS, WIDTHS[side]])]),
    ).flat(),
  ]),
  ...[...pairs, [0, 0] as const].map((pair): [string, Reference] => [
    projectionName(pair),
    draw([WIDTHS.teacher, WIDTHS.student]),
  ]),
]);

function inputsOf(graph: Graph, side: Side) {
  const shape = ["B", "T", WIDTHS[side]];
  const hiddenStates = Array.from({ length: LAYERS[side] + 1 }, (_, i) => graph.input(`${side}.hidden${i}`, shape));
  const projections = Array.from({ length: LAYERS[side] }, (_, i) => {
    const [query, key, value] = PARTS.map((part) => graph.input(`${side}.${part}${i}`, shape));
    if (query === undefined || key === undefined || value === undefined) throw new Error("no projections");
    return { query, key, value };
  });
  return { hiddenStates, projections };
}

function lossGraph(specs: readonly InnerLossSpec[]): { graph: Graph; loss: Value } {
  const graph = createGraph();
  const [student, teacher] = [inputsOf(graph, "student"), inputsOf(graph, "teacher")];
  const [tokenShares, mask] = [graph.input("tokenShares", ["B", "T"]), graph.input("mask", ["B", "T"])];
  const projections = new Map(
    projectionParameters(specs, { width: WIDTHS.student }, { width: WIDTHS.teacher }).map(({ name, shape }) => [
      name,
      graph.parameter(name, shape),
    ]),
  );
  const loss = buildInnerLosses(graph, specs, { student, teacher, tokenShares, mask, projections });
  if (loss === undefined) throw new Error("no loss");
  return { graph, loss };
}

const lossOf = (specs: readonly InnerLossSpec[], fed = feeds): number => {
  const { graph, loss } = lossGraph(specs);
  return interpret(graph, [loss], fed)[0]?.data[0] ?? NaN;
};

/** Vector of a token in one of the fed tensors. */
function vectorOf(fed: ReadonlyMap<string, Reference>, name: string, token: number): number[] {
  const { data, shape } = fed.get(name) ?? draw([0]);
  const width = shape[2] ?? 0;
  return Array.from(data.subarray(token * width, (token + 1) * width));
}

const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, x, i) => sum + x * (b[i] ?? NaN), 0);

function projected(pair: LayerPair, vector: readonly number[]): number[] {
  const { data } = feeds.get(projectionName(pair)) ?? draw([0]);
  return Array.from({ length: WIDTHS.teacher }, (_, row) =>
    dot(vector, Array.from(data.subarray(row * vector.length, (row + 1) * vector.length))),
  );
}

/** Sum over tokens of share times value. */
function overTokens(value: (token: number) => number): number {
  const shares = feeds.get("tokenShares")?.data ?? new Float64Array();
  return shares.reduce((sum, share, token) => (share > 0 ? sum + share * value(token) : sum), 0);
}

const distances = {
  "hidden-mse": (a: readonly number[], b: readonly number[]) =>
    a.reduce((sum, x, i) => sum + (x - (b[i] ?? NaN)) ** 2, 0) / a.length,
  "hidden-cosine": (a: readonly number[], b: readonly number[]) => 1 - dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b)),
};

/** One head's softmax over the kept tokens of the same text. */
function relation(name: string, token: number, head: number, heads: number): number[] {
  const text = Math.floor(token / COLUMNS) * COLUMNS;
  const headOf = (t: number): number[] => {
    const vector = vectorOf(feeds, name, t);
    const size = vector.length / heads;
    return vector.slice(head * size, (head + 1) * size);
  };
  const own = headOf(token);
  const kept = [0, 1, 2].map((t) => text + t).filter((t) => feeds.get("mask")?.data[t] === 1);
  const powers = kept.map((t) => Math.exp(dot(own, headOf(t)) / Math.sqrt(own.length)));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}

describe("losses on inner representations", () => {
  it.each(["hidden-mse", "hidden-cosine"] as const)("agree with loops over tokens in float64: %s", (kind) => {
    const expected = pairs.map((pair) =>
      overTokens((token) =>
        distances[kind](
          projected(pair, vectorOf(feeds, `student.hidden${pair[0]}`, token)),
          vectorOf(feeds, `teacher.hidden${pair[1]}`, token),
        ),
      ),
    );
    const mean = expected.reduce((sum, x) => sum + x, 0) / pairs.length;
    expect(lossOf([{ kind, weight: 0.5, layers: pairs }])).toBeCloseTo(0.5 * mean, 10);
  });

  it("agree with loops over tokens in float64: embedding-mse", () => {
    const expected = overTokens((token) =>
      distances["hidden-mse"](
        projected([0, 0], vectorOf(feeds, "student.hidden0", token)),
        vectorOf(feeds, "teacher.hidden0", token),
      ),
    );
    expect(lossOf([{ kind: "embedding-mse", weight: 1 }])).toBeCloseTo(expected, 10);
  });

  it("agree with loops over tokens in float64: relations, whatever the widths", () => {
    const heads = 2;
    const expected = overTokens((token) => {
      let sum = 0;
      for (const part of PARTS)
        for (let head = 0; head < heads; head++) {
          const q = relation(`student.${part}1`, token, head, heads);
          relation(`teacher.${part}2`, token, head, heads).forEach((p, i) => (sum += p * Math.log(p / (q[i] ?? 0))));
        }
      return sum / (PARTS.length * heads);
    });
    expect(lossOf([{ kind: "relations", weight: 2, layers: [[2, 3]], heads }])).toBeCloseTo(2 * expected, 8);
  });

  it("add up, and have the gradients that finite differences give", () => {
    const specs: readonly InnerLossSpec[] = [
      { kind: "hidden-mse", weight: 0.5, layers: pairs },
      { kind: "hidden-cosine", weight: 1, layers: [[1, 2]] },
      { kind: "relations", weight: 0.7, layers: [[2, 3]], heads: 2 },
      { kind: "embedding-mse", weight: 0.3 },
    ];
    expect(lossOf(specs)).toBeCloseTo(
      specs.reduce((sum, spec) => sum + lossOf([spec]), 0),
      10,
    );
    const { graph, loss } = lossGraph(specs);
    const moved = [...graph.inputs, ...graph.parameters].filter(({ name }) => /^(student|projection)/.test(name));
    const slopes = interpret(graph, gradients(graph, loss, moved), feeds);
    const along = moved.map(({ name }) => draw(feeds.get(name)?.shape ?? []));
    const at = (step: number): number => {
      const shifted = new Map(feeds);
      for (const [i, { name }] of moved.entries()) {
        const { shape, data } = feeds.get(name) ?? draw([0]);
        shifted.set(name, { shape, data: data.map((x, j) => x + step * (along[i]?.data[j] ?? 0)) });
      }
      return interpret(graph, [loss], shifted)[0]?.data[0] ?? NaN;
    };
    const slope = slopes.reduce(
      (sum, { data }, i) => sum + data.reduce((part, x, j) => part + x * (along[i]?.data[j] ?? NaN), 0),
      0,
    );
    expect(Math.abs(slope)).toBeGreaterThan(1e-2);
    expect((at(1e-5) - at(-1e-5)) / 2e-5 / slope).toBeCloseTo(1, 6);
  });

  it("are zero when a student is its own teacher", () => {
    const graph = createGraph();
    const side = inputsOf(graph, "student");
    const loss = buildInnerLosses(
      graph,
      [
        { kind: "relations", weight: 1, layers: [[1, 1]], heads: 2 },
        { kind: "hidden-mse", weight: 1, layers: [[1, 1]] },
        { kind: "hidden-cosine", weight: 1, layers: [[2, 2]] },
        { kind: "embedding-mse", weight: 1 },
      ],
      {
        student: side,
        teacher: side,
        tokenShares: graph.input("tokenShares", ["B", "T"]),
        mask: graph.input("mask", ["B", "T"]),
        projections: new Map(),
      },
    );
    if (loss === undefined) throw new Error("no loss");
    expect(interpret(graph, [loss], feeds)[0]?.data[0]).toBeCloseTo(0, 10);
  });

  it("are blind to padding", () => {
    const isPadding = (i: number, width: number): boolean => Math.floor(i / width) === ROWS * COLUMNS - 1;
    const padded = new Map(feeds);
    for (const [name, { shape, data }] of feeds) {
      const width = shape[2];
      if (width !== undefined) padded.set(name, { shape, data: data.map((x, i) => (isPadding(i, width) ? 9 : x)) });
    }
    const specs: readonly InnerLossSpec[] = [
      { kind: "relations", weight: 1, layers: [[1, 1]], heads: 2 },
      { kind: "hidden-mse", weight: 1, layers: pairs },
      { kind: "hidden-cosine", weight: 1, layers: pairs },
    ];
    expect(lossOf(specs, padded)).toBeCloseTo(lossOf(specs), 10);
  });

  it("refuse layers that do not exist and heads that do not divide the width", () => {
    expect(() => lossOf([{ kind: "hidden-mse", weight: 1, layers: [[3, 1]] }])).toThrow(ConfigError);
    expect(() => lossOf([{ kind: "hidden-mse", weight: 1, layers: [] }])).toThrow(/no pair of layers/);
    expect(() => lossOf([{ kind: "relations", weight: 1, layers: [[1, 4]], heads: 2 }])).toThrow(/no such layer/);
    expect(() => lossOf([{ kind: "relations", weight: 1, layers: [[1, 1]], heads: 3 }])).toThrow(/do not divide/);
  });

  it("print their formula with the user's numbers, those without weight left out", () => {
    const formulas = innerLossFormulas([
      { kind: "hidden-mse", weight: 0.5, layers: pairs },
      { kind: "hidden-cosine", weight: 0, layers: pairs },
    ]);
    expect(formulas).toEqual(["hidden-mse: 0.5 * mean_t[|P h_t - H_t|^2 / D], layers 1<-2, 2<-3"]);
  });
});

describe("layer maps", () => {
  it("spread evenly, name the last, or follow a cut", () => {
    expect(uniformLayers(3, 6)).toEqual([
      [1, 2],
      [2, 4],
      [3, 6],
    ]);
    expect(uniformLayers(4, 3)).toEqual([
      [1, 1],
      [2, 2],
      [3, 2],
      [4, 3],
    ]);
    expect(lastLayers(3, 6)).toEqual([[3, 6]]);
    expect(keptLayers(Uint32Array.of(1, 3, 5))).toEqual([
      [1, 2],
      [2, 4],
      [3, 6],
    ]);
  });
});
