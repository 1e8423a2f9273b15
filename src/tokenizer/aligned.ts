/** @file Text that was rewritten but still knows, unit for unit (UTF-16), which part of the original text it came from. Slices share the
 *  alignment of their parent; text that has kept its places carries none. Knows no tokenizer. */

import { InputError } from "../errors.js";

/** Normalisers write some two units for one, and 32,768 units of a text are read. */
const MAXIMUM_REWRITTEN = 1 << 20;

/** Original start and end of each unit of a rewritten text. */
interface Alignment {
  readonly starts: Int32Array;
  readonly ends: Int32Array;
}

export interface AlignedText {
  readonly text: string;
  /** Index of the first unit in the alignment, or in the original text where there is none. */
  readonly from: number;
  readonly alignment: Alignment | undefined;
}

/** A text that nothing has changed yet. */
export function originalText(text: string): AlignedText {
  return { text, from: 0, alignment: undefined };
}

/** Where unit `index` begins in the original; `index` may be the length, which gives the end. */
export function originalStart({ text, from, alignment }: AlignedText, index: number): number {
  if (alignment === undefined) return from + index;
  if (index < text.length) return alignment.starts[from + index] ?? 0;
  return from + index > 0 ? (alignment.ends[from + index - 1] ?? 0) : 0;
}

/** Where unit `index` ends in the original (exclusive). */
export function originalEnd({ from, alignment }: AlignedText, index: number): number {
  return alignment === undefined ? from + index + 1 : (alignment.ends[from + index] ?? 0);
}

/** Units [start, end) of an aligned text. */
export function sliceAligned(source: AlignedText, start: number, end: number): AlignedText {
  return { text: source.text.slice(start, end), from: source.from + start, alignment: source.alignment };
}

/** Writes a new text from pieces of a source, in order. */
export class Rewriter {
  private text = "";
  private readonly starts: number[] = [];
  private readonly ends: number[] = [];
  /** Whether every unit written so far stands where it stood. */
  private inPlace = true;

  constructor(private readonly source: AlignedText) {}

  /** Writes `text` for units [start, start + text.length) of the source, one for one. */
  copy(start: number, text: string): void {
    if (start !== this.text.length) this.leavePlace();
    if (!this.inPlace) {
      for (let i = start; i < start + text.length; i++) {
        this.starts.push(originalStart(this.source, i));
        this.ends.push(originalEnd(this.source, i));
      }
    }
    this.text += text;
  }

  /** Writes `text` for units [start, end) as a whole; an empty range is an insertion. */
  put(start: number, end: number, text: string): void {
    if (text.length === end - start && text.length < 2) return this.copy(start, text);
    this.leavePlace();
    if (this.text.length + text.length > MAXIMUM_REWRITTEN)
      throw new InputError(`the tokenizer's normaliser makes more than ${MAXIMUM_REWRITTEN} characters of a text`);
    const from = originalStart(this.source, start);
    const to = end > start ? originalEnd(this.source, end - 1) : from;
    for (let i = 0; i < text.length; i++) {
      this.starts.push(from);
      this.ends.push(to);
    }
    this.text += text;
  }

  finish(): AlignedText {
    if (this.inPlace) return { ...this.source, text: this.text };
    const alignment = { starts: Int32Array.from(this.starts), ends: Int32Array.from(this.ends) };
    return { text: this.text, from: 0, alignment };
  }

  private leavePlace(): void {
    if (!this.inPlace) return;
    this.inPlace = false;
    for (let i = 0; i < this.text.length; i++) {
      this.starts.push(originalStart(this.source, i));
      this.ends.push(originalEnd(this.source, i));
    }
  }
}

/** A replacement of units [start, end). */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Applies edits, ascending and apart; everything between them is kept. */
export function applyEdits(source: AlignedText, edits: Iterable<Edit>): AlignedText {
  const rewriter = new Rewriter(source);
  let done = 0;
  for (const { start, end, text } of edits) {
    if (start > done) rewriter.copy(done, source.text.slice(done, start));
    rewriter.put(start, end, text);
    done = end;
  }
  if (done < source.text.length) rewriter.copy(done, source.text.slice(done));
  return rewriter.finish();
}
