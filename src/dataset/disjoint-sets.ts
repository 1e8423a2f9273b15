/** @file Sets that only ever grow together. */

/** Disjoint sets over 0 .. size-1 with path halving; the smallest member names a set. */
export class DisjointSets {
  private readonly parents: Int32Array;

  constructor(size: number) {
    this.parents = Int32Array.from({ length: size }, (_, i) => i);
  }

  find(member: number): number {
    let at = member;
    for (let parent = this.parents[at] ?? at; parent !== at; parent = this.parents[at] ?? at) {
      const above = this.parents[parent] ?? parent;
      this.parents[at] = above;
      at = above;
    }
    return at;
  }

  /** Joins two sets; false when they were one already. */
  join(a: number, b: number): boolean {
    const [x, y] = [this.find(a), this.find(b)];
    if (x === y) return false;
    this.parents[Math.max(x, y)] = Math.min(x, y);
    return true;
  }
}
