import { DiskError } from '../errors';
import type { Kernel } from '../kernel/kernel';
import type { ChainEndKind, LayerScan, Outlook, Strip } from '../model';
import { Kind } from '../model';
import { NOBODYS_CODE, ownerCode, UNKNOWN_CODE } from './codes';

/** One layer as far as ownership goes; newest first in a list. */
export interface ScannedLayer {
  /** The owner to write for it. */
  readonly depth: number;
  /** Size of the disk in the state that counts. */
  readonly guestSize: number;
  /** Undefined while it is not scanned, or when it can't be: what reaches it is unknown. */
  readonly scan: LayerScan | undefined;
}

export interface ResolverOptions {
  /** Keep host offsets. */
  readonly hosts: boolean;
  /** Add up what each layer holds, hidden or not: all tables are read then. Otherwise only what can be seen is. */
  readonly holdings: boolean;
}

/**
 * A part of the disk that is resolved: `[from, to)`, all with one code; or in `units` units of `unit` bytes from `from`
 * on, whose codes and host offsets are in the kernel's memory until the next part is asked for.
 */
export interface Part {
  readonly from: number;
  readonly to: number;
  readonly unit: number;
  readonly units: number;
  /** Of all units, where it is one. */
  readonly code: number | undefined;
  /** Host offset of the first byte, or -1; only with a code. */
  readonly host: number;
  /** Pointers of 16-bit codes and 64-bit host offsets; 0 where these are not kept. */
  readonly codes: number;
  readonly hosts: number;
}

/** Units that are resolved at a time: with their codes and tables they stay in a core's own cache. */
export const MAX_UNITS = 65536;
/** The same where their host offsets are kept, which take eight bytes each. */
export const MAX_PLACED_UNITS = 16384;
/** A coarser layer's first and last units may stand over on both sides, and vector stores write sixteen units at once. */
const SPARE_UNITS = 4096;
/** After so many failures a layer is given up: each may have taken a dying disk seconds. */
export const MAX_FAILURES = 256;

const NOTHING: Outlook = { end: Infinity, kind: Kind.Absent, host: -1 };
const FAILED: Outlook = { end: Infinity, kind: Kind.Unknown, host: -1 };

/** A layer at work. */
interface Reader {
  readonly layer: ScannedLayer;
  readonly code: number;
  /** What is known of `[from, to)`. */
  outlook: Outlook;
  from: number;
  to: number;
  /** Up to here it was painted: what is odd there is counted. */
  painted: number;
  failures: number;
}

/**
 * Who answers each byte: the newest layer that holds it. A layer that ends before the one above it hides what is deeper:
 * past its end the disk reads as zero, and nobody owns that.
 *
 * Each layer's kinds are painted newest first over units that are still free, so each table is decoded once, and a unit
 * is as fine as the finest layer that has a table there.
 */
export class Resolver {
  /** By index of the layer: bytes that it holds in what was resolved so far, seen or hidden. */
  readonly held: Float64Array;
  /** The same of the part at work. */
  private readonly holds: Float64Array;
  private readonly readers: readonly Reader[];
  private readonly maxUnits: number;
  private readonly strip: Strip;
  /** Of a coarser layer, before it is repeated unit by unit. */
  private readonly coarse: Strip;
  private readonly codes: number;
  private readonly codeHosts: number;
  /** Up to where parts are of one reading each, since one of them failed. */
  private careful: { readonly to: number; readonly scan: LayerScan | undefined } = { to: 0, scan: undefined };

  /** @param failed is told of each layer whose tables can't be read: there, what reaches it is unknown */
  constructor(
    private readonly kernel: Kernel,
    layers: readonly ScannedLayer[],
    private readonly end: ChainEndKind,
    private readonly options: ResolverOptions,
    private readonly failed?: (depth: number, error: DiskError) => void,
  ) {
    this.maxUnits = options.hosts ? MAX_PLACED_UNITS : MAX_UNITS;
    const room = this.maxUnits + SPARE_UNITS;
    const strip = (): Strip => ({
      kernel,
      kinds: kernel.reserve(room),
      hosts: options.hosts ? kernel.reserve(room * 8) : 0,
    });
    this.strip = strip();
    this.coarse = strip();
    this.codes = kernel.reserve(room * 2);
    this.codeHosts = options.hosts ? kernel.reserve(room * 8) : 0;
    this.held = new Float64Array(layers.length);
    this.holds = new Float64Array(layers.length);
    this.readers = layers.map((layer) => ({
      layer,
      code: ownerCode(layer.depth),
      outlook: NOTHING,
      from: 0,
      to: 0,
      painted: 0,
      failures: 0,
    }));
  }

