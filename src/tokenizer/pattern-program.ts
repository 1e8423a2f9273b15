/** @file A pattern as a program for a backtracking matcher: instructions that read one code point, try one way before another, look
 *  around, or accept. Counted repetitions are written out, so that what follows from a place in the text depends on the
 *  instruction and the place alone; this is what lets the matcher remember failures. Knows no text. */
import { InputError } from "../errors.js";
import type { Tree } from "./pattern-syntax.js";

export const Op = {
  /** The match is complete. */
  accept: 0,
  /** Reads a code point of set `x`, goes on at `y`. */
  read: 1,
  /** The same for the code point before. */
  readBack: 2,
  /** Tries `x`, then `y`. */
  either: 3,
  /** Reads as many of set `x` as there are, goes on at `y`, which never fails. */
  run: 4,
  /** Goes on at `y` if the program at `x` leads to a match, or (`unless`) if it does not. */
  when: 5,
  unless: 6,
} as const;

export interface Program {
  readonly entry: number;
  readonly ops: Uint8Array;
  readonly x: Int32Array;
  readonly y: Int32Array;
  /** Number of each instruction that several ways lead to, from 0; -1 for all others. */
  readonly joins: Int32Array;
  readonly joinCount: number;
  readonly sets: readonly CharacterSet[];
}

/** Those in use need some hundred instructions; work and memory of a match are at most this times the length of the text. */
const MAXIMUM_INSTRUCTIONS = 2000;

/** Code points that an expression for one of them matches; asked once each where they fit 16 bits. */
export class CharacterSet {
  private readonly pattern: RegExp;
  /** 0 where unknown, 1 for no, 2 for yes. */
  private known = new Uint8Array(128);

  constructor(source: string, flags: string) {
    this.pattern = new RegExp(`^${source}$`, `u${flags.replace("m", "")}`);
  }

  has(codePoint: number): boolean {
    if (codePoint > 0xffff) return this.pattern.test(String.fromCodePoint(codePoint));
    if (codePoint >= this.known.length) this.widen();
    const known = this.known[codePoint] ?? 0;
    if (known !== 0) return known === 2;
    const holds = this.pattern.test(String.fromCharCode(codePoint));
    this.known[codePoint] = holds ? 2 : 1;
    return holds;
  }

  private widen(): void {
    const wide = new Uint8Array(1 << 16);
    wide.set(this.known);
    this.known = wide;
  }
}

function mayBeEmpty(tree: Tree): boolean {
  switch (tree.kind) {
    case "set":
      return false;
    case "look":
      return true;
    case "sequence":
      return tree.parts.every(mayBeEmpty);
    case "choice":
      return tree.options.some(mayBeEmpty);
    case "repeat":
      return tree.min === 0 || mayBeEmpty(tree.body);
  }
}

interface Side {
  readonly behind: boolean;
  readonly inLook: boolean;
}

/** Writes a program from its end to its beginning. */
class Writer {
  readonly ops: number[] = [];
  readonly x: number[] = [];
  readonly y: number[] = [];
  readonly sets: CharacterSet[] = [];
  /** Of each instruction, whether the match is certain once it is reached. */
  private readonly certain: boolean[] = [];
  private readonly setNumbers = new Map<string, number>();

  constructor(private readonly where: string) {}

  push(op: number, x = 0, y = 0): number {
    if (this.ops.length >= MAXIMUM_INSTRUCTIONS)
      throw new InputError(
        `${this.where}: more than ${MAXIMUM_INSTRUCTIONS} steps when its repetitions are written out`,
      );
    this.ops.push(op);
    this.x.push(x);
    this.y.push(y);
    this.certain.push(op === Op.accept || (op === Op.either && this.isCertain(x, y)) || op === Op.run);
    return this.ops.length - 1;
  }

  /** Instructions for a tree, followed by `next`; where they begin. */
  write(tree: Tree, next: number, side: Side): number {
    switch (tree.kind) {
      case "set":
        return this.push(side.behind ? Op.readBack : Op.read, this.setOf(tree.source, tree.flags), next);
      case "sequence":
        return this.sequence(tree.parts, next, side);
      case "choice": {
        const entries = tree.options.map((option) => this.write(option, next, side));
        return entries.reduceRight((later, entry) => this.push(Op.either, entry, later));
      }
      case "repeat":
        return this.repeat(tree, next, side);
      case "look": {
        const inner = this.write(tree.body, this.push(Op.accept), { behind: tree.behind, inLook: true });
        return this.push(tree.negative ? Op.unless : Op.when, inner, next);
      }
    }
  }

  private isCertain(...targets: readonly number[]): boolean {
    return targets.some((target) => this.certain[target] === true);
  }

  private setOf(source: string, flags: string): number {
    const key = `${flags}/${source}`;
    const number = this.setNumbers.get(key) ?? this.sets.length;
    if (number === this.sets.length) this.sets.push(new CharacterSet(source, flags));
    this.setNumbers.set(key, number);
    return number;
  }

  private sequence(parts: readonly Tree[], next: number, side: Side): number {
    const backwards = side.behind ? parts : parts.toReversed();
    return backwards.reduce((following, part) => this.write(part, following, side), next);
  }

  private repeat(tree: Tree & { kind: "repeat" }, next: number, side: Side): number {
    const { body, min, max, lazy } = tree;
    // Languages differ in what an empty repetition does, and a loop of them has no end.
    if (max > min && mayBeEmpty(body)) throw new InputError(`${this.where}: repeats a part that may match nothing`);
    let entry = max === Infinity ? this.loop(tree, next, side) : next;
    for (let i = min; i < max && max !== Infinity; i++) entry = this.option(this.write(body, entry, side), next, lazy);
    for (let i = 0; i < min; i++) entry = this.write(body, entry, side);
    return entry;
  }

  private option(inner: number, next: number, lazy: boolean): number {
    return lazy ? this.push(Op.either, next, inner) : this.push(Op.either, inner, next);
  }

  private loop({ body, lazy }: Tree & { kind: "repeat" }, next: number, side: Side): number {
    if (body.kind === "set" && !lazy && !side.inLook && this.isCertain(next))
      return this.push(Op.run, this.setOf(body.source, body.flags), next);
    const head = this.option(next, next, lazy);
    (lazy ? this.y : this.x)[head] = this.write(body, head, side);
    return head;
  }
}

/** Numbers the instructions that more than one way leads to. */
function numberJoins(entry: number, { ops, x, y }: Writer): { joins: Int32Array; joinCount: number } {
  const ways = new Int32Array(ops.length);
  const count = (target: number | undefined): void => {
    if (target !== undefined) ways[target] = (ways[target] ?? 0) + 1;
  };
  count(entry);
  for (const [i, op] of ops.entries()) {
    if (op !== Op.accept) count(y[i]);
    if (op === Op.either || op === Op.when || op === Op.unless) count(x[i]);
  }
  let joinCount = 0;
  const joins = ways.map((count, i) => (count > 1 && ops[i] !== Op.accept ? joinCount++ : -1));
  return { joins, joinCount };
}

/** @throws InputError when repetitions are too many, or of what may be empty */
export function writeProgram(tree: Tree, where: string): Program {
  const writer = new Writer(where);
  const entry = writer.write(tree, writer.push(Op.accept), { behind: false, inLook: false });
  return {
    entry,
    ops: Uint8Array.from(writer.ops),
    x: Int32Array.from(writer.x),
    y: Int32Array.from(writer.y),
    ...numberJoins(entry, writer),
    sets: writer.sets,
  };
}
