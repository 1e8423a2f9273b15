/** @file Tables of rotary positions (Su et al. 2021), rounded to float32 step by step as the pretrained models saw them. Knows no
 *  graph. */

export interface RotaryNumbers {
  /** Both [positions, half] row-major. */
  readonly cos: Float32Array;
  readonly sin: Float32Array;
  readonly shape: readonly [number, number];
}

/** Angles position * base^(-2i / head width), halves rotated. */
export function rotaryNumbers(positions: number, headWidth: number, base: number): RotaryNumbers {
  const half = headWidth / 2;
  const frequencies = Array.from({ length: half }, (_, i) =>
    Math.fround(1 / Math.fround(base ** Math.fround((2 * i) / headWidth))),
  );
  const cos = new Float32Array(positions * half);
  const sin = new Float32Array(positions * half);
  for (let position = 0; position < positions; position++) {
    for (const [i, frequency] of frequencies.entries()) {
      const angle = Math.fround(position * frequency);
      cos[position * half + i] = Math.cos(angle);
      sin[position * half + i] = Math.sin(angle);
    }
  }
  return { cos, sin, shape: [positions, half] };
}
