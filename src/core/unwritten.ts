import { extentAt } from './extents';
import type { Chain, HostExtents } from './model';

/**
 * Tells which data of a disk lies in holes of its file: space that was promised to it and never written (see
 * `Layer.unwritten`), and so reads as zero. One object is used over and over: `isHole` and `length` hold the last answer.
 */
export class UnwrittenSpace {
  isHole = false;
  /** For how many bytes the same holds. */
  length = 0;
  private readonly known = new Map<number, HostExtents | undefined>();

  constructor(private readonly chain: Chain) {}

  /**
   * @param owner depth of the layer that answers with data
   * @param host where that lies in the layer's file, or -1 where that is not known
   * @param length bytes of it that are asked about
   */
  look(owner: number, host: number, length: number): void {
    const extents = host < 0 ? undefined : this.of(owner);
    this.isHole = false;
    this.length = length;
    if (!extents) return;
    const { bounds, startsWithData } = extents;
    const extent = extentAt(extents, host);
    const end = bounds[extent + 1] ?? 0;
    // Past the end of the file is nothing but a hole.
    this.isHole = host >= end || (extent % 2 === 0) !== startsWithData;
    if (host < end) this.length = Math.min(length, end - host);
  }

  private of(owner: number): HostExtents | undefined {
    if (!this.known.has(owner)) this.known.set(owner, this.chain.layers[owner]?.layer.unwritten?.());
    return this.known.get(owner);
  }
}
