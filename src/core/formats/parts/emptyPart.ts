import type { Kernel } from '../../kernel/kernel';
import type { Kind, LayerScan, LayerTrace, ScanOptions } from '../../model';
import { guestOffset } from '../../model';
import type { DiskPart, WriteRule } from './part';
import { UniformScan } from './uniformScan';

/** A part that is of one kind, and in no file: zeros (an extent of type ZERO), or what is not known. */
export class EmptyPart implements DiskPart {
  constructor(
    readonly size: number,
    private readonly kind: Kind,
  ) {}

  scan(_kernel: Kernel, _options: ScanOptions, largestUnit: number): LayerScan {
    return new UniformScan(this.size, this.kind, -1, largestUnit);
  }

  trace(_offset: number, write: WriteRule): LayerTrace {
    const unit = { unitStart: guestOffset(0), unitEnd: guestOffset(this.size) };
    return { kind: this.kind, lookups: [], ...unit, write: write({ kind: this.kind, ...unit }) };
  }

  read(_offset: number, target: Uint8Array): void {
    target.fill(0);
  }

  close(): void {
    // Nothing is open.
  }
}
