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
  const factors = new Float32Array(LEVELS).fill(LEVELS / (LEVELS - threshold), threshold); // a table: branches would be mispredicted
  const random = createRandom(seed, `dropout/${step}/${site}`);
  for (let i = 0; i < mask.length; i += 4) {
    const bits = (random.float() * 4294967296) | 0;
    mask[i] = factors[bits & 255] ?? 0;
    mask[i + 1] = factors[(bits >>> 8) & 255] ?? 0; // past the end of the mask these write nothing
    mask[i + 2] = factors[(bits >>> 16) & 255] ?? 0;
    mask[i + 3] = factors[bits >>> 24] ?? 0;
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
