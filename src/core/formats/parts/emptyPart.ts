import type { LayerScan, LayerTrace, Outlook, Strip, Kind } from '../../model';
import { guestOffset } from '../../model';
import type { Kernel } from '../../kernel/kernel';
import type { ScanOptions } from '../../model';
import type { DiskPart, WriteRule } from './part';

/** A part that is of one kind, and in no file: zeros (an extent of type ZERO), or what is not known. */
export class EmptyPart implements DiskPart {
  constructor(
    readonly size: number,
    private readonly kind: Kind,
  ) {}

  scan(_kernel: Kernel, _options: ScanOptions, largestUnit: number): LayerScan {
    return new EmptyScan(this.size, this.kind, largestUnit);
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

class EmptyScan implements LayerScan {
  readonly oddities = new Map<string, never>();

  constructor(
    private readonly size: number,
    private readonly kind: Kind,
    readonly unit: number,
  ) {}

  get block(): number {
    return this.unit;
  }

  begin(): void {
    // Nothing is read.
  }

  ahead(): Outlook {
    return { end: this.size, kind: this.kind, host: -1 };
  }

  paint(_from: number, blocks: number, { kernel, kinds, hosts }: Strip): void {
    kernel.run.fill(kinds, hosts, blocks, this.kind, -1, this.unit);
  }
}