  /**
   * The parts of `[from, to)`, in order. What is odd counts in those that were taken.
   * @param toldBefore up to here it is counted already
   */
  *parts(from: number, to: number, toldBefore = from): Generator<Part, void, void> {
    this.careful = { to: 0, scan: undefined };
    for (const reader of this.readers) {
      reader.to = from;
      reader.painted = toldBefore;
      this.attempt(reader, (scan) => {
        scan.begin(from, Math.min(to, reader.layer.guestSize));
      });
    }
    let at = from;
    try {
      while (at < to) {
        const part = this.part(at, to);
        at = part.to;
        yield part;
      }
    } finally {
      for (const reader of this.readers) this.conclude(reader, toldBefore, at);
    }
  }

  private conclude(reader: Reader, from: number, to: number): void {
    const end = Math.min(to, reader.layer.guestSize);
    if (from < end) this.attempt(reader, (scan) => scan.conclude?.(from, end));
  }

  private part(from: number, limit: number): Part {
    const { careful } = this;
    let to = careful.scan && from < careful.to ? Math.min(limit, endOfPiece(careful.scan, from)) : limit;
    let unit = Infinity;
    for (const reader of this.readers) {
      const { guestSize, scan } = reader.layer;
      if (guestSize <= from) continue;
      this.look(reader, from, limit);
      to = Math.min(to, guestSize, reader.to);
      if (scan && reader.outlook.kind === undefined) unit = Math.min(unit, scan.unit);
    }
    if (unit === Infinity) return this.uniform(from, to);
    // Units that are cut by an edge are parts of their own: inside one nothing changes.
    const first = Math.floor(from / unit) * unit;
    const last = Math.floor(to / unit) * unit;
    if (first < from) to = Math.min(to, first + unit);
    else if (last > from) to = Math.min(last, from + this.maxUnits * unit);
    return this.painted(from, to, unit);
  }

  /** What is known of a layer from `from` on. */
  private look(reader: Reader, from: number, limit: number): void {
    if (reader.to > from) return;
    const end = Math.min(limit, reader.layer.guestSize);
    reader.outlook = this.attempt(reader, (scan) => scan.ahead(from, end)) ?? FAILED;
    reader.from = from;
    reader.to = Math.min(reader.outlook.end, end);
  }

  /** Nobody has to be asked for single units. */
  private uniform(from: number, to: number): Part {
    let code: number | undefined;
    let host = -1;
    let hidden = false;
    for (const [index, reader] of this.readers.entries()) {
      const { layer, outlook } = reader;
      hidden ||= layer.guestSize <= from;
      if (layer.guestSize <= from) continue;
      const kind = outlook.kind ?? Kind.Unknown;
      if (kind !== Kind.Absent && kind !== Kind.Unknown) this.hold(index, to - from);
      if (hidden || code !== undefined) continue;
      host = placeOf(reader, from);
      if (kind !== Kind.Absent) code = withKind(reader.code, kind);
    }
    code ??= hidden || this.end === 'base' ? NOBODYS_CODE : UNKNOWN_CODE;
    if (code === UNKNOWN_CODE) host = -1;
    return { from, to, unit: to - from, units: 1, code, host, codes: 0, hosts: 0 };
  }

