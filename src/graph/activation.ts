/** @file Rows of the activations made of several steps. GELU is the exact form x * Phi(x) with the error function, as in BERT
 *  (Hendrycks and Gimpel 2016); SiLU is x * sigmoid(x). Knows no model. */
import { firstOf, sameAsFirst, unaryReference } from "./elementwise.js";
import { always } from "./types.js";
import type { Lowering, OpTable } from "./types.js";

/** Error function in float64: Maclaurin series near zero, continued fraction of erfc (Lentz) beyond. */
export function erf(x: number): number {
  const z = Math.abs(x);
  if (z > 6) return Math.sign(x);
  if (z < 2.5) {
    let term = x;
    let sum = x;
    for (let n = 1; n < 80; n++) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let n = 120; n > 0; n--) fraction = n / 2 / (z + fraction);
  return Math.sign(x) * (1 - Math.exp(-z * z) / (Math.sqrt(Math.PI) * (z + fraction)));
}

const SQRT_HALF = Math.SQRT1_2;
const DENSITY_AT_ZERO = 1 / Math.sqrt(2 * Math.PI);

/** Phi(x) + x phi(x) from a = x / sqrt 2: (1 + erf a) / 2 + a exp(-a^2 + ln(sqrt 2 * phi(0))). */
const lowerGeluSlope: Lowering<"geluSlope"> = ({ emitter, names: [x = ""] }) => {
  const node = (operator: string, ...inputs: string[]): string => emitter.emit(operator, inputs)[0];
  const a = node("Mul", x, emitter.scalar(SQRT_HALF));
  const density = node(
    "Exp",
    node("Sub", emitter.scalar(Math.log(2 * Math.SQRT2 * DENSITY_AT_ZERO)), node("Mul", a, a)),
  );
  const twice = node("Add", node("Erf", a), node("Mul", a, density));
  return node("Mul", node("Add", twice, emitter.scalar(1)), emitter.scalar(0.5));
};

export const activationRows: Pick<OpTable, "gelu" | "geluSlope" | "silu"> = {
  gelu: {
    shape: sameAsFirst,
    gradient: ({ graph, inputs, upstream }) => [graph.mul(upstream, graph.apply("geluSlope", [firstOf(inputs)], {}))],
    reference: unaryReference((x) => 0.5 * x * (1 + erf(x * SQRT_HALF))),
    lower: always(({ emitter, names }) => emitter.emit("Gelu", names, { attributes: { approximate: "none" } })[0]),
  },
  geluSlope: {
    shape: sameAsFirst,
    gradient: "none",
    reference: unaryReference((x) => 0.5 * (1 + erf(x * SQRT_HALF)) + x * DENSITY_AT_ZERO * Math.exp(-0.5 * x * x)),
    lower: always(lowerGeluSlope),
  },
  silu: {
    shape: sameAsFirst,
    gradient: "composed",
    reference: unaryReference((x) => x / (1 + Math.exp(-x))),
    lower: {
      cpu: {
        train: "composed",
        serve: ({ emitter, names }) =>
          emitter.emit("QuickGelu", names, { domain: "com.microsoft", attributes: { alpha: { float: 1 } } })[0],
      },
    },
    compose: ({ graph, inputs }) => graph.mul(firstOf(inputs), graph.sigmoid(firstOf(inputs))),
  },
};
