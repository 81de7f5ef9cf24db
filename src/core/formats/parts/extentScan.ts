import { extentAt } from '../../extents';
import type { Kernel } from '../../kernel/kernel';
import type { ByteSource, HostExtents, LayerScan, Oddities, Outlook, Strip } from '../../model';
import { Kind } from '../../model';

/** Extents of fewer bytes are told unit by unit, many at a time. */
const LONG = 1 << 20;
const SMALLEST_UNIT = 512;
const LARGEST_UNIT = 65536;

/** Tells which parts of a file that is a disk as it stands take space: data, or a hole that reads as zero. */
export class ExtentScan implements LayerScan {
  readonly unit: number;
  readonly block: number;
  readonly oddities: Oddities = new Map();
  private readonly bounds: Float64Array;
  private readonly startsWithData: boolean;
  private readonly origin: number;
  /** Up to here the bounds are whole units. */
  private readonly wholeEnd: number;

  /**
   * @param source where `origin` is what is told as the host offset of its first byte, @param extents undefined where
   * holes can't be seen, @param guestSize bytes of the disk: of the file in whole sectors, or more
   */
  constructor(
    private readonly kernel: Kernel,
    private readonly source: Pick<ByteSource, 'size' | 'origin'>,
    private readonly extents: HostExtents | undefined,
    private readonly guestSize: number,
    largestUnit = LARGEST_UNIT,
  ) {
    this.bounds = extents?.bounds ?? Float64Array.of(0, source.size);
    this.startsWithData = extents?.startsWithData ?? true;
    this.origin = source.origin ?? 0;
    this.unit = commonUnit(this.bounds, Math.min(largestUnit, LARGEST_UNIT));
    this.block = this.unit;
    this.wholeEnd = Math.floor(source.size / this.unit) * this.unit;
  }

  begin(): void {
    // Nothing is read.
  }

  ahead(at: number, limit: number): Outlook {
    const { size } = this.source;
    const host = this.origin + at;
    // The last sector is filled up.
    if (at >= size) return { end: this.guestSize, kind: Kind.Zero, host };
    const extent = this.extentAt(at);
    const end = this.bounds[extent + 1] ?? size;
    const told = Math.min(end, limit);
    if (told - at >= LONG || told >= Math.min(limit, this.wholeEnd) || this.unit < SMALLEST_UNIT) {
      return { end: told, kind: this.kindOf(extent), host };
    }
    return { end: Math.min(limit, this.wholeEnd, this.shortUntil(extent, limit)), kind: undefined, host: -1 };
  }

  paint(from: number, blocks: number, { kinds, hosts }: Strip): void {
    const { unit } = this;
    const end = from + blocks * unit;
    for (let at = from, extent = this.extentAt(from); at < end; extent += 1) {
      const stop = Math.min(Math.ceil((this.bounds[extent + 1] ?? end) / unit) * unit, end);
      const skip = (at - from) / unit;
      const to = hosts === 0 ? 0 : hosts + skip * 8;
      this.kernel.run.fill(kinds + skip, to, (stop - at) / unit, this.kindOf(extent), this.origin + at, unit);
      at = stop;
    }
  }

  private kindOf(extent: number): Kind {
    return (extent % 2 === 0) === this.startsWithData ? Kind.Data : Kind.Zero;
  }

  private extentAt(offset: number): number {
    return this.extents ? extentAt(this.extents, offset) : 0;
  }

  /** Where the next long extent begins; nothing past `limit` matters. */
  private shortUntil(extent: number, limit: number): number {
    let next = extent + 1;
    for (; next + 1 < this.bounds.length && (this.bounds[next] ?? 0) < limit; next += 1) {
      if ((this.bounds[next + 1] ?? 0) - (this.bounds[next] ?? 0) >= LONG) break;
    }
    return this.bounds[next] ?? this.source.size;
  }
}

/** The largest unit that no bound but the file's end stands inside of. */
function commonUnit(bounds: Float64Array, largest: number): number {
  let unit = largest;
  for (let i = 1; i + 1 < bounds.length; i += 1) while ((bounds[i] ?? 0) % unit !== 0) unit /= 2;
  return unit;
}
