import type { Kind, LayerScan, Outlook, Strip } from '../../model';

/** Tells a part that is of one kind, and where it is in a file, if anywhere, all of it in a row. */
export class UniformScan implements LayerScan {
  readonly oddities = new Map<string, never>();

  /** @param host offset of the first byte, no less than the largest unit of a chain; or -1 */
  constructor(
    private readonly size: number,
    private readonly kind: Kind,
    private readonly host: number,
    readonly unit: number,
  ) {}

  get block(): number {
    return this.unit;
  }

  begin(): void {
    // Nothing is read.
  }

  ahead(at: number): Outlook {
    return { end: this.size, kind: this.kind, host: this.hostOf(at) };
  }

  paint(from: number, blocks: number, { kernel, kinds, hosts }: Strip): void {
    kernel.run.fill(kinds, hosts, blocks, this.kind, this.hostOf(from), this.unit);
  }

  private hostOf(at: number): number {
    return this.host < 0 ? -1 : this.host + at;
  }
}
