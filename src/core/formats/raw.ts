import { readPadded } from '../bytes';
import type { Kernel } from '../kernel/kernel';
import type { ByteSource, Finding, GuestOffset, Layer, LayerScan, LayerTrace, View, WriteEffect } from '../model';
import { guestOffset, hostOffset, Kind } from '../model';
import { isData } from '../extents';
import { ExtentScan } from './extentScan';
import type { Driver } from './driver';

/** QEMU's sector: a raw image that is no multiple of it is seen with its last sector filled up with zeros. */
export const SECTOR = 512;

const HOLES_UNKNOWN: Finding = {
  code: 'holes-unknown',
  severity: 'info',
  message: 'which parts of this file take no space on the host is not known here: all of it is counted as data',
  advice: 'It is asked of the system through perl or python3, in a workspace that is trusted.',
};

/** The whole file is the disk; what takes no space on the host reads as zero. */
class RawLayer implements Layer {
  readonly format = 'raw';
  readonly grain = SECTOR;
  readonly parent = undefined;
  readonly bitmaps = [];
  readonly readable = true;
  readonly info = { 'dirty-flag': false };
  readonly guestSize: number;
  readonly views: readonly View[];
  readonly facts;
  private readonly odd: readonly Finding[];
  private holesUnknown = false;

  /** @param lookups the same file, for what is read at random */
  constructor(
    private readonly source: ByteSource,
    private readonly lookups: ByteSource,
  ) {
    this.guestSize = Math.ceil(source.size / SECTOR) * SECTOR;
    this.views = [{ id: '', name: 'Current', guestSize: this.guestSize }];
    this.facts = [{ label: 'Disk size', value: this.guestSize, unit: 'bytes' as const }];
    this.odd = [
      ...(source.size === 0
        ? [{ code: 'empty-file', severity: 'warning' as const, message: 'the file is empty: a disk of no bytes' }]
        : []),
      ...(source.size % SECTOR === 0
        ? []
        : [
            {
              code: 'partial-sector',
              severity: 'info' as const,
              message: `the file is no whole number of ${SECTOR}-byte sectors: its last sector reads as if filled up with zeros`,
              advice: 'A raw image that was cut short looks like this: compare its size with the original.',
            },
          ]),
    ];
  }

  get findings(): readonly Finding[] {
    return [...this.odd, ...(this.holesUnknown ? [HOLES_UNKNOWN] : [])];
  }

  findingsOf(): readonly Finding[] {
    return this.findings;
  }

  scan(_view: View, kernel: Kernel): LayerScan {
    const extents = this.source.extents?.();
    this.holesUnknown = this.source.size > 0 && extents?.certainty !== 'exact';
    return new ExtentScan(kernel, this.source, extents, this.guestSize);
  }

  scanned(): void {
    // Nothing of it can be odd.
  }

  trace(_view: View, offset: GuestOffset): LayerTrace {
    const unitStart = Math.floor(offset / SECTOR) * SECTOR;
    const write: WriteEffect = { effect: 'in-place', bytes: 0 };
    return {
      kind: this.isHole(offset) ? Kind.Zero : Kind.Data,
      lookups: [],
      hostOffset: hostOffset((this.source.origin ?? 0) + offset),
      unitStart: guestOffset(unitStart),
      unitEnd: guestOffset(unitStart + SECTOR),
      write,
    };
  }

  read(_view: View, offset: GuestOffset, target: Uint8Array): void {
    readPadded(this.lookups, target, offset);
  }

  close(): void {
    this.lookups.close();
  }

  private isHole(offset: number): boolean {
    const extents = this.source.extents?.();
    return offset >= this.source.size || (extents !== undefined && !isData(extents, offset));
  }
}

/** Raw images. Knows nothing by its bytes: it comes last, and takes what it is told to take. */
export const raw: Driver = {
  id: 'raw',
  title: 'raw disk',
  patterns: [],
  probe: () => true,
  open: (source, { cache }) => new RawLayer(source, cache.of(source)),
};
