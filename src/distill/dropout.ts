/** @file Dropout masks as a pure function of (seed, step, site): no random state lives in a session, so a resumed run
 *  draws what an uninterrupted one would. Knows no graph. */
import { createRandom } from "../random.js";

/** Rates are realised in steps of 1/256: one draw of 32 bits decides four places. */
const LEVELS = 256;

/** Fills with 0 (dropped) or 1 / (1 - rate) (kept). */
export function fillDropoutMask(
  mask: Float32Array,
  rate: number,
  seed: number,
  step: number,
  site: string,
): Float32Array {
  const threshold = Math.round(rate * LEVELS);
  if (threshold === 0) return mask.fill(1);
  const scale = LEVELS / (LEVELS - threshold);
  const random = createRandom(seed, `dropout/${step}/${site}`);
  for (let i = 0; i < mask.length; i += 4) {
    const bits = (random.float() * 4294967296) | 0;
    mask[i] = (bits & 255) < threshold ? 0 : scale;
    if (i + 1 < mask.length) mask[i + 1] = ((bits >>> 8) & 255) < threshold ? 0 : scale;
    if (i + 2 < mask.length) mask[i + 2] = ((bits >>> 16) & 255) < threshold ? 0 : scale;
    if (i + 3 < mask.length) mask[i + 3] = bits >>> 24 < threshold ? 0 : scale;
  }
  return mask;
}

/** 1 keeps a token, 0 drops it, [count]; nothing is rescaled, for a layer norm follows. */
export function tokenKeepMask(count: number, rate: number, seed: number, step: number): Uint8Array {
  const keep = new Uint8Array(count).fill(1);
  if (rate <= 0) return keep;
  const random = createRandom(seed, `tokens/${step}`);
  for (let i = 0; i < count; i++) if (random.float() < rate) keep[i] = 0;
  return keep;
}
