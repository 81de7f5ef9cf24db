import type { Kernel } from '../../kernel/kernel';
import type { Finding, GuestPart, LayerScan, LayerTrace, Oddities, PlacedRun, ScanOptions } from '../../model';
import type { DiskPart, WriteRule } from './part';

const NEVER: WriteRule = () => ({ effect: 'impossible', bytes: 0, reason: 'this part of the disk is read-only' });

/** A part that is never written to, though others of its disk are. */
export class ReadOnlyPart implements DiskPart {
  constructor(private readonly part: DiskPart) {}

  get size(): number {
    return this.part.size;
  }

  get findings(): readonly Finding[] {
    return this.part.findings ?? [];
  }

  scan(kernel: Kernel, options: ScanOptions, largestUnit: number): LayerScan {
    return this.part.scan(kernel, options, largestUnit);
  }

  trace(offset: number): LayerTrace {
    return this.part.trace(offset, NEVER);
  }

  read(offset: number, target: Uint8Array): void {
    this.part.read(offset, target);
  }

  firstPastEnd(run: PlacedRun): number | undefined {
    return this.part.firstPastEnd?.(run);
  }

  lostTables(): Iterable<GuestPart> {
    return this.part.lostTables?.() ?? [];
  }

  findingsOf(oddities: Oddities): readonly Finding[] {
    return this.part.findingsOf?.(oddities) ?? [];
  }

  close(): void {
    this.part.close();
  }
}