  private painted(from: number, to: number, unit: number): Part {
    const { kernel, strip, codes, codeHosts } = this;
    const first = Math.floor(from / unit) * unit;
    const units = Math.ceil((to - first) / unit);
    kernel.u8.fill(0, codes, codes + roundUp(units) * 2);
    const inUnit = from - first;
    let hidden = false;
    let covered = false;
    this.holds.fill(0);
    for (const [index, reader] of this.readers.entries()) {
      const { guestSize, scan } = reader.layer;
      if (guestSize <= from) {
        hidden = true;
        continue;
      }
      const seen = !hidden && !covered;
      if (!seen && !this.options.holdings) break;
      let { kind } = reader.outlook;
      if (kind === undefined && !this.paint(reader, { from, first, units, unit })) {
        const stop = scan ? endOfPiece(scan, from) : to;
        // Once more, a reading at a time: only what can't be read is unknown.
        if (stop < to) {
          this.careful = { to, scan };
          return this.painted(from, stop, unit);
        }
        kind = Kind.Unknown;
      }
      if (kind !== undefined) {
        const holds = kind !== Kind.Absent && kind !== Kind.Unknown;
        if (holds) this.holds[index] = to - from;
        if (seen) kernel.run.cover(codes, codeHosts, units, withKind(reader.code, kind), placeOf(reader, first), unit);
        covered ||= kind !== Kind.Absent;
        continue;
      }
      const held = seen
        ? kernel.run.overlay(strip.kinds, strip.hosts, units, codes, codeHosts, reader.code)
        : kernel.run.count(strip.kinds, units);
      this.holds[index] = units === 1 ? held * (to - from) : held * unit;
      covered ||= held === units;
    }
    if (!covered && !hidden && this.end !== 'base') kernel.run.cover(codes, codeHosts, units, UNKNOWN_CODE, -1, unit);
    this.holds.forEach((bytes, index) => {
      this.hold(index, bytes);
    });
    return this.partOf(from, to, unit, units, inUnit);
  }

  private partOf(from: number, to: number, unit: number, units: number, inUnit: number): Part {
    const { kernel, codes, codeHosts } = this;
    if (units > 1) return { from, to, unit, units, code: undefined, host: -1, codes, hosts: codeHosts };
    const code = kernel.u16[codes / 2] ?? UNKNOWN_CODE;
    const host = codeHosts === 0 ? -1 : Number(kernel.i64[codeHosts / 8] ?? -1n);
    return { from, to, unit: to - from, units: 1, code, host: host < 0 ? -1 : host + inUnit, codes: 0, hosts: 0 };
  }

  /** Puts a layer's kinds into the strip. @returns false when its tables can't be read */
  private paint(
    reader: Reader,
    {
      from,
      first,
      units,
      unit,
    }: { readonly from: number; readonly first: number; readonly units: number; readonly unit: number },
  ): boolean {
    const { kernel, strip, coarse } = this;
    const toldBefore = Math.max(from, reader.painted);
    const done = this.attempt(reader, (scan) => {
      const start = Math.floor(first / scan.block) * scan.block;
      const blocks = Math.ceil((first + units * unit - start) / scan.block);
      if (start === first && scan.unit === unit && blocks * scan.block === units * unit) {
        scan.paint(start, blocks, strip, toldBefore);
      } else {
        scan.paint(start, blocks, coarse, toldBefore);
        const shift = Math.log2(scan.unit / unit);
        const skip = (first - start) / unit;
        kernel.run.expand(coarse.kinds, coarse.hosts, shift, skip, strip.kinds, strip.hosts, units, unit);
      }
      reader.painted = Math.max(toldBefore, first + units * unit);
      return true;
    });
    kernel.u8.fill(0, strip.kinds + units, strip.kinds + roundUp(units));
    return done === true;
  }

  private hold(index: number, bytes: number): void {
    this.held[index] = (this.held[index] ?? 0) + bytes;
  }

  private attempt<T>(reader: Reader, use: (scan: LayerScan) => T): T | undefined {
    const { scan, depth } = reader.layer;
    if (!scan || reader.failures >= MAX_FAILURES) return undefined;
    try {
      return use(scan);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      reader.failures += 1;
      this.failed?.(depth, error);
      return undefined;
    }
  }
}

const endOfPiece = (scan: LayerScan, at: number): number =>
  scan.endOfPiece?.(at) ?? (Math.floor(at / scan.block) + 1) * scan.block;

const roundUp = (units: number): number => (units + 15) & ~15;

/** A layer's code with a kind, which may be one that is no layer's. */
const withKind = (owner: number, kind: Kind): number =>
  kind === Kind.Absent ? NOBODYS_CODE : kind === Kind.Unknown ? UNKNOWN_CODE : owner | kind;

/** Where in its file a layer of one kind has the byte at `offset`, or -1. */
function placeOf({ outlook, from }: Reader, offset: number): number {
  return outlook.host < 0 ? -1 : outlook.host + (offset - from);
}
