import { describe, expect, it } from "vitest";
import { decodeBytes, encodingOf } from "./encoding.js";

// Bytes as Python's cp932, euc_jp and cp1252 write them.
describe("encodingOf", () => {
  it.each([
    ["shift_jis", "カードを紛失しました", "834a815b836882f095b48eb882b582dc82b582bd"],
    ["shift_jis", "残高照会\n振込限度額\nPIN変更", "8e638d828fc689ef0a90558d9e8cc093788a7a0a50494e95cf8d58"],
    ["shift_jis", "ｶｰﾄﾞ ﾌﾝｼﾂ\nｻﾞﾝﾀﾞｶ", "b6b0c4de20ccddbcc20abbdeddc0deb6"],
    ["shift_jis", "ATMで出金できない\n髙﨑様", "41544d82c58f6f8be082c582ab82c882a20aeee0ed95976c"],
    ["euc-jp", "カードを紛失しました", "a5aba1bca5c9a4f2cab6bcbaa4b7a4dea4b7a4bf"],
    ["euc-jp", "残高照会\n振込", "bbc4b9e2bec8b2f10abfb6b9fe"],
    ["euc-jp", "カード", "a5aba1bca5c9"],
    ["windows-1252", "Gérard\nHélène", "47e9726172640a48e96ce86e65"],
    ["windows-1252", "don’t\nI’m “sure”", "646f6e92740a49926d20937375726594"],
    ["windows-1252", "Straße\nfür Größe\nÄÖÜ", "53747261df650a66fc72204772f6df650ac4d6dc"],
    ["windows-1252", "INFORMAÇÃO\nCARTÃO NÃO", "494e464f524d41c7c34f0a43415254c34f204ec34f"],
    ["windows-1252", "£20\n20°C\n«À bientôt»", "a332300a3230b0430aabc0206269656e74f474bb"],
  ] as const)("reads %s: %j", (encoding, text, hex) => {
    const bytes = Buffer.from(hex, "hex");
    expect(encodingOf(bytes)).toBe(encoding);
    expect(decodeBytes(bytes, encoding)).toBe(text);
  });

  it("leaves UTF-8 alone, a broken line in it too", () => {
    const text = Buffer.from("カード\n残高\n");
    expect(encodingOf(text)).toBe("utf-8");
    expect(encodingOf(Buffer.concat([text, Buffer.from("8ec9", "hex")]))).toBe("utf-8");
  });
});
