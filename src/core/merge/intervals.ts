/** A set of whole numbers in few stretches. */
export class Intervals {
  /** Rising and apart: `[from, to)` each. */
  private readonly from: number[] = [];
  private readonly to: number[] = [];

  has(value: number): boolean {
    const index = this.before(value);
    return index >= 0 && value < (this.to[index] ?? 0);
  }

  /** Where the stretch around a value ends; undefined where there is none. */
  endAround(value: number): number | undefined {
    const index = this.before(value);
    const end = this.to[index] ?? 0;
    return index >= 0 && value < end ? end : undefined;
  }

  /** Adds `[from, to)`, of which nothing is in the set. */
  add(from: number, to: number): void {
    const index = this.before(from);
    const joinsLast = index >= 0 && this.to[index] === from;
    const joinsNext = this.from[index + 1] === to;
    if (joinsLast && joinsNext) {
      this.to[index] = this.to[index + 1] ?? to;
      this.from.splice(index + 1, 1);
      this.to.splice(index + 1, 1);
    } else if (joinsLast) this.to[index] = to;
    else if (joinsNext) this.from[index + 1] = from;
    else {
      this.from.splice(index + 1, 0, from);
      this.to.splice(index + 1, 0, to);
    }
  }

  /** Takes one value out that is in the set. */
  remove(value: number): void {
    const index = this.before(value);
    const end = this.to[index] ?? value;
    const start = this.from[index] ?? value;
    if (start === value && end === value + 1) {
      this.from.splice(index, 1);
      this.to.splice(index, 1);
    } else if (start === value) this.from[index] = value + 1;
    else {
      this.to[index] = value;
      if (end > value + 1) this.add(value + 1, end);
    }
  }

  /** Index of the last stretch that begins at or before a value, or -1. */
  private before(value: number): number {
    let low = -1;
    let high = this.from.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.from[middle] ?? 0) <= value) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
