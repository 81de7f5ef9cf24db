const FIRST_TABLES = 1024;
/** Slots for each table: few enough to keep, many enough that a look-up is short. */
const SLOTS = 2;
const TWO_32 = 2 ** 32;

const randomWord = (): number => Math.floor(Math.random() * TWO_32) | 0;

/**
 * The L2 tables that L1 tables refer to, each once, numbered in the order in which they were met. A table that many
 * snapshots share is read once and its references counted as often.
 */
export class L2Tables {
  private offsets = new Float64Array(FIRST_TABLES);
  /** May be more than 2^32: each of many snapshots counts every entry of a table that they share. */
  private totals = new Float64Array(FIRST_TABLES);
  private actives = new Uint32Array(FIRST_TABLES);
  private indices = new Uint32Array(FIRST_TABLES);
  private moved = new Uint8Array(FIRST_TABLES);
  private slots = new Int32Array(FIRST_TABLES * SLOTS).fill(-1);
  /** Drawn anew for each image: offsets can't be chosen so that all look for the same slot. */
  private readonly spreadLow = randomWord() | 1;
  private readonly spreadHigh = randomWord();
  private met = 0;

  get count(): number {
    return this.met;
  }

  offset(table: number): number {
    return this.offsets[table] ?? 0;
  }

  /** How often all L1 tables together refer to it. */
  references(table: number): number {
    return this.totals[table] ?? 0;
  }

  /** How often the L1 table of the current state does. */
  active(table: number): number {
    return this.actives[table] ?? 0;
  }

  /** The L1 index that it was first met at. */
  l1Index(table: number): number {
    return this.indices[table] ?? 0;
  }

  /** Whether it was met at another L1 index too: then it stands for two places of the disk at once. */
  isTwofold(table: number): boolean {
    return this.moved[table] === 1;
  }

  /** The table at a host offset, or -1. */
  at(offset: number): number {
    return this.slots[this.slotOf(offset)] ?? -1;
  }

  /** @param times how often this L1 entry stands: once for each snapshot that has this L1 table */
  add(offset: number, l1Index: number, times: number, active: boolean): void {
    const slot = this.slotOf(offset);
    let table = this.slots[slot] ?? -1;
    if (table < 0) {
      if (this.met === this.offsets.length) {
        this.grow();
        this.add(offset, l1Index, times, active);
        return;
      }
      table = this.met;
      this.met += 1;
      this.slots[slot] = table;
      this.offsets[table] = offset;
      this.indices[table] = l1Index;
    } else if (this.indices[table] !== l1Index) this.moved[table] = 1;
    this.totals[table] = (this.totals[table] ?? 0) + times;
    if (active) this.actives[table] = (this.actives[table] ?? 0) + times;
  }

  /** Where a table with that offset is, or would be put. */
  private slotOf(offset: number): number {
    const { slots, offsets } = this;
    const mask = slots.length - 1;
    // Offsets are multiples of 512; of a product of words, the highest bits depend on most of them.
    const unit = offset / 512;
    const product = Math.imul(unit % TWO_32, this.spreadLow) + Math.imul(unit / TWO_32, this.spreadHigh);
    let slot = product >>> Math.clz32(mask);
    for (let table = slots[slot] ?? -1; table >= 0 && offsets[table] !== offset; table = slots[slot] ?? -1) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  private grow(): void {
    const size = this.offsets.length * 2;
    const widen = <A extends Float64Array | Uint32Array | Uint8Array>(from: A, to: A): A => {
      to.set(from);
      return to;
    };
    this.offsets = widen(this.offsets, new Float64Array(size));
    this.totals = widen(this.totals, new Float64Array(size));
    this.actives = widen(this.actives, new Uint32Array(size));
    this.indices = widen(this.indices, new Uint32Array(size));
    this.moved = widen(this.moved, new Uint8Array(size));
    this.slots = new Int32Array(size * SLOTS).fill(-1);
    for (let table = 0; table < this.met; table += 1) this.slots[this.slotOf(this.offset(table))] = table;
  }
}
