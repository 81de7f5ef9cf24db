import { readPadded } from '../../bytes';
import type { Kernel } from '../../kernel/kernel';
import type { ByteSource, LayerScan, LayerTrace, PlacedRun, ScanOptions } from '../../model';
import { guestOffset, hostOffset, Kind } from '../../model';
import { SECTOR } from './flatPart';
import type { DiskPart, WriteRule } from './part';
import { UniformScan } from './uniformScan';

/** Where a part is that is in a file as it stands. */
export interface ReservedPlace {
  /** Path of the file, where that is not the image's own. */
  readonly path?: string | undefined;
  /** Where the file begins in the layer's host space: there is room for a unit before it, or none of the disk. */
  readonly base: number;
  /** Where in the file the part begins. */
  readonly offset: number;
}

/**
 * A part whose space is all there in a file, byte for byte: data, be it that none was ever written. What of it lies in
 * holes of the file is told by `Layer.unwritten`, as QEMU tells it: data *and* zero.
 */
export class ReservedPart implements DiskPart {
  /** @param lookups the file, for what is read at random, @param size bytes of the disk; past the end of the file they read as zero */
  constructor(
    private readonly lookups: ByteSource,
    readonly size: number,
    private readonly place: ReservedPlace,
  ) {}

  scan(_kernel: Kernel, _options: ScanOptions, largestUnit: number): LayerScan {
    const { base, offset } = this.place;
    return new UniformScan(this.size, Kind.Data, base + offset, largestUnit);
  }

  trace(offset: number, write: WriteRule): LayerTrace {
    const start = Math.floor(offset / SECTOR) * SECTOR;
    const unit = { unitStart: guestOffset(start), unitEnd: guestOffset(start + SECTOR) };
    const told = { kind: Kind.Data, hostOffset: hostOffset(this.place.offset + offset), ...unit };
    return { ...told, lookups: [], holder: this.place.path, write: write(told) };
  }

  read(offset: number, target: Uint8Array): void {
    readPadded(this.lookups, target, this.place.offset + offset);
  }

  firstPastEnd({ start, end }: PlacedRun): number | undefined {
    const there = Math.max(0, this.lookups.size - this.place.offset);
    const from = Math.ceil(there / SECTOR) * SECTOR;
    return from < end ? Math.max(start, from) : undefined;
  }

  close(): void {
    this.lookups.close();
  }
}
