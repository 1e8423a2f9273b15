/** @file Arithmetic on dimensions: products of sizes and symbols, broadcasting as in NumPy and ONNX, axes. Knows no op. */
import type { Dim } from "./types.js";

interface Monomial {
  readonly factor: number;
  readonly symbols: readonly string[];
}

function monomialOf(dim: Dim): Monomial {
  if (typeof dim === "number") return { factor: dim, symbols: [] };
  let factor = 1;
  const symbols: string[] = [];
  for (const part of dim.split("*")) {
    if (/^\d+$/.test(part)) factor *= Number(part);
    else symbols.push(part);
  }
  return { factor, symbols: symbols.sort() };
}

function dimOf({ factor, symbols }: Monomial): Dim {
  if (symbols.length === 0 || factor === 0) return factor;
  return factor === 1 ? symbols.join("*") : [factor, ...symbols].join("*");
}

/** Factors of a dimension: numbers and single symbols. */
export function factorsOf(dim: Dim): readonly Dim[] {
  const { factor, symbols } = monomialOf(dim);
  return factor === 1 && symbols.length > 0 ? symbols : [factor, ...symbols];
}

/** Product of dimensions, 1 for none, in the one normal form ("2*B*T"). */
export function productOf(dims: readonly Dim[]): Dim {
  const parts = dims.map(monomialOf);
  return dimOf({
    factor: parts.reduce((product, part) => product * part.factor, 1),
    symbols: parts.flatMap((part) => part.symbols).sort(),
  });
}

/** a / b where it comes out even, otherwise undefined. */
export function quotientOf(a: Dim, b: Dim): Dim | undefined {
  const whole = monomialOf(a);
  const divisor = monomialOf(b);
  const symbols = [...whole.symbols];
  for (const symbol of divisor.symbols) {
    const at = symbols.indexOf(symbol);
    if (at < 0) return undefined;
    symbols.splice(at, 1);
  }
  const factor = whole.factor / divisor.factor;
  return Number.isInteger(factor) ? dimOf({ factor, symbols }) : undefined;
}

/** The common shape of two operands, or undefined where they do not fit; a symbol fits itself and 1 only. */
export function broadcastShapes(a: readonly Dim[], b: readonly Dim[]): readonly Dim[] | undefined {
  const rank = Math.max(a.length, b.length);
  const shape: Dim[] = [];
  for (let i = 0; i < rank; i++) {
    const left = a[a.length - rank + i] ?? 1;
    const right = b[b.length - rank + i] ?? 1;
    if (left !== right && left !== 1 && right !== 1) return undefined;
    shape.push(left === 1 ? right : left);
  }
  return shape;
}

/** True where both shapes are the same, dimension for dimension. */
export function sameShape(a: readonly Dim[], b: readonly Dim[]): boolean {
  return a.length === b.length && a.every((dim, i) => dim === b[i]);
}

/** "[B,T,512]". */
export function formatShape(shape: readonly Dim[]): string {
  return `[${shape.join(",")}]`;
}

/** A possibly negative axis as an index from the front, undefined when outside. */
export function axisOf(axis: number, rank: number): number | undefined {
  const index = axis < 0 ? axis + rank : axis;
  return Number.isInteger(index) && index >= 0 && index < rank ? index : undefined;
}

/** Shape after a reduction over `axes` (all non-negative). */
export function reducedShape(shape: readonly Dim[], axes: readonly number[], keepDims: boolean): readonly Dim[] {
  if (keepDims) return shape.map((dim, i) => (axes.includes(i) ? 1 : dim));
  return shape.filter((_, i) => !axes.includes(i));
}

/** A shape spec with 0 (copy) and -1 (infer) made explicit, or undefined where it holds another number of elements. */
export function resolveShape(from: readonly Dim[], spec: readonly Dim[]): readonly Dim[] | undefined {
  const copied = spec.map((dim, i) => (dim === 0 ? (from[i] ?? -2) : dim));
  const known = copied.filter((dim) => dim !== -1);
  const rest = quotientOf(productOf(from), productOf(known));
  if (rest === undefined || copied.length - known.length > 1) return undefined;
  if (copied.length === known.length) return rest === 1 ? copied.map((dim) => productOf([dim])) : undefined;
  return copied.map((dim) => (dim === -1 ? rest : productOf([dim])));
}
