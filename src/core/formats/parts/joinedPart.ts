import type { Kernel } from '../../kernel/kernel';
import type {
  Finding,
  GuestPart,
  LayerScan,
  LayerTrace,
  Oddities,
  Oddity,
  Outlook,
  PlacedRun,
  ScanOptions,
  Strip,
} from '../../model';
import { guestOffset, Kind } from '../../model';
import type { DiskPart, WriteRule } from './part';
import { unitWithin } from './part';

/** What one part reads ahead at least. */
const LEAST_WINDOW = 64 << 10;

interface Placed {
  readonly part: DiskPart;
  readonly start: number;
}

/** Parts in a row, each where the one before it ends. */
export class JoinedPart implements DiskPart {
  readonly size: number;
  private readonly placed: readonly Placed[];

  /** @param parts none of them empty */
  constructor(parts: readonly DiskPart[]) {
    let start = 0;
    this.placed = parts.map((part) => {
      const placed = { part, start };
      start += part.size;
      return placed;
    });
    this.size = start;
  }

  get findings(): readonly Finding[] {
    // What was not told of one file may not be told of any: once is enough.
    const all = this.placed.flatMap(({ part }) => part.findings ?? []);
    return all.filter((finding, index) => all.findIndex(({ message }) => message === finding.message) === index);
  }

  scan(kernel: Kernel, { windowBytes, ...options }: ScanOptions, largestUnit: number): LayerScan {
    const least = Math.max(LEAST_WINDOW, Math.floor(windowBytes / this.placed.length));
    let unit = this.placed.reduce((largest, { start }) => unitWithin(start, largest), largestUnit);
    for (;;) {
      const scans = this.placed.map(({ part, start }) => ({
        start,
        size: part.size,
        scan: part.scan(kernel, { ...options, windowBytes: least }, unit),
      }));
      const finest = Math.min(unit, ...scans.map(({ scan }) => scan.unit));
      if (scans.every(({ scan }) => scan.unit === finest)) return new JoinedScan(scans, finest);
      unit = finest;
    }
  }

  trace(offset: number, write: WriteRule): LayerTrace {
    const { part, start } = this.at(offset);
    const traced = part.trace(offset - start, write);
    return {
      ...traced,
      unitStart: guestOffset(traced.unitStart + start),
      unitEnd: guestOffset(traced.unitEnd + start),
    };
  }

  read(offset: number, target: Uint8Array): void {
    for (let done = 0; done < target.length;) {
      const { part, start } = this.at(offset + done);
      const within = offset + done - start;
      const length = Math.min(target.length - done, part.size - within);
      part.read(within, target.subarray(done, done + length));
      done += length;
    }
  }

  firstPastEnd({ start: from, end, kind, host }: PlacedRun): number | undefined {
    for (let at = from; at < end;) {
      const { part, start } = this.at(at);
      const stop = Math.min(end, start + part.size);
      const place = host < 0 ? -1 : host + (at - from);
      const found = part.firstPastEnd?.({ start: at - start, end: stop - start, kind, host: place });
      if (found !== undefined) return found + start;
      at = stop;
    }
    return undefined;
  }

  *lostTables(): Generator<GuestPart> {
    for (const { part, start: by } of this.placed) {
      for (const { start, end } of part.lostTables?.() ?? []) yield { start: start + by, end: end + by };
    }
  }

  findingsOf(oddities: Oddities): readonly Finding[] {
    // Each part that has words for them tells of those of all: one that has none must not speak for the others.
    for (const { part } of this.placed) {
      const findings = part.findingsOf?.(oddities) ?? [];
      if (findings.length > 0) return findings;
    }
    return [];
  }

  close(): void {
    for (const { part } of this.placed) part.close();
  }

  private at(offset: number): Placed {
    return lastAt(this.placed, offset);
  }
}

interface PlacedScan {
  readonly start: number;
  readonly size: number;
  readonly scan: LayerScan;
}

/** Scans in a row, all of one unit that each begins with. */
class JoinedScan implements LayerScan {
  constructor(
    private readonly scans: readonly PlacedScan[],
    readonly unit: number,
  ) {}

  get block(): number {
    return this.unit;
  }

  /** Counts of all of them; where one is first is told in offsets of the whole disk. */
  get oddities(): Oddities {
    const sums = new Map<string, Oddity>();
    for (const { scan, start } of this.scans) {
      for (const [code, { count, first }] of scan.oddities) {
        const before = sums.get(code);
        sums.set(code, { count: (before?.count ?? 0) + count, first: before?.first ?? first + start });
      }
    }
    return sums;
  }

  endOfPiece(at: number): number {
    const { scan, start, size } = lastAt(this.scans, at);
    return start + Math.min(size, scan.endOfPiece?.(at - start) ?? at - start + scan.block);
  }

  begin(from: number, to: number): void {
    for (const { scan, start, size } of this.within(from, to)) {
      scan.begin(Math.max(from - start, 0), Math.min(to - start, size));
    }
  }

  ahead(at: number, limit: number): Outlook {
    const { scan, start, size } = lastAt(this.scans, at);
    const { end, kind, host } = scan.ahead(at - start, Math.min(limit - start, size));
    return { end: Math.min(end, size) + start, kind, host };
  }

  paint(from: number, blocks: number, { kernel, kinds, hosts }: Strip, toldBefore: number): void {
    const { unit } = this;
    const end = from + blocks * unit;
    for (let at = from; at < end;) {
      const { scan, start, size } = lastAt(this.scans, at);
      const skip = (at - from) / unit;
      const strip = { kernel, kinds: kinds + skip, hosts: hosts === 0 ? 0 : hosts + skip * 8 };
      // A part that is no whole number of units can only be the last.
      const count = Math.min((end - at) / unit, Math.ceil((start + size - at) / unit));
      if (count <= 0) {
        kernel.run.fill(strip.kinds, strip.hosts, (end - at) / unit, Kind.Absent, -1, unit);
        return;
      }
      scan.paint(at - start, count, strip, toldBefore - start);
      at += count * unit;
    }
  }

  conclude(from: number, to: number): void {
    for (const { scan, start, size } of this.within(from, to)) {
      scan.conclude?.(Math.max(from - start, 0), Math.min(to - start, size));
    }
  }

  private within(from: number, to: number): readonly PlacedScan[] {
    return this.scans.filter(({ start, size }) => start < to && start + size > from);
  }
}

/** The last of those that begin at or before an offset. */
function lastAt<T extends { readonly start: number }>(placed: readonly T[], offset: number): T {
  let low = 0;
  let high = placed.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if ((placed[middle]?.start ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  const found = placed[low];
  if (!found) throw new Error('a disk has one part at least');
  return found;
}
