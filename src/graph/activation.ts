/** @file Rows of the activations made of several steps. GELU is the exact form x * Phi(x) with the error function, as in BERT
 *  (Hendrycks and Gimpel 2016); SiLU is x * sigmoid(x). Knows no model. */
import { always, type Lowering, type OpTable } from "./op-row.js";
import { firstOf, sameAsFirst, unaryReference } from "./elementwise.js";
import type { Emitter } from "./emitter.js";

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

interface Gate {
  /** x / sqrt 2. */
  readonly a: string;
  /** Phi(x), the normal distribution: (1 + erf a) / 2, which HardSigmoid computes in one pass, as |erf a| <= 1. */
  readonly phi: string;
}

function emitGate(emitter: Emitter, x: string): Gate {
  const a = emitter.emit("Mul", [x, emitter.scalar(SQRT_HALF)])[0];
  const half = { float: 0.5 };
  const attributes = { alpha: half, beta: half };
  return { a, phi: emitter.emit("HardSigmoid", [emitter.emit("Erf", [a])[0]], { attributes })[0] };
}

/** x Phi(x); Phi(x) is kept for the slope. */
const trainGelu: Lowering<"gelu"> = ({ emitter, names: [x = ""] }) =>
  emitter.emit("Mul", [x, emitGate(emitter, x).phi])[0];

/** Phi(x) + x phi(x), of which the second is a exp(-a^2 + ln(sqrt 2 * phi(0))). */
const lowerGeluSlope: Lowering<"geluSlope"> = ({ emitter, names: [x = ""] }) => {
  const node = (operator: string, ...inputs: string[]): string => emitter.emit(operator, inputs)[0];
  const { a, phi } = emitGate(emitter, x);
  const density = node("Exp", node("Sub", emitter.scalar(Math.log(Math.SQRT2 * DENSITY_AT_ZERO)), node("Mul", a, a)));
  return node("Add", phi, node("Mul", a, density));
};

export const activationRows: Pick<OpTable, "gelu" | "geluSlope" | "silu"> = {
  gelu: {
    shape: sameAsFirst,
    gradient: ({ graph, inputs, upstream }) => [graph.mul(upstream, graph.apply("geluSlope", [firstOf(inputs)], {}))],
    reference: unaryReference((x) => 0.5 * x * (1 + erf(x * SQRT_HALF))),
    lower: {
      cpu: {
        train: trainGelu,
        serve: ({ emitter, names }) => emitter.emit("Gelu", names, { attributes: { approximate: "none" } })[0],
      },
    },
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
