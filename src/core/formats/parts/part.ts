import type { Kernel } from '../../kernel/kernel';
import type {
  Finding,
  GuestPart,
  LayerScan,
  LayerTrace,
  Oddities,
  PlacedRun,
  ScanOptions,
  WriteEffect,
} from '../../model';
import { Kind } from '../../model';

/** What a write to a block of a kind would do. */
export type WriteRule = (of: Pick<LayerTrace, 'kind' | 'hostOffset' | 'unitStart' | 'unitEnd'>) => WriteEffect;

/**
 * A stretch of a layer's disk that is mapped in one way: by one table of blocks, or by a file that holds it as it stands.
 * A disk is one part, or several in a row. All offsets are guest offsets, counted from where the part begins.
 */
export interface DiskPart {
  /** Bytes of the disk. */
  readonly size: number;
  /** @param largestUnit of the scan, a power of two */
  scan(kernel: Kernel, options: ScanOptions, largestUnit: number): LayerScan;
  /** `write` is what the layer's format would do. @throws DiskError where a scan can't tell either */
  trace(offset: number, write: WriteRule): LayerTrace;
  /** Fills `target`, with zeros where the part holds nothing. @throws DiskError */
  read(offset: number, target: Uint8Array): void;
  /** As `Layer.firstPastEnd`. @throws DiskError */
  firstPastEnd?(run: PlacedRun): number | undefined;
  /** As `Layer.lostTables`. @throws DiskError */
  lostTables?(): Iterable<GuestPart>;
  /** What its scans counted as odd, in words. Codes that it does not know are another's. */
  findingsOf?(oddities: Oddities): readonly Finding[];
  /** Findings that come to light with a scan and are no count. */
  readonly findings?: readonly Finding[];
  close(): void;
}

/** The largest unit of any format: a block of VHDX ([MS-VHDX] 2.6.2.1) has at most 256 MiB. */
export const LARGEST_UNIT = 2 ** 28;

/** The largest power of two that divides a number, and is no more than another, itself one. */
export function unitWithin(bytes: number, largest: number): number {
  let unit = largest;
  while (bytes % unit !== 0) unit /= 2;
  return unit;
}

/** Of a format that writes blocks where they are, and gives each new one space of its own. */
export const writesBlocks: WriteRule = ({ kind, unitStart, unitEnd }) => {
  switch (kind) {
    case Kind.Data:
      return { effect: 'in-place', bytes: 0 };
    case Kind.ZeroAllocated:
      return { effect: 'in-place', bytes: 0, reason: 'its space is kept' };
    case Kind.Zero:
      return { effect: 'allocate', bytes: unitEnd - unitStart };
    case Kind.Absent:
      return { effect: 'copy', bytes: unitEnd - unitStart };
    case Kind.Compressed:
      return { effect: 'impossible', bytes: 0, reason: 'compressed blocks are never written anew' };
    case Kind.Invalid:
    case Kind.Unknown:
      return { effect: 'impossible', bytes: 0, reason: 'the table entry is broken' };
  }
};
