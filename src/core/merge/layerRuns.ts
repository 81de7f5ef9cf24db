import type { ChainLayer, OwnershipMap } from '../model';
import { Kind } from '../model';
import { walkLayer } from '../walk';

/**
 * What one layer by itself says of its disk, asked for in rising order: `kind`, `host` and `end` hold the last answer.
 * Past the end of its disk all is one absent run without end.
 */
export class LayerRuns {
  readonly guestSize: number;
  kind: Kind = Kind.Absent;
  /** Host offset of the byte that was asked for, or -1. */
  host = -1;
  /** Where the run ends. */
  end = 0;
  private readonly parts: Generator<OwnershipMap, void, void>;
  private part: OwnershipMap | undefined;
  private run = 0;

  constructor(chainLayer: ChainLayer) {
    const view = chainLayer.layer.views[0];
    if (!view) throw new Error('a layer has a current state');
    this.guestSize = view.guestSize;
    this.parts = walkLayer(chainLayer, view);
  }

  /** Whether the layer itself answers here, whatever is below. */
  get allocated(): boolean {
    return this.kind !== Kind.Absent;
  }

  get readsAsZero(): boolean {
    return this.kind === Kind.Zero || this.kind === Kind.ZeroAllocated;
  }

  /** The tables say what can't be true, or can't be read. */
  get broken(): boolean {
    return this.kind === Kind.Invalid || this.kind === Kind.Unknown;
  }

  /** @param at not before what was asked for last. @throws DiskError when the layer's tables can't be read */
  seek(at: number): void {
    if (at >= this.guestSize) {
      this.kind = Kind.Absent;
      this.host = -1;
      this.end = Infinity;
      return;
    }
    while (!this.part || at >= (this.part.start[this.part.count] ?? 0)) this.pull();
    const { start, kind, host } = this.part;
    while ((start[this.run + 1] ?? Infinity) <= at) this.run += 1;
    const first = host?.[this.run] ?? -1;
    this.kind = (kind[this.run] ?? Kind.Unknown) as Kind;
    this.host = first < 0 ? -1 : first + (at - (start[this.run] ?? 0));
    this.end = start[this.run + 1] ?? this.guestSize;
  }

  close(): void {
    this.parts.return();
  }

  private pull(): void {
    const step = this.parts.next();
    if (step.done) throw new Error('the parts of a layer end before its disk does');
    this.part = step.value;
    this.run = 0;
  }
}

/** The L2 tables of large disks are looked at in parts, and QEMU tells of a disk no further than such a part goes. */
const L2_CACHE_BYTES = 32 * 2 ** 20;
const SMALL_SLICE = 4096;

/**
 * How far QEMU tells of a qcow2 image at a time (block/qcow2.c, read_cache_sizes): guest bytes that one slice of an L2
 * table maps. Infinite for raw, whose file is looked at run by run.
 */
export function sliceSpan(layer: ChainLayer['layer'], extendedL2: boolean): number {
  if (layer.format !== 'qcow2') return Infinity;
  const entry = extendedL2 ? 16 : 8;
  const cluster = layer.grain;
  const tables = Math.ceil((Math.ceil(layer.guestSize / cluster) * entry) / cluster) * cluster;
  const slice = tables > L2_CACHE_BYTES ? Math.min(cluster, SMALL_SLICE) : cluster;
  return (slice / entry) * cluster;
}
