import type { Oddities, Oddity } from '../model';

/** Counts what is odd, so that a million bad entries are one finding. */
export class Tally<Code extends string = string> {
  private readonly seen = new Map<Code, Oddity>();

  get oddities(): Oddities {
    return this.seen;
  }

  add(code: Code, first: number, count = 1): void {
    const before = this.seen.get(code);
    this.seen.set(code, { count: (before?.count ?? 0) + count, first: Math.min(before?.first ?? first, first) });
  }

  addAll({ seen }: Tally<Code>): void {
    for (const [code, { first, count }] of seen) this.add(code, first, count);
  }

  clear(): void {
    this.seen.clear();
  }
}
