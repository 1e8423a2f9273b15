/** @file Full-width digits, letters and signs, and the many hyphens, as their ASCII forms; unit for unit, so that a place in the folded text
 *  is the same place in the text. What is written back takes the width of what stood there. */

const WIDE = 0xfee0;
const FOLDABLE =
  /[\uff01-\uff5e\u3000\u00a0\u2010-\u2015\u2212\uff70]|(?<=[0-9０-９Ａ-Ｚａ-ｚ])ー(?=[0-9０-９Ａ-Ｚａ-ｚ])/g;

function foldUnit(unit: string): string {
  const code = unit.charCodeAt(0);
  if (code >= 0xff01 && code <= 0xff5e) return String.fromCharCode(code - WIDE);
  return code === 0x3000 || code === 0x00a0 ? " " : "-";
}

export function fold(text: string): string {
  return text.replace(FOLDABLE, foldUnit);
}

const isWide = (unit: string): boolean => /[\uff01-\uff5e]/.test(unit);

function widen(text: string): string {
  return text.replace(/[!-~]/g, (unit) => String.fromCharCode(unit.charCodeAt(0) + WIDE));
}

/** A surrogate in the width of the original: unit for unit where both are equally long, else as most of it is written. */
export function inWidthOf(original: string, surrogate: string): string {
  const wide = Array.from(original, isWide);
  if (original.length === surrogate.length) {
    // A sign that no surrogate changes (a long hyphen, a wide space) stays as it was written.
    return Array.from(original, (unit, i) => {
      const drawn = surrogate.charAt(i);
      if (fold(unit) === drawn || (drawn === "-" && /ー/.test(unit))) return unit;
      return wide[i] === true ? widen(drawn) : drawn;
    }).join("");
  }
  const narrow = original.match(/[!-~]/g)?.length ?? 0;
  return wide.filter(Boolean).length > narrow ? widen(surrogate) : surrogate;
}
