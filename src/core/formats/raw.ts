import { readPadded } from '../bytes';
import type {
  ByteSource,
  Finding,
  GuestOffset,
  Job,
  Layer,
  LayerTrace,
  RunList,
  ScanOptions,
  View,
  WriteEffect,
} from '../model';
import { guestOffset, hostOffset, Kind } from '../model';
import { isData } from '../extents';
import { RunBuilder, tooManyRuns } from '../runs';
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
  /** Where the map ends that was kept, when the disk is in more pieces. */
  private piecesKnown: number | undefined;

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
    return [
      ...this.odd,
      ...(this.holesUnknown ? [HOLES_UNKNOWN] : []),
      ...(this.piecesKnown === undefined ? [] : [tooManyRuns(this.piecesKnown)]),
    ];
  }

  *scan(_view: View, { host, maxRuns }: ScanOptions): Job<RunList> {
    yield { done: 0, total: 1 };
    const builder = new RunBuilder(host, maxRuns);
    this.piecesKnown = undefined;
    if (!this.append(builder).next().done) {
      this.piecesKnown = builder.end;
      builder.append(this.guestSize - builder.end, Kind.Unknown, -1);
    }
    return builder.finish(this.guestSize);
  }

  *scanParts(_view: View, maxRuns: number): Generator<RunList | undefined, void, void> {
    const builder = new RunBuilder(true, maxRuns);
    const pauses = this.append(builder);
    while (!pauses.next().done) yield builder.take();
    const last = builder.finish(this.guestSize);
    if (last.count > 0) yield last;
  }

  /** Appends the whole disk, with a pause each time the list is full and something is still to come. */
  private *append(builder: RunBuilder): Generator<undefined, void, void> {
    const origin = this.source.origin ?? 0;
    const extents = this.source.extents?.();
    this.holesUnknown = this.source.size > 0 && extents?.certainty !== 'exact';
    const bounds = extents?.bounds ?? [0, this.source.size];
    let data = extents?.startsWithData ?? true;
    for (let i = 0; i + 1 < bounds.length; i += 1, data = !data) {
      if (builder.full) yield;
      const from = bounds[i] ?? 0;
      builder.append((bounds[i + 1] ?? from) - from, data ? Kind.Data : Kind.Zero, origin + from);
    }
    // The last sector is filled up.
    builder.append(this.guestSize - builder.end, Kind.Zero, origin + builder.end);
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
