/** @file Files as they are found: folders, patterns, packed files, spreadsheets, UTF-16, JSON documents of other kinds than lines. */
import fs, { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { syncBuiltinESMExports } from "node:module";
import { constants, deflateRawSync, gzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { InputError } from "../errors.js";
import { importLogs, type ImportOptions } from "./import.js";
import { expandPaths } from "./unpack.js";
import { ValueScanner } from "./json-values.js";

const folder = mkdtempSync(join(tmpdir(), "joryu-files-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
function file(contents: string | Uint8Array, name: string): string {
  const path = join(folder, `${files++}-${name}`);
  writeFileSync(path, contents);
  return path;
}

async function read(path: string, options: ImportOptions = {}) {
  const answers: string[] = [];
  const result = await importLogs([path], { ...options, onRecord: ({ answer }) => void answers.push(answer) });
  return { ...result, answers };
}

const LINES = '{"text":"Where is my parcel?","label":"delivery"}\n{"text":"I forgot my password","label":"login"}\n';
/** `LINES` as `zstd -19` packs them. */
const ZSTD =
  "KLUv/QRoXQIAgoQPEZB9nDblDxuUkmf5svVh7lQHoL98bUJVZ7b2zlYnCwX033XhB5f68XChA188gSvVQ8OOwb6w6nLmx1+97vMDAFaZAgaXWigol9OM9Q==";
const BOTH = ["delivery", "login"];
const rows = [
  { text: "a b", label: "delivery" },
  { text: 'c } ] \\ " d', label: "login" },
];

describe("packed files", () => {
  it("are unpacked: gzip, of several members too, and zstd, whose checksums a note speaks of", async () => {
    const [first = "", second = ""] = LINES.split("\n");
    const members = Buffer.concat([gzipSync(`${first}\n`), gzipSync(`${second}\n`)]);
    const gzip = await read(file(members, "log.jsonl.gz"));
    expect(gzip.answers).toEqual(BOTH);
    expect(gzip.files[0]).toMatchObject({ packed: "gzip", format: "generic" });
    expect(gzip.files[0]?.source).toMatch(/log\.jsonl$/);
    const zstd = await read(file(Buffer.from(ZSTD, "base64"), "log.jsonl.zst"));
    expect(zstd.answers).toEqual(BOTH);
    expect(zstd.notes.join()).toContain("checksums are not verified");
  });

  it("that are cut off are one clear InputError", async () => {
    const cut = [
      file(gzipSync(LINES).subarray(0, 40), "a.gz"),
      file(Buffer.from(ZSTD, "base64").subarray(0, 60), "b.zst"),
    ];
    const parquet = file(Buffer.from("PAR1 no PAR1"), "c.parquet");
    for (const path of [...cut, parquet]) {
      const error: unknown = await read(path).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(InputError);
      expect(String(error)).not.toContain("\n");
    }
  });

  it("of Parquet and Excel give their rows", async () => {
    const parquet = await read("test/fixtures/logs/two-rows.parquet");
    expect(parquet.answers).toEqual(BOTH);
    expect(parquet.files[0]).toMatchObject({
      packed: "Parquet",
      columns: { input: "text", output: "label", time: "created_at" },
    });
    expect(parquet.unread).toEqual([]);
    const excel = await read("test/fixtures/logs/two-rows.xlsx");
    expect(excel.answers).toEqual(["配送", "認証"]);
    expect(excel.files[0]?.columns).toMatchObject({ input: "本文", output: "分類", time: "日時" });
    expect(excel.unread).toEqual([]);
  });

  it("of Excel give the sheet that is named, and name the sheets where it is not there", async () => {
    const path = "test/fixtures/logs/two-sheets.xlsx";
    const first = await read(path);
    expect(first.answers).toEqual(["配送"]);
    expect(first.notes.join()).toContain(
      'the sheet "新" is read, the first of 2 that holds rows; --sheet names another',
    );
    const named = await read(path, { sheet: "old 2025" });
    expect([named.answers, named.notes.join().includes("the sheet")]).toEqual([BOTH, false]);
    const missing = read(path, { sheet: "old" });
    await expect(missing).rejects.toThrow(InputError);
    await expect(missing).rejects.toThrow(/no sheet "old" holds a header and rows; .*the sheets are "新", "old 2025"/);
  });

  it("of Excel that unpack to more than a spreadsheet holds are refused, whatever their directory says", async () => {
    const piece = deflateRawSync(Buffer.alloc(16 * 2 ** 20), { finishFlush: constants.Z_SYNC_FLUSH });
    const data = Buffer.concat([...Array.from({ length: 65 }, () => piece), deflateRawSync(Buffer.alloc(0))]);
    const bomb = file(zipOf("xl/worksheets/sheet1.xml", data, 100), "bomb.xlsx");
    await expect(read(bomb)).rejects.toThrow(/unpacks to more than 1024 MB/);
  });

  it("of UTF-16 are read with and without its mark, low or high byte first", async () => {
    const csv = "text,label\na,delivery\nb,login\n";
    const little = Buffer.from(csv, "utf16le");
    const big = Buffer.from(little).swap16();
    for (const bytes of [
      little,
      big,
      Buffer.concat([Buffer.from([0xff, 0xfe]), little]),
      Buffer.concat([Buffer.from([0xfe, 0xff]), big]),
    ]) {
      const { answers, files: imported, notes } = await read(file(bytes, "log.csv"));
      expect(answers).toEqual(BOTH);
      expect(imported[0]?.encoding).toMatch(/^utf-16[lb]e$/);
      expect(notes.join()).toContain("not UTF-8; read as UTF-16");
    }
  });
});

/** A zip archive of one deflated entry whose directory gives a size of its own. */
function zipOf(name: string, data: Buffer, saidBytes: number): Buffer {
  const common = Buffer.alloc(26);
  common.writeUInt16LE(20, 0);
  common.writeUInt16LE(8, 4);
  common.writeUInt32LE(data.length, 14);
  common.writeUInt32LE(saidBytes, 18);
  common.writeUInt16LE(name.length, 22);
  const local = Buffer.concat([Buffer.from([0x50, 0x4b, 3, 4]), common, Buffer.from(name), data]);
  const entry = Buffer.concat([Buffer.from([0x50, 0x4b, 1, 2, 20, 0]), common, Buffer.alloc(14), Buffer.from(name)]);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(entry.length, 12);
  end.writeUInt32LE(local.length, 16);
  return Buffer.concat([local, entry, end]);
}

describe("folders and patterns", () => {
  it("read no folder that no step of the pattern leads into", () => {
    const tree = join(folder, "tree");
    mkdirSync(join(tree, "a", "deep", "deeper"), { recursive: true });
    for (const name of ["x.jsonl", "a/y.jsonl", "a/deep/deeper/z.jsonl"]) writeFileSync(join(tree, name), LINES);
    const seen: string[] = [];
    const { readdirSync } = fs;
    const watched: unknown = (path: string, options: object) => {
      seen.push(path);
      return readdirSync(path, options);
    };
    Object.assign(fs, { readdirSync: watched });
    syncBuiltinESMExports();
    try {
      expect(expandPaths([join(tree, "*.jsonl")])).toEqual([join(tree, "x.jsonl")]);
      expect(seen).toEqual([tree]);
      expect(expandPaths([join(tree, "*", "?.jsonl")])).toEqual([join(tree, "a", "y.jsonl")]);
      expect(seen).toEqual([tree, tree, join(tree, "a")]);
    } finally {
      Object.assign(fs, { readdirSync });
      syncBuiltinESMExports();
    }
    const all = ["x.jsonl", "a/y.jsonl", "a/deep/deeper/z.jsonl"].map((name) => join(tree, name));
    expect(expandPaths([join(tree, "**", "*.jsonl")]).toSorted()).toEqual(all.toSorted());
    expect(expandPaths([join(tree, "**", "deeper", "**")])).toEqual(all.slice(2));
  });

  it("stand for their log files, in order, hidden ones and others left out", async () => {
    const logs = join(folder, "logs");
    mkdirSync(join(logs, "2025"), { recursive: true });
    writeFileSync(join(logs, "2025", "a.jsonl"), LINES);
    writeFileSync(join(logs, "b.csv"), "text,label\nx,billing\n");
    writeFileSync(join(logs, "README.md"), "# no log");
    writeFileSync(join(logs, ".hidden.jsonl"), "{");
    copyFileSync("test/fixtures/logs/two-rows.xlsx", join(logs, "c.xlsx"));
    const sources = async (path: string): Promise<readonly string[]> =>
      (await read(path)).files.map(({ source }) => source);
    expect(await sources(logs)).toEqual(["a.jsonl", "b.csv", "c.xlsx"]);
    expect(await sources(join(logs, "**", "*.jsonl"))).toEqual(["a.jsonl"]);
    expect(await sources(join(logs, "?.csv"))).toEqual(["b.csv"]);
    await expect(read(join(logs, "*.parquet"))).rejects.toThrow(/no file fits the pattern/);
  });
});

describe("JSON documents", () => {
  it.each([
    ["an array over many lines", JSON.stringify(rows, null, 2)],
    ["objects over many lines", rows.map((row) => JSON.stringify(row, null, 2)).join("\n")],
    ["an object that holds the rows", JSON.stringify({ object: "list", data: rows, has_more: false })],
    [
      "an object over many lines that holds them deeper",
      JSON.stringify({ meta: { tags: ["x"] }, result: { rows } }, null, 2),
    ],
    [
      "Python's numbers",
      `{"text":"a NaN","score":NaN,"label":"delivery"}\n{"text":"b","score":-Infinity,"label":"login"}`,
    ],
  ])("are read: %s", async (_name, contents) => {
    const { answers, counts } = await read(file(contents, "log.json"));
    expect(answers).toEqual(BOTH);
    expect(counts.rejected).toBe(0);
  });

  it("reject the entry that is cut off and entries that are no objects, and keep the others", async () => {
    const text = JSON.stringify([rows[0], 3, rows[1]]);
    expect((await read(file(text, "log.json"))).rejectCounts.get("the entry is not a JSON object")).toBe(1);
    const { answers, rejects } = await read(file(JSON.stringify(rows).slice(0, -6), "log.json"));
    expect(answers).toEqual(["delivery"]);
    expect(rejects[0]?.reason).toMatch(/cut off/);
  });

  it("are found the same however the text is cut into pieces", () => {
    const text = JSON.stringify({ other: [1, "a]"], data: rows, more: [{ text: "no" }] }, null, 1);
    for (let size = 1; size < 40; size++) {
      const found: unknown[] = [];
      const scanner = new ValueScanner("data", (value) => found.push(JSON.parse(value.text)));
      for (let start = 0; start < text.length; start += size) scanner.push(text.slice(start, start + size));
      expect(found).toEqual(rows);
      expect(scanner.isCut).toBe(false);
    }
  });
});
