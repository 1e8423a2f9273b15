/** @file What a model's parameter list consists of, and the entries that linear layers and norms have in every model. Knows no
 *  model, no file and no graph. */

export interface ParameterSpec {
  readonly name: string;
  readonly shape: readonly number[];
  /** Standard deviation of the normal start; "ones" and "zeros" for norms and biases. */
  readonly start: number | "ones" | "zeros";
  /** Whether weight decay pulls it to zero. */
  readonly decayed: boolean;
}

/** Standard deviation of the normal start of weights (Devlin et al. 2019). */
export const WEIGHT_DEVIATION = 0.02;

/** `name.weight` [outputs, inputs] and, unless told otherwise, `name.bias` [outputs]. */
export function linearParameters(
  name: string,
  outputs: number,
  inputs: number,
  options: { readonly deviation?: number; readonly bias?: boolean } = {},
): ParameterSpec[] {
  const { deviation = WEIGHT_DEVIATION, bias = true } = options;
  const weight: ParameterSpec = { name: `${name}.weight`, shape: [outputs, inputs], start: deviation, decayed: true };
  return bias ? [weight, { name: `${name}.bias`, shape: [outputs], start: "zeros", decayed: false }] : [weight];
}

/** `name.gamma` and, unless told otherwise, `name.beta`, both [width]. */
export function normParameters(
  name: string,
  width: number,
  options: { readonly bias?: boolean } = {},
): ParameterSpec[] {
  const gamma: ParameterSpec = { name: `${name}.gamma`, shape: [width], start: "ones", decayed: false };
  return (options.bias ?? true)
    ? [gamma, { name: `${name}.beta`, shape: [width], start: "zeros", decayed: false }]
    : [gamma];
}
