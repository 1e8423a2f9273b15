/** @file Limits of the sizes that a pretrained encoder's config.json may state: some times what public models have, so that a
 *  damaged file is refused before memory is asked for. */
import type { Limits } from "./config-fields.js";

/** The largest public encoders are 2,560 wide. */
export const WIDTH: Limits = { minimum: 1, maximum: 16_384 };
/** Deep public encoders have 48. */
export const LAYERS: Limits = { minimum: 1, maximum: 256 };
export const HEADS: Limits = { minimum: 1, maximum: 256 };
export const FEED_FORWARD: Limits = { minimum: 1, maximum: 131_072 };
/** Multilingual vocabularies have 256,000. */
export const VOCABULARY: Limits = { minimum: 1, maximum: 2_000_000 };
/** Long encoders read 8,192 tokens. */
export const POSITIONS: Limits = { minimum: 1, maximum: 131_072 };
export const TOKEN_TYPES: Limits = { minimum: 1, maximum: 16 };
export const EPSILON: Limits = { minimum: 1e-15, maximum: 0.01 };
export const ROTARY_BASE: Limits = { minimum: 1, maximum: 1e9 };
