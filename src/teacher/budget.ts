/** @file Money that must not run over: the most that a request can cost is reserved before it is sent and replaced by what it did cost.
 *  Spent and reserved together never exceed the limit. US dollars. */

export class Budget {
  private reserved = 0;
  private open = 0;
  private isClosed = false;
  private waiting: (() => void)[] = [];

  /** `spent` is what earlier runs spent, or may have spent. */
  constructor(
    private readonly limitUsd: number,
    private spent: number,
  ) {}

  /** Spent, or possibly spent, so far. */
  get spentUsd(): number {
    return this.spent;
  }

  /** Waits until the sum fits and reserves it; false when it cannot fit even once every open request has ended. */
  async reserve(usd: number): Promise<boolean> {
    while (this.isClosed || this.spent + this.reserved + usd > this.limitUsd) {
      if (this.isClosed || this.open === 0) return false;
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
    this.open++;
    this.reserved += usd;
    return true;
  }

  /** Ends a request: its reservation goes, what it cost stays. */
  settle(reservedUsd: number, costUsd: number): void {
    this.open--;
    // Sums of fractions do not return to 0 exactly, and nothing open must mean nothing reserved.
    this.reserved = this.open === 0 ? 0 : this.reserved - reservedUsd;
    this.spent += costUsd;
    this.wakeAll();
  }

  /** Reserves nothing from now on; whoever waits is told so. */
  close(): void {
    this.isClosed = true;
    this.wakeAll();
  }

  private wakeAll(): void {
    for (const wake of this.waiting.splice(0)) wake();
  }
}
