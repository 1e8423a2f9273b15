import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { StoreError } from "../errors.js";
import { Journal, type Place } from "./journal.js";

const folder = mkdtempSync(join(tmpdir(), "joryu-journal-"));
const path = join(folder, "below/journal.jsonl");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function entriesOf(file = path): unknown[] {
  const entries: unknown[] = [];
  Journal.open(file, (entry) => entries.push(entry)).close();
  return entries;
}

describe("a journal", () => {
  it("gives back what was appended, in order, and reads single entries by their place", async () => {
    rmSync(path, { force: true });
    const journal = Journal.open(path, () => undefined);
    const places = await Promise.all(["a", "二\n", { deep: [1] }].map((entry) => journal.append(entry)));
    expect(places.map((place) => journal.read(place))).toEqual(["a", "二\n", { deep: [1] }]);
    journal.close();
    const again: [unknown, Place][] = [];
    Journal.open(path, (entry, place) => again.push([entry, place])).close();
    expect(again).toEqual([
      ["a", places[0]],
      ["二\n", places[1]],
      [{ deep: [1] }, places[2]],
    ]);
  });

  it("holds an entry on the disk when append resolves", async () => {
    rmSync(path, { force: true });
    const journal = Journal.open(path, () => undefined);
    await journal.append({ n: 1 });
    expect(readFileSync(path, "utf8")).toBe('{"n":1}\n');
    journal.close();
  });

  it("takes a cut-off last line away, wherever the cut is, and goes on behind the whole ones", async () => {
    const last = '{"n":"二 and more"}\n';
    const bytes = Buffer.from(last);
    for (let cut = 0; cut < bytes.length; cut++) {
      writeFileSync(path, Buffer.concat([Buffer.from('{"n":0}\n'), bytes.subarray(0, cut)]));
      const journal = Journal.open(path, () => undefined);
      expect(journal.cutBytes).toBe(cut);
      await journal.append({ n: 1 });
      journal.close();
      expect(entriesOf()).toEqual([{ n: 0 }, { n: 1 }]);
    }
  });

  it("refuses damage before the last line, naming the line", () => {
    writeFileSync(path, '{"n":0}\n{"n":\n{"n":2}\n');
    expect(() => entriesOf()).toThrow(/journal\.jsonl:2: the line is damaged/);
    expect(() => entriesOf()).toThrow(StoreError);
  });

  it("answers any bytes with entries or a StoreError", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        writeFileSync(path, bytes);
        try {
          entriesOf();
        } catch (error) {
          expect(error).toBeInstanceOf(StoreError);
        }
      }),
      { numRuns: 200 },
    );
  });

  it("reads lines longer than a block", () => {
    const long = "x".repeat(3 << 20);
    writeFileSync(path, `${JSON.stringify(long)}\n`);
    appendFileSync(path, '"short"\n');
    expect(entriesOf()).toEqual([long, "short"]);
  });

  it("names the folder that cannot be written", () => {
    expect(() => entriesOf(join(folder, "below/journal.jsonl/journal"))).toThrow(StoreError);
  });
});
