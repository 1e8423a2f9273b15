/** @file 16-bit packing against files that Python wrote, and as a round trip. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { packBF16, packF16, unpackBF16, unpackF16 } from "./half.js";

const reference = JSON.parse(readFileSync("test/reference/safetensors/values.json", "utf8")) as {
  source: number[];
  float16: { matrix: number[] };
  bfloat16: { matrix: number[] };
};
const ALL_BITS = Uint16Array.from({ length: 0x10000 }, (_, bits) => bits);

describe.each([
  ["F16", packF16, unpackF16, reference.float16.matrix, 65_504],
  ["BF16", packBF16, unpackBF16, reference.bfloat16.matrix, 3.3895313892515355e38],
] as const)("%s", (_, pack, unpack, expected, largest) => {
  const roundTrip = (values: Float32Array): Float32Array => {
    const into = new Float32Array(values.length);
    unpack(pack(values), into);
    return into;
  };

  it("rounds as numpy does, zeros with sign and subnormals among them", () => {
    expect([...roundTrip(Float32Array.from(reference.source))]).toEqual(expected);
  });

  it("gives every bit pattern back, NaN as NaN", () => {
    const values = new Float32Array(ALL_BITS.length);
    unpack(ALL_BITS, values);
    const back = pack(values);
    const changed = [...ALL_BITS].filter((bits) => back[bits] !== bits && !Number.isNaN(values[bits]));
    expect(changed).toEqual([]);
    expect([...roundTrip(Float32Array.of(NaN))]).toEqual([NaN]);
  });

  it("turns what is too large into infinity and keeps the largest value", () => {
    expect([...roundTrip(Float32Array.of(largest, -largest, 3.4028234663852886e38, -Infinity))]).toEqual([
      largest,
      -largest,
      Infinity,
      -Infinity,
    ]);
  });
});
