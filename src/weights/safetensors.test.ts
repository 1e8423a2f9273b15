/** @file Safetensors against files that Python wrote (test/reference/safetensors_files.py), against damage, and as a round trip. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { InputError } from "../errors.js";
import { checkFinite, findNonFinite } from "./finite.js";
import { openSafetensors, openShardedSafetensors, writeSafetensors, type FloatType } from "./safetensors.js";

const reference = "test/reference/safetensors";
const values = JSON.parse(readFileSync(`${reference}/values.json`, "utf8")) as Record<string, Record<string, number[]>>;
const folder = mkdtempSync(join(tmpdir(), "joryu-weights-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Writes a file of a header (bytes, text or object) and so many zero bytes. */
function plant(header: unknown, dataBytes: number, claimedLength?: number): string {
  const json = Buffer.isBuffer(header)
    ? header
    : Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const start = Buffer.alloc(8);
  start.writeBigUInt64LE(BigInt(claimedLength ?? json.length));
  const path = join(folder, "planted.safetensors");
  writeFileSync(path, Buffer.concat([start, json, Buffer.alloc(dataBytes)]));
  return path;
}

const f32 = (shape: unknown, begin: unknown, end: unknown) => ({ dtype: "F32", shape, data_offsets: [begin, end] });

describe("openSafetensors", () => {
  it.each(["float32", "float16", "bfloat16"])("reads the %s file that Python wrote, bit for bit", (kind) => {
    const weights = openSafetensors(`${reference}/${kind}.safetensors`);
    expect([...weights.entries.values()].map(({ name, shape }) => [name, shape])).toEqual([
      ["empty", [0, 4]],
      ["matrix", [4, 16]],
      ["scalar", []],
    ]);
    for (const name of weights.entries.keys()) expect([...weights.read(name)]).toEqual(values[kind]?.[name]);
    expect(weights.metadata).toEqual({ format: "pt" });
  });

  it("reads shards of mixed types through their index", () => {
    const weights = openShardedSafetensors(`${reference}/model.safetensors.index.json`);
    expect([...weights.entries.keys()]).toEqual(Object.keys(values["sharded"] ?? {}));
    for (const name of weights.entries.keys()) expect([...weights.read(name)]).toEqual(values["sharded"]?.[name]);
  });

  it("names the file and the nearest names of a tensor that is not there", () => {
    const weights = openShardedSafetensors(`${reference}/model.safetensors.index.json`);
    expect(() => weights.read("bert.layer.0.weight")).toThrow(
      `${reference}/model.safetensors.index.json: no tensor "bert.layer.0.weight"; the nearest names are layer.0.weight`,
    );
  });

  it("lists tensors of other types but does not read them as floats", () => {
    const weights = openSafetensors(plant({ ids: { dtype: "I64", shape: [2], data_offsets: [0, 16] } }, 16));
    expect(() => weights.read("ids")).toThrow('tensor "ids" has the type I64, expected F32, F16 or BF16');
  });

  it("accepts a tensor of many chunks", () => {
    const data = Float32Array.from({ length: 700_000 }, (_, i) => i);
    for (const type of ["F32", "F16", "BF16"] as const) {
      const path = join(folder, "large.safetensors");
      writeSafetensors(path, [{ name: "a", shape: [700, 1000], type, read: () => data.map((v) => v % 256) }]);
      expect(
        openSafetensors(path)
          .read("a")
          .every((value, i) => value === i % 256),
      ).toBe(true);
    }
  });
});

