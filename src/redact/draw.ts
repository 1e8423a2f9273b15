/** @file What surrogates are drawn from: a stream of numbers that depends on a key, a scope and a value alone (HMAC-SHA-256), so that one
 *  value has one surrogate within its scope and nobody without the key can tell which value it was. */
import { createHmac } from "node:crypto";

const ALPHABETS = ["0123456789", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"] as const;

export class Draw {
  private bytes: Buffer;
  private at = 0;
  private block = 0;

  constructor(
    private readonly key: string,
    private readonly name: string,
  ) {
    this.bytes = this.next();
  }

  /** Uniform in 0 .. bound-1, for small bounds. */
  int(bound: number): number {
    if (this.at + 4 > this.bytes.length) this.bytes = this.next();
    const value = this.bytes.readUInt32LE(this.at);
    this.at += 4;
    return value % bound;
  }

  /** So many decimal digits. */
  digits(count: number): string {
    let text = "";
    for (let i = 0; i < count; i++) text += String(this.int(10));
    return text;
  }

  pick<T>(values: readonly [T, ...T[]]): T {
    return values[this.int(values.length)] ?? values[0];
  }

  /** A text of the same shape: each digit, small and capital letter of ASCII is replaced by another draw of its class. */
  alike(text: string): string {
    return text.replace(/[0-9a-zA-Z]/g, (letter) => {
      const alphabet = ALPHABETS.find((candidate) => candidate.includes(letter)) ?? ALPHABETS[0];
      return alphabet.charAt(this.int(alphabet.length));
    });
  }

  private next(): Buffer {
    this.at = 0;
    return createHmac("sha256", this.key)
      .update(`${this.block++}\0${this.name}`)
      .digest();
  }
}
