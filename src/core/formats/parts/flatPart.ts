import { readPadded } from '../../bytes';
import { isData } from '../../extents';
import type { Kernel } from '../../kernel/kernel';
import type { ByteSource, Finding, LayerScan, LayerTrace, PlacedRun, ScanOptions } from '../../model';
import { guestOffset, hostOffset, Kind } from '../../model';
import { ExtentScan } from './extentScan';
import type { DiskPart, WriteRule } from './part';

/** QEMU's sector: what is no multiple of it is seen with its last sector filled up with zeros. */
export const SECTOR = 512;

const HOLES_UNKNOWN: Finding = {
  code: 'holes-unknown',
  severity: 'info',
  message: 'which parts of this file take no space on the host is not known here: all of it is counted as data',
  advice: 'It is asked of the system through perl or python3, in a workspace that is trusted.',
};

/** A file, or a window of one, that is the disk as it stands; what takes no space on the host reads as zero. */
export class FlatPart implements DiskPart {
  private holesUnknown = false;

  /**
   * @param source as it is, @param lookups the same file, for what is read at random, @param size bytes of the disk; past
   * the end of the file they read as zero
   */
  constructor(
    private readonly source: ByteSource,
    private readonly lookups: ByteSource,
    readonly size: number,
    /** Where a host file has a name of its own: the path of it, and where it begins in the layer's host space. */
    private readonly holder?: { readonly path: string; readonly base: number },
  ) {}

  get findings(): readonly Finding[] {
    return this.holesUnknown ? [HOLES_UNKNOWN] : [];
  }

  scan(kernel: Kernel, _options: ScanOptions, largestUnit: number): LayerScan {
    const extents = this.source.extents?.();
    this.holesUnknown = this.source.size > 0 && extents?.certainty !== 'exact';
    const origin = (this.holder?.base ?? 0) + (this.source.origin ?? 0);
    return new ExtentScan(kernel, { size: this.source.size, origin }, extents, this.size, largestUnit);
  }

  trace(offset: number, write: WriteRule): LayerTrace {
    const start = Math.floor(offset / SECTOR) * SECTOR;
    const unit = { unitStart: guestOffset(start), unitEnd: guestOffset(start + SECTOR) };
    const kind = this.isHole(offset) ? Kind.Zero : Kind.Data;
    return {
      kind,
      lookups: [],
      hostOffset: hostOffset((this.source.origin ?? 0) + offset),
      holder: this.holder?.path,
      ...unit,
      write: write({ kind: Kind.Data, ...unit }),
    };
  }

  read(offset: number, target: Uint8Array): void {
    readPadded(this.lookups, target, offset);
  }

  firstPastEnd({ start, end }: PlacedRun): number | undefined {
    const from = Math.ceil(this.source.size / SECTOR) * SECTOR;
    return from < end ? Math.max(start, from) : undefined;
  }

  close(): void {
    this.lookups.close();
  }

  private isHole(offset: number): boolean {
    const extents = this.source.extents?.();
    return offset >= this.source.size || (extents !== undefined && !isData(extents, offset));
  }
}
