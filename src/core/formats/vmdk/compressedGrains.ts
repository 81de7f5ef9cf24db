import { readUpTo, u32le } from '../../bytes';
import type { Shelf } from '../../cache/byteBudget';
import { DiskError } from '../../errors';
import type { ByteSource, Codecs } from '../../model';
import type { CompressedPlace } from '../blocks/compressedBlocks';
import { CompressedBlocks } from '../blocks/compressedBlocks';
import type { ExtentFile } from './grains';
import { LIMITS } from './limits';
import { SECTOR_BYTES } from './sectors';
import { unzlib } from './zlib';

/** Before a compressed grain: where it is on the disk (a sector, 64 bits), and how many bytes follow (32 bits). */
export const MARKER_BYTES = 12;

/** Grains of a stream-optimized extent: Virtual Disk Format 5.0 (VMware), "Stream-Optimized Compressed Sparse Extents". */
export class CompressedGrains {
  private readonly blocks: CompressedBlocks;

  /** @param hasMarkers else each grain is a stream alone, which ends somewhere */
  constructor(
    private readonly file: ExtentFile,
    private readonly grainSize: number,
    private readonly hasMarkers: boolean,
    given: { readonly codecs: Codecs; readonly shelf: Shelf },
  ) {
    this.blocks = new CompressedBlocks({ ...file, shelf: given.shelf }, grainSize, {
      block: 'grain',
      method: 'zlib',
      unpack: (input, grain) => unzlib(given.codecs, input, grain),
    });
  }

  /**
   * Fills `target` with the bytes of a grain from its byte `from` on.
   * @param offset where it begins in the file, @param least how many bytes it holds at least: the last one may have fewer
   * @throws DiskError `corrupt`, `io`
   */
  readInto(target: Uint8Array, from: number, offset: number, least: number): void {
    this.blocks.readInto(target, from, this.place(offset), least);
  }

  /**
   * Bytes that a grain is said to take in the file: its marker, the stream, and what fills the last sector. Undefined where
   * nothing says so. @throws DiskError `io`
   */
  lengthOf(offset: number): number | undefined {
    if (!this.hasMarkers) return undefined;
    const length = MARKER_BYTES + readMarker(this.file.lookups, offset).length;
    const room = this.file.source.size - offset;
    // The last one may lack what fills its sector, and nothing else.
    return length > room ? length : Math.min(Math.ceil(length / SECTOR_BYTES) * SECTOR_BYTES, room);
  }

  private place(offset: number): CompressedPlace {
    if (!this.hasMarkers) return { offset, length: Math.min(this.grainSize, this.file.source.size - offset) };
    const { length } = readMarker(this.file.lookups, offset);
    // What is told here is what QEMU would copy into a buffer of two grains (CVE-2026-2243).
    if (isLength(length, this.grainSize)) {
      return { offset: offset + MARKER_BYTES, length };
    }
    throw new DiskError('corrupt', `a compressed grain is said to have ${length} bytes`, { offset: offset + 8 });
  }
}

/** What a marker says of the grain behind it; zeros where the file ends before that. */
export interface GrainMarker {
  /** Which sector of the disk the grain begins at, in two halves. */
  readonly high: number;
  readonly low: number;
  readonly length: number;
}

/** @throws DiskError `io` */
export function readMarker(source: ByteSource, offset: number): GrainMarker {
  const bytes = readUpTo(source, offset, MARKER_BYTES);
  return { low: u32le(bytes, 0), high: u32le(bytes, 4), length: u32le(bytes, 8) };
}

/** Whether a compressed grain can have so many bytes. */
export const isLength = (length: number, grainSize: number): boolean =>
  length > 0 && MARKER_BYTES + length <= LIMITS.maxCompressedGrains * grainSize;