describe("malformed safetensors", () => {
  it.each<[string, unknown, number, RegExp, number?]>([
    ["a length beyond the file", {}, 0, /came the length 900/, 900],
    ["a length beyond 2^53", {}, 0, /came the length 9007199254740991/, Number.MAX_SAFE_INTEGER],
    ["no JSON", '{"a": ', 0, /cut off or damaged/],
    ["an array", "[]", 0, /expected a JSON object/],
    ["bytes that are no UTF-8", Buffer.from([0x7b, 0xff, 0x7d]), 0, /header: expected UTF-8/],
    ["a tensor given twice", '{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"a":1}', 4, /"a" is given twice/],
    ["a field given twice, escaped", '{"a":{"dtype":"F32","\\u0064type":"F16"}}', 4, /"dtype" is given twice/],
    ["__proto__", '{"__proto__":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}', 4, /"__proto__" is not allowed/],
    ["deep nesting", `{"a":${"[".repeat(100)}${"]".repeat(100)}}`, 0, /nested deeper/],
    ["a tensor that is no object", { a: 3 }, 0, /tensor "a": expected \{dtype/],
    ["an unknown dtype", { a: { ...f32([], 0, 4), dtype: "toString" } }, 4, /unknown dtype "toString"/],
    ["a negative size", { a: f32([-1], 0, 4) }, 4, /shape: expected/],
    ["a fraction as size", { a: f32([1.5], 0, 6) }, 6, /shape: expected/],
    ["a product of sizes that overflows", { a: f32([2 ** 40, 2 ** 40], 0, 4) }, 4, /shape: expected/],
    [
      "too many sizes",
      {
        a: f32(
          Array.from({ length: 17 }, () => 1),
          0,
          4,
        ),
      },
      4,
      /shape: expected at most 16/,
    ],
    ["data outside the file", { a: f32([2], 0, 8) }, 4, /within 4 bytes of data, came \[0,8\]/],
    ["offsets the wrong way round", { a: f32([0], 4, 0) }, 4, /data_offsets: expected/],
    ["three offsets", { a: { ...f32([], 0, 4), data_offsets: [0, 4, 8] } }, 4, /data_offsets: expected/],
    ["offsets that do not fit the shape", { a: f32([2], 0, 4) }, 4, /needs 8 bytes, data_offsets hold 4/],
    ["an overlap", { a: f32([2], 0, 8), b: f32([2], 4, 12) }, 12, /tensor "b" overlaps/],
    ["a hole", { a: f32([], 0, 4), b: f32([], 8, 12) }, 12, /tensor "b" leaves a hole/],
    ["data at the end that belong to nothing", { a: f32([], 0, 4) }, 8, /expected 4 bytes of data, came 8/],
    ["metadata that are no texts", { __metadata__: { a: 1 } }, 0, /__metadata__: expected/],
    ["an empty name", { "": f32([], 0, 4) }, 4, /name is empty/],
  ])("is refused in one line: %s", (_, header, dataBytes, message, claimedLength) => {
    const path = plant(header, dataBytes, claimedLength);
    expect(() => openSafetensors(path)).toThrow(InputError);
    expect(() => openSafetensors(path)).toThrow(message);
    expect(() => openSafetensors(path)).toThrow(/^[^\n]*planted\.safetensors[^\n]*$/);
  });

  it("is an InputError wherever a good file is cut off", () => {
    const bytes = readFileSync(`${reference}/float16.safetensors`);
    const path = join(folder, "cut.safetensors");
    for (let length = 0; length < bytes.length; length++) {
      writeFileSync(path, bytes.subarray(0, length));
      expect(() => openSafetensors(path)).toThrow(InputError);
    }
  });

  it("never fails with anything but an InputError, whatever bytes are changed", () => {
    const bytes = readFileSync(`${reference}/float32.safetensors`);
    const path = join(folder, "changed.safetensors");
    const change = fc.record({ at: fc.nat(bytes.length - 1), value: fc.nat(255) });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const changed = Buffer.from(bytes);
        for (const { at, value } of changes) changed[at] = value;
        writeFileSync(path, changed);
        try {
          const weights = openSafetensors(path);
          for (const [name, { shape }] of weights.entries) {
            expect(weights.read(name)).toHaveLength(shape.reduce((product, size) => product * size, 1));
          }
        } catch (error) {
          expect(error).toBeInstanceOf(InputError);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("is refused when the file shrinks after it was opened", () => {
    const path = join(folder, "shrinks.safetensors");
    writeFileSync(path, readFileSync(`${reference}/float32.safetensors`));
    const weights = openSafetensors(path);
    writeFileSync(path, readFileSync(path).subarray(0, 300));
    expect(() => weights.read("matrix")).toThrow(/ends before its data do/);
  });

  it("says which file cannot be read", () => {
    expect(() => openSafetensors(join(folder, "absent.safetensors"))).toThrow(
      /absent\.safetensors: cannot read \(ENOENT\)/,
    );
    expect(() => openSafetensors(folder)).toThrow(/cannot read \(EISDIR\)/);
  });

  it.each([
    ["no map", "{}", /weight_map: expected/],
    [
      "a long name",
      `{"weight_map":{"${"a".repeat(5000)}":"shard.safetensors"}}`,
      /^.{1,400}name is empty or too long$/,
    ],
    ["a long shard name", `{"weight_map":{"a":"${"b".repeat(5000)}.safetensors"}}`, /^.{1,400}$/],
    ["a shard in another folder", '{"weight_map":{"a":"../a.safetensors"}}', /expected a safetensors file beside it/],
    ["a shard that is not there", '{"weight_map":{"a":"none.safetensors"}}', /none\.safetensors: cannot read/],
    [
      "a tensor that its shard lacks",
      '{"weight_map":{"matrx":"shard.safetensors"}}',
      /shard\.safetensors: no tensor "matrx".*matrix/,
    ],
  ])("index is refused: %s", (_, text, message) => {
    writeFileSync(join(folder, "shard.safetensors"), readFileSync(`${reference}/float32.safetensors`));
    const path = join(folder, "model.safetensors.index.json");
    writeFileSync(path, text);
    expect(() => openShardedSafetensors(path)).toThrow(InputError);
    expect(() => openShardedSafetensors(path)).toThrow(message);
  });
});

describe("writeSafetensors", () => {
  it("round-trips names, shapes, values and metadata in every type", () => {
    const name = fc.string({ minLength: 1, unit: "grapheme" }).filter((text) => !text.startsWith("__"));
    const tensor = fc.record({ name, rows: fc.nat(5), type: fc.constantFrom<FloatType>("F32", "F16", "BF16") });
    const path = join(folder, "round.safetensors");
    fc.assert(
      fc.property(fc.uniqueArray(tensor, { selector: (one) => one.name }), fc.string(), (tensors, note) => {
        const data = (rows: number): Float32Array => Float32Array.from({ length: rows * 3 }, (_, i) => i / 4 - 1);
        writeSafetensors(
          path,
          tensors.map((one) => ({ name: one.name, shape: [one.rows, 3], type: one.type, read: () => data(one.rows) })),
          { note },
        );
        const weights = openSafetensors(path);
        expect(weights.metadata).toEqual({ note });
        expect(new Set(weights.entries.keys())).toEqual(new Set(tensors.map((one) => one.name)));
        for (const one of tensors) {
          expect(weights.entries.get(one.name)).toMatchObject({ shape: [one.rows, 3], type: one.type });
          expect(weights.read(one.name)).toEqual(data(one.rows));
        }
      }),
    );
  });

  it("writes the bytes that Python writes", () => {
    const path = join(folder, "same.safetensors");
    const source = openSafetensors(`${reference}/float16.safetensors`);
    const tensors = [...source.entries.values()].map(({ name, shape }) => ({
      name,
      shape,
      read: () => source.read(name),
    }));
    writeSafetensors(
      path,
      tensors.map((tensor) => ({ ...tensor, type: "F16" })),
    );
    expect(readFileSync(path).equals(readFileSync(`${reference}/float16.safetensors`))).toBe(true);
  });

  it("leaves the previous file and nothing else when a tensor does not fit its shape", () => {
    const path = join(folder, "kept.safetensors");
    writeSafetensors(path, [{ name: "a", shape: [1], read: () => Float32Array.of(7) }]);
    const wrong = { name: "a", shape: [2], read: () => Float32Array.of(8) };
    expect(() => writeSafetensors(path, [wrong])).toThrow(/tensor "a" \[2\] needs 2 elements, came 1/);
    expect([...openSafetensors(path).read("a")]).toEqual([7]);
    expect(existsSync(`${path}.tmp`) || readdirSync(folder).some((name) => name.endsWith(".tmp"))).toBe(false);
  });

  it.each(["a", "__metadata__", "__proto__", ""])("refuses a second or reserved name: %j", (name) => {
    const tensor = { shape: [], read: () => Float32Array.of(0) };
    expect(() =>
      writeSafetensors(join(folder, "x"), [
        { name: "a", ...tensor },
        { name, ...tensor },
      ]),
    ).toThrow(InputError);
  });
});

describe("findNonFinite", () => {
  it("says which tensors hold NaN or infinite values, and where", () => {
    const path = join(folder, "broken.safetensors");
    writeSafetensors(path, [
      { name: "good", shape: [2], read: () => Float32Array.of(1, 2) },
      { name: "bad", shape: [2, 2], type: "F16", read: () => Float32Array.of(1, Infinity, 2, NaN) },
    ]);
    const weights = openSafetensors(path);
    expect(findNonFinite(weights)).toEqual([{ name: "bad", count: 2, firstIndex: 1, firstValue: Infinity }]);
    expect(() => checkFinite(weights)).toThrow(
      /tensor "bad" holds 2 values that are not finite, the first is Infinity at 1/,
    );
    expect(() => checkFinite(openSafetensors(`${reference}/float32.safetensors`))).not.toThrow();
  });
});
