import { UNKNOWN_CODE } from '../scan/codes';
import type { Chunk } from './chunk';
import type { CodeTally } from './codeTally';

/** Is given ranges one after the other. */
export interface Taker {
  add(code: number, bytes: number): void;
}

/** Goes through the disk from one place on: whole tiles where it can, runs where a tile is cut. */
export class Cursor {
  private index: number;
  private tile = -1;
  /** The run at work in a tile that is cut; -1 where it is yet to be found. */
  private run = -1;

  constructor(
    private readonly chunks: readonly (Chunk | undefined)[],
    private readonly chunkBytes: number,
    private readonly guestSize: number,
    private at: number,
  ) {
    this.index = Math.floor(at / chunkBytes);
    this.seek();
  }

  /** Adds up what there is up to `end`: of groups and tiles where it can. */
  sum(end: number, tally: CodeTally): void {
    while (this.at < end) {
      const chunk = this.chunks[this.index];
      if (!chunk) {
        this.passUnknown(end, tally);
        continue;
      }
      const tileEnd = chunk.start[this.tile + 1] ?? this.at;
      if (this.at > (chunk.start[this.tile] ?? 0) || tileEnd > end) {
        const stop = Math.min(end, tileEnd);
        if (chunk.coarse) this.sumShare(chunk, stop, tally);
        else this.sumRuns(chunk, stop, tally);
        if (this.at >= tileEnd) this.passTiles(chunk, 1);
        continue;
      }
      const { perGroup } = chunk;
      const inGroup = Math.min(perGroup, chunk.tiles - this.tile);
      if (this.tile % perGroup === 0 && (chunk.start[this.tile + inGroup] ?? Infinity) <= end) {
        sumGroup(chunk, this.tile / perGroup, 1, tally);
        this.passTiles(chunk, inGroup);
      } else {
        sumTile(chunk, this.tile, tally);
        this.passTiles(chunk, 1);
      }
    }
  }

  /** Tells the runs up to `end`, one by one. */
  runs(end: number, taker: Taker): void {
    while (this.at < end) {
      const chunk = this.chunks[this.index];
      if (!chunk) {
        this.passUnknown(end, taker);
        continue;
      }
      const tileEnd = chunk.start[this.tile + 1] ?? this.at;
      this.takeRuns(chunk, Math.min(end, tileEnd), taker);
      if (this.at >= tileEnd) this.passTiles(chunk, 1);
    }
  }

  /** Of a slice only its sums are known: a part of it is taken to be like the whole. */
  private sumShare(chunk: Chunk, end: number, tally: CodeTally): void {
    const from = chunk.start[this.tile] ?? 0;
    const to = chunk.start[this.tile + 1] ?? from;
    sumGroup(chunk, this.tile, (end - this.at) / (to - from), tally);
    this.at = end;
  }

  private sumRuns(chunk: Chunk, end: number, tally: CodeTally): void {
    const from = chunk.start[this.tile] ?? 0;
    const unit = chunk.unit[this.tile] ?? 0;
    const run = this.run < 0 ? this.firstRunFrom(chunk, (this.at - from) / unit) : this.run;
    this.run = tally.addRuns(chunk.runs, run, from, unit, this.at, end);
    this.at = end;
  }

  private takeRuns(chunk: Chunk, end: number, taker: Taker): void {
    const { start, unit, runs } = chunk;
    const from = start[this.tile] ?? 0;
    const bytes = unit[this.tile] ?? 0;
    let { at } = this;
    let run = this.run < 0 ? this.firstRunFrom(chunk, (at - from) / bytes) : this.run;
    while (at < end) {
      const runEnd = from + (runs[run * 2] ?? 0) * bytes;
      const stop = runEnd < end ? runEnd : end;
      taker.add(runs[run * 2 + 1] ?? UNKNOWN_CODE, stop - at);
      at = stop;
      if (stop === runEnd) run += 1;
    }
    this.at = at;
    this.run = run;
  }

  /** The run of the tile at work that holds a place, in units of the tile. */
  private firstRunFrom(chunk: Chunk, units: number): number {
    let low = chunk.firstRun[this.tile] ?? 0;
    let high = (chunk.firstRun[this.tile + 1] ?? 0) - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((chunk.runs[middle * 2] ?? 0) > units) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  private passUnknown(end: number, taker: Taker): void {
    const chunkEnd = Math.min((this.index + 1) * this.chunkBytes, this.guestSize);
    const stop = Math.min(end, chunkEnd);
    taker.add(UNKNOWN_CODE, stop - this.at);
    this.at = stop;
    if (stop === chunkEnd) this.nextChunk();
  }

  private passTiles(chunk: Chunk, count: number): void {
    this.tile += count;
    this.at = chunk.start[this.tile] ?? this.at;
    this.run = -1;
    if (this.tile >= chunk.tiles) this.nextChunk();
  }

  private nextChunk(): void {
    this.index += 1;
    this.tile = 0;
    this.run = -1;
  }

  /** Finds the tile that holds the place. */
  private seek(): void {
    const chunk = this.chunks[this.index];
    if (!chunk) {
      this.tile = 0;
      return;
    }
    let low = 0;
    let high = chunk.tiles - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((chunk.start[middle] ?? 0) <= this.at) low = middle;
      else high = middle - 1;
    }
    this.tile = low;
  }
}

function sumTile({ unit, firstSum, sums }: Chunk, tile: number, tally: CodeTally): void {
  const bytes = unit[tile] ?? 0;
  const last = (firstSum[tile + 1] ?? 0) * 2;
  for (let sum = (firstSum[tile] ?? 0) * 2; sum < last; sum += 2)
    tally.add(sums[sum] ?? 0, (sums[sum + 1] ?? 0) * bytes);
}

function sumGroup(chunk: Chunk, group: number, share: number, tally: CodeTally): void {
  const { firstInGroup, groupCode, groupBytes } = chunk;
  const last = firstInGroup[group + 1] ?? 0;
  for (let part = firstInGroup[group] ?? 0; part < last; part += 1) {
    tally.add(groupCode[part] ?? 0, (groupBytes[part] ?? 0) * share);
  }
}
