/** @file Finds all matches of a pattern in time linear in the length of the text: backtracking as JavaScript does it, but what has
 *  failed once at a place (an instruction that several ways lead to, at a unit of the text) is never tried there again,
 *  neither in this match nor from a later start. After Davis, Servant and Lee, Using selective memoization to defeat regular
 *  expression denial of service, 2021. */
import { InputError } from "../errors.js";
import { Op, type Program } from "./pattern-program.js";

/** A match: units [start, end). */
export interface Found {
  readonly start: number;
  readonly end: number;
}

/** Places that can be remembered: 256 MiB. */
const MAXIMUM_PLACES = 2 ** 31;

/** How a way ends. */
const FAILED = -1;
const ACCEPTED = -2;

/** All matches in one text. */
export class Matcher {
  /** Instructions carried out so far. */
  steps = 0;
  /** A bit for each place: it leads to no match, or is on the way that is being tried. */
  private readonly failed: Uint32Array;
  /** Inside look-arounds, where the end of a match does not matter: it leads to one. */
  private passed: Uint32Array | undefined;
  /** Instruction, unit and length of the trail of every way that is left to try. */
  private stack = new Int32Array(96);
  private stackLength = 0;
  /** Places on the way that is being tried. */
  private trail = new Uint32Array(32);
  private trailLength = 0;
  /** The unit of the text that is looked at. */
  private at = 0;
  private readonly width: number;

  constructor(
    private readonly program: Program,
    private readonly text: string,
  ) {
    this.width = text.length + 1;
    if (program.joinCount * this.width > MAXIMUM_PLACES)
      throw new InputError(`a text of ${text.length} characters is too long for a pattern of the tokenizer`);
    this.failed = new Uint32Array(Math.ceil((program.joinCount * this.width) / 32));
  }

  findAll(): Found[] {
    const found: Found[] = [];
    const { text } = this;
    for (let start = 0; start <= text.length;) {
      const end = this.run(this.program.entry, start, false);
      if (end >= 0) found.push({ start, end });
      start = end > start ? end : start + ((text.codePointAt(start) ?? 0) > 0xffff ? 2 : 1);
    }
    return found;
  }

  /** The end of the match of the program at `entry` from `start`; -1 where there is none. */
  private run(entry: number, start: number, inLook: boolean): number {
    const [stackBase, trailBase] = [this.stackLength, this.trailLength];
    let pc = entry;
    this.at = start;
    for (;;) {
      pc = this.step(pc, inLook);
      if (pc >= 0) continue;
      if (pc === ACCEPTED || this.stackLength === stackBase) break;
      // All places since this way was left for later have failed for good.
      this.trailLength = this.stack[--this.stackLength] ?? 0;
      this.at = this.stack[--this.stackLength] ?? 0;
      pc = this.stack[--this.stackLength] ?? 0;
    }
    if (pc === ACCEPTED) this.settle(trailBase, inLook);
    this.stackLength = stackBase;
    this.trailLength = trailBase;
    return pc === ACCEPTED ? this.at : -1;
  }

  /** Carries out one instruction; the next one, or how the way ends. */
  private step(pc: number, inLook: boolean): number {
    const { ops, x, y, joins } = this.program;
    this.steps++;
    const join = joins[pc] ?? -1;
    if (join >= 0 && !this.enter(join * this.width + this.at)) {
      return inLook && isMarked(this.passed, join * this.width + this.at) ? ACCEPTED : FAILED;
    }
    const [first, next] = [x[pc] ?? 0, y[pc] ?? 0];
    switch (ops[pc]) {
      case Op.accept:
        return ACCEPTED;
      case Op.either:
        if (ops[first] === Op.read && this.widthAt(x[first] ?? 0) === 0) return next;
        this.leave(next);
        return first;
      case Op.read:
        return this.move(this.widthAt(first)) ? next : FAILED;
      case Op.readBack:
        return this.move(-this.widthBefore(first)) ? next : FAILED;
      case Op.run:
        while (this.move(this.widthAt(first))) this.steps++;
        return next;
      default:
        return this.looks(first) === (ops[pc] === Op.when) ? next : FAILED;
    }
  }

  private move(by: number): boolean {
    this.at += by;
    return by !== 0;
  }

  private looks(entry: number): boolean {
    const { at } = this;
    const end = this.run(entry, at, true);
    this.at = at;
    return end >= 0;
  }

  /** Units of the code point of a set that begins here; 0 where there is none. */
  private widthAt(set: number): number {
    const { text, at } = this;
    if (at >= text.length) return 0;
    const unit = text.charCodeAt(at);
    const codePoint = unit >= 0xd800 && unit < 0xdc00 ? (text.codePointAt(at) ?? 0) : unit;
    if (this.program.sets[set]?.has(codePoint) !== true) return 0;
    return codePoint > 0xffff ? 2 : 1;
  }

  /** Units of the code point of a set that ends here. */
  private widthBefore(set: number): number {
    const { text, at } = this;
    if (at === 0) return 0;
    const pair = at > 1 ? (text.codePointAt(at - 2) ?? 0) : 0;
    const codePoint = pair > 0xffff ? pair : text.charCodeAt(at - 1);
    if (this.program.sets[set]?.has(codePoint) !== true) return 0;
    return codePoint > 0xffff ? 2 : 1;
  }

  /** Takes a place onto the way; false where it has been before. */
  private enter(place: number): boolean {
    if (isMarked(this.failed, place)) return false;
    mark(this.failed, place);
    if (this.trailLength === this.trail.length) this.trail = grown(this.trail, new Uint32Array(2 * this.trailLength));
    this.trail[this.trailLength++] = place;
    return true;
  }

  /** Leaves a way for later. */
  private leave(pc: number): void {
    const length = this.stackLength;
    if (length === this.stack.length) this.stack = grown(this.stack, new Int32Array(2 * length));
    this.stack[length] = pc;
    this.stack[length + 1] = this.at;
    this.stack[length + 2] = this.trailLength;
    this.stackLength = length + 3;
  }

  /** The places of a way that led to a match have not failed. */
  private settle(trailBase: number, inLook: boolean): void {
    if (inLook) this.passed ??= new Uint32Array(this.failed.length);
    for (let i = trailBase; i < this.trailLength; i++) {
      const place = this.trail[i] ?? 0;
      if (inLook && this.passed !== undefined) mark(this.passed, place);
      else unmark(this.failed, place);
    }
  }
}

function isMarked(bits: Uint32Array | undefined, place: number): boolean {
  return bits !== undefined && (((bits[place >>> 5] ?? 0) >>> (place & 31)) & 1) === 1;
}

function mark(bits: Uint32Array, place: number): void {
  bits[place >>> 5] = (bits[place >>> 5] ?? 0) | (1 << (place & 31));
}

function unmark(bits: Uint32Array, place: number): void {
  bits[place >>> 5] = (bits[place >>> 5] ?? 0) & ~(1 << (place & 31));
}

function grown<Numbers extends Int32Array | Uint32Array>(from: Numbers, into: Numbers): Numbers {
  into.set(from);
  return into;
}
