/** @file Lines for a terminal are cut at words, tables fit, Japanese keeps its marks where they belong. */
import stringWidth from "string-width";
import { describe, expect, it } from "vitest";
import { cutTo, paint, tableLines, wrap } from "./terminal.js";

const ENGLISH = "how many calls there are is not known (--calls-per-month), so nothing is said of a month";
const JAPANESE =
  "専用の計算機を借りる場合、月間253,258回以上の呼び出しで採算が取れます（ゲート通過率を信頼区間の下限とした場合）。実際の月間呼び出し数は不明です（--calls-per-monthで指定できます）。";

describe("a line", () => {
  it("is cut between words, loses none, and hangs what follows", () => {
    for (const width of [33, 47, 80]) {
      const lines = wrap(ENGLISH, width, "    ");
      expect(lines.map((line) => line.trim()).join(" ")).toBe(ENGLISH);
      for (const [at, line] of lines.entries()) {
        expect(stringWidth(line)).toBeLessThanOrEqual(width);
        expect(line.startsWith("    ")).toBe(at > 0);
      }
    }
  });

  it("in Japanese begins with no closing mark, ends with no opening one, and keeps flags and figures whole", () => {
    for (let width = 30; width <= 80; width++) {
      const lines = wrap(JAPANESE, width);
      expect(lines.join("")).toBe(JAPANESE);
      for (const line of lines) {
        expect(stringWidth(line)).toBeLessThanOrEqual(width);
        expect(line).not.toMatch(/^[、。）]|（$/u);
      }
      for (const whole of ["--calls-per-month", "253,258"])
        expect(lines.some((line) => line.includes(whole))).toBe(true);
    }
  });

  it("cuts a word that is wider than the line", () => {
    expect(wrap("a".repeat(25), 10)).toEqual(["a".repeat(10), "a".repeat(10), "a".repeat(5)]);
  });

  it("keeps the spaces inside of a row", () => {
    expect(wrap("delivered  98 %   keeps 80 %", 80)).toEqual(["delivered  98 %   keeps 80 %"]);
  });
});

describe("a table", () => {
  const columns = [
    { title: "name", numeric: false },
    { title: "size", numeric: true },
    { title: "why it was not trained", numeric: false },
  ];
  const rows = [
    ["encoder-medium", "3.41 MB", "a larger one fits the plan"],
    ["カードの到着", "0.4 MB", "pays off from 50,000 rows up"],
  ];

  it("fits its width and cuts no name while another column can give way", () => {
    for (const width of [48, 60, 100]) {
      const lines = tableLines(columns, rows, width);
      for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(width);
      expect(lines.some((line) => line.startsWith("encoder-medium  3.41 MB"))).toBe(true);
    }
    expect(tableLines(columns, rows, 100)).toHaveLength(3);
  });

  it("keeps a line break of a cell", () => {
    expect(tableLines([{ title: "", numeric: false }], [["98.7%\n97.8% to 99.3%"]], 80)).toEqual([
      "",
      "98.7%",
      "97.8% to 99.3%",
    ]);
  });
});

describe("colour", () => {
  it("stands around the text where it is wanted, else nothing does", () => {
    expect(paint("x", "good", { width: 80, colour: true })).toBe("\u001b[1;32mx\u001b[0m");
    expect(paint("x", "good", { width: 80, colour: false })).toBe("x");
  });
});

describe("a name that is too long", () => {
  it("is cut with a mark, by display width", () => {
    expect(cutTo("encoder", 10)).toBe("encoder");
    expect(cutTo("カードの到着について", 9)).toBe("カードの…");
  });
});
