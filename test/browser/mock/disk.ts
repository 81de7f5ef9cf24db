import { Kind, NOBODY, UNKNOWN_OWNER, guestOffset, hostOffset } from '../../../src/core/model';
import type {
  Accounting, Bitmap, ChainEnd, Fact, Finding, LayerTrace, Pixels, Trace, TraceStep, View,
} from '../../../src/core/model';
import type {
  ComparisonSummary, DifferenceReply, ImageSummary, LayerSummary, PixelReply, PixelRequest, ReadReply, Standpoint,
} from '../../../src/protocol/image';
import { bytesPerCell, rangeBeside, unite } from '../../../src/core/ranges';
import { pixels as cut } from '../../../src/core/pixels';
import { fileOwners } from '../../../src/core/fileMap';
import { FakeFile } from './file';
import type { Fault } from './file';

/** A made-up layer: what it says about each cluster, and the facts around it. */
export interface FakeLayer {
  readonly fileName: string;
  readonly format: string;
  readonly kinds: Uint8Array;
  readonly label?: string;
  readonly modified?: number;
  readonly findings?: readonly Finding[];
  readonly snapshots?: readonly { readonly view: View; readonly kinds: Uint8Array }[];
  readonly bitmaps?: readonly Bitmap[];
  readonly readable?: boolean;
  readonly guestSize?: number;
  /** What a check finds. */
  readonly faults?: readonly Fault[];
  /** True for a layer that is shown as checked from the start. */
  readonly checked?: boolean;
}

export interface FakeDisk {
  readonly size: number;
  readonly cluster: number;
  readonly layers: readonly FakeLayer[];
  readonly end: ChainEnd;
  readonly scan: ImageSummary['scan'];
  /** While the scan is shown as running: of so many stretches of the disk one has been read. */
  readonly readOneIn?: number;
  /** What a comparison finds, and whether it is shown from the start. */
  readonly comparison?: FakeComparison;
}

export interface FakeComparison {
  readonly with: Pick<ComparisonSummary, 'path' | 'view' | 'viewName'>;
  readonly different: readonly { readonly start: number; readonly end: number }[];
  readonly unknown: number;
  readonly skipped: number;
  readonly shown: boolean;
}

const FOLDER = '/vm/images/';
/** Clusters that are read in one piece. */
const STRETCH = 2048;
const SECTION = { l2Entries: 8192, header: 0x50000 };

/** A disk as the worker would answer for it; everything follows from one array of kinds a layer. */
export class FakeChain {
  private standpoint: Standpoint = { depth: 0, view: '' };
  private generation = 1;
  private owner = new Int16Array(0);
  private kind = new Uint8Array(0);
  private readonly files = new Map<number, FakeFile>();
  private comparing: boolean;

  constructor(private readonly disk: FakeDisk) {
    this.resolve();
    this.comparing = disk.comparison?.shown === true;
    disk.layers.forEach(({ checked }, depth) => {
      if (checked) this.check(depth);
    });
  }

  check(depth: number): ImageSummary {
    const layer = this.disk.layers[depth];
    if (layer) this.files.set(depth, new FakeFile(layer, this.disk.cluster));
    this.generation += 1;
    return this.summary();
  }

  compare(on: boolean): ImageSummary {
    this.comparing = on;
    this.generation += 1;
    return this.summary();
  }

  difference(from: number, by: 1 | -1): DifferenceReply | null {
    const ranges = unite(this.disk.comparison?.different ?? []);
    const index = rangeBeside(ranges, from, by);
    return index < 0 ? null : { start: ranges.start[index] ?? 0, end: ranges.end[index] ?? 0, index };
  }

  private comparisonSummary(): ComparisonSummary | undefined {
    const { comparison, size } = this.disk;
    if (!this.comparing || !comparison) return undefined;
    const { different, unknown, skipped } = comparison;
    return {
      ...comparison.with, guestSize: size, ranges: different.length, unknown, skipped, first: different.slice(0, 10),
      bytes: different.reduce((sum, { start, end }) => sum + end - start, 0),
    };
  }

  look(standpoint: Standpoint): ImageSummary {
    this.standpoint = standpoint;
    this.generation += 1;
    this.resolve();
    return this.summary();
  }

  summary(): ImageSummary {
    const { disk } = this;
    return {
      path: FOLDER + (disk.layers[0]?.fileName ?? ''),
      layers: disk.layers.map((layer, depth) => this.layerSummary(layer, depth)),
      end: disk.end,
      standpoint: this.standpoint,
      guestSize: disk.size,
      generation: this.generation,
      scan: disk.scan,
      accounting: disk.scan === 'complete' ? this.accounting() : undefined,
      comparison: this.comparisonSummary(),
    };
  }

  private layerSummary(layer: FakeLayer, depth: number): LayerSummary {
    const { disk } = this;
    const share = (kind: number): number => (kind === Kind.Data ? 1 : kind === Kind.Compressed ? 0.5 : 0);
    const stored = layer.kinds.reduce((sum, kind) => sum + share(kind), 0);
    const facts: Fact[] = layer.format === 'qcow2'
      ? [{ label: 'Version', value: 3 }, { label: 'Cluster size', value: disk.cluster, unit: 'bytes' }] : [];
    if (layer.readable === false) facts.push({ label: 'Encryption', value: 'luks (aes-256-xts)' });
    return {
      depth,
      path: FOLDER + layer.fileName,
      fileName: layer.fileName,
      label: layer.label,
      format: layer.format,
      modified: layer.modified,
      guestSize: layer.guestSize ?? disk.size,
      fileSize: Math.round(stored * disk.cluster) + SECTION.header,
      diskUsage: Math.round(stored * disk.cluster) + SECTION.header,
      grain: layer.format === 'raw' ? 512 : disk.cluster,
      backing: disk.layers[depth + 1]?.fileName ?? null,
      views: [
        { id: '', name: '', guestSize: disk.size },
        ...(layer.snapshots ?? []).map(({ view }) => view),
      ],
      bitmaps: layer.bitmaps ?? [],
      facts,
      findings: layer.findings ?? [],
      readable: layer.readable ?? true,
      checkable: layer.format === 'qcow2',
      check: this.files.get(depth)?.check,
    };
  }

  private kindsOf(depth: number): Uint8Array {
    const layer = this.disk.layers[depth];
    const snapshot = depth === this.standpoint.depth
      ? layer?.snapshots?.find(({ view }) => view.id === this.standpoint.view) : undefined;
    return snapshot?.kinds ?? layer?.kinds ?? new Uint8Array(0);
  }

  private resolve(): void {
    const clusters = Math.ceil(this.disk.size / this.disk.cluster);
    const broken = this.disk.end.kind !== 'base';
    this.owner = new Int16Array(clusters).fill(broken ? UNKNOWN_OWNER : NOBODY);
    this.kind = new Uint8Array(clusters).fill(broken ? Kind.Unknown : Kind.Absent);
    for (let depth = this.disk.layers.length - 1; depth >= this.standpoint.depth; depth -= 1) {
      const kinds = this.kindsOf(depth);
      for (let cluster = 0; cluster < clusters; cluster += 1) {
        if (kinds[cluster] === Kind.Absent) continue;
        this.owner[cluster] = depth;
        this.kind[cluster] = kinds[cluster] ?? 0;
      }
    }
    for (let stretch = 0; stretch * STRETCH < clusters; stretch += 1) {
      if (stretch % (this.disk.readOneIn ?? 1) === 0) continue;
      this.owner.fill(UNKNOWN_OWNER, stretch * STRETCH, (stretch + 1) * STRETCH);
      this.kind.fill(Kind.Unknown, stretch * STRETCH, (stretch + 1) * STRETCH);
    }
  }

  private accounting(): Accounting {
    const { cluster, layers, size } = this.disk;
    const blank = { owned: 0, ownedData: 0, ownedZero: 0, ownedCompressed: 0, shadowed: 0 };
    const accounts = layers.map(() => ({ ...blank }));
    let nobody = 0;
    let unknown = 0;
    this.owner.forEach((owner, index) => {
      const account = accounts[owner];
      if (owner === NOBODY) nobody += cluster;
      else if (!account) unknown += cluster;
      else {
        account.owned += cluster;
        const kind = this.kind[index];
        if (kind === Kind.Compressed) account.ownedCompressed += cluster;
        else if (kind === Kind.Zero || kind === Kind.ZeroAllocated) account.ownedZero += cluster;
        else account.ownedData += cluster;
      }
      for (let depth = Math.max(owner + 1, this.standpoint.depth); owner >= 0 && depth < layers.length; depth += 1) {
        const hidden = accounts[depth];
        if (hidden && this.kindsOf(depth)[index] !== Kind.Absent) hidden.shadowed += cluster;
      }
    });
    return { guestSize: size, nobody, unknown, layers: accounts };
  }

  pixels({ start, cellBytes, cells, file }: PixelRequest): PixelReply | Promise<PixelReply> {
    const { generation } = this;
    const marks = (ranges: readonly { readonly start: number; readonly end: number }[]): Float64Array | undefined =>
      ranges.length === 0 ? undefined : bytesPerCell(unite(ranges), start, cellBytes, cells);
    if (file !== undefined) {
      const drawn = this.files.get(file);
      if (!drawn) throw new Error('not checked');
      return {
        generation, complete: true, pixels: cut(fileOwners(drawn.map), start, cellBytes, cells),
        damaged: marks(drawn.check.problems.flatMap(({ counts, host }) => (host && counts !== 'leak' ? [host] : []))),
      };
    }
    const problems = [...this.files.values()].flatMap(({ check }) => check.problems);
    return {
      generation, complete: this.disk.scan === 'complete', pixels: this.cells(start, cellBytes, cells),
      different: marks(this.comparing ? (this.disk.comparison?.different ?? []) : []),
      damaged: marks(problems.flatMap(({ guest }) => guest)),
    };
  }

  private cells(start: number, cellBytes: number, cells: number): Pixels {
    const { cluster, size } = this.disk;
    const end = Math.min(start + cellBytes * cells, size);
    const first = [0];
    const owners: number[] = [];
    const kinds: number[] = [];
    const bytes: number[] = [];
    for (let cell = 0; cell < cells; cell += 1) {
      const from = start + cell * cellBytes;
      const to = Math.min(from + cellBytes, end);
      const base = owners.length;
      for (let index = Math.floor(from / cluster); index * cluster < to; index += 1) {
        const inside = Math.min(to, (index + 1) * cluster) - Math.max(from, index * cluster);
        const owner = this.owner[index] ?? NOBODY;
        const kind = this.kind[index] ?? 0;
        let part = base;
        while (part < owners.length && (owners[part] !== owner || kinds[part] !== kind)) part += 1;
        owners[part] = owner;
        kinds[part] = kind;
        bytes[part] = (bytes[part] ?? 0) + inside;
      }
      first.push(owners.length);
    }
    return {
      rangeStart: start, rangeEnd: end, cellBytes, cells,
      first: Uint32Array.from(first), owner: Int16Array.from(owners),
      kind: Uint8Array.from(kinds), bytes: Float64Array.from(bytes),
    };
  }

  trace(offset: number): { generation: number; trace: Trace } {
    const { cluster, layers, end } = this.disk;
    const index = Math.floor(offset / cluster);
    const owner = this.owner[index] ?? NOBODY;
    const steps: TraceStep[] = [];
    for (let depth = this.standpoint.depth; depth < layers.length; depth += 1) {
      const role = owner === depth ? 'owner' : owner >= 0 && depth > owner ? 'hidden' : 'passed';
      const filename = FOLDER + (layers[depth]?.fileName ?? '');
      steps.push({ ...this.layerTrace(depth, index, offset), depth, filename, role });
    }
    const written = this.kind[index];
    const writes: Trace['write'] = owner === this.standpoint.depth && written === Kind.Data
      ? { effect: 'in-place', bytes: 0 }
      : owner === UNKNOWN_OWNER ? { effect: 'impossible', bytes: 0, reason: 'its surroundings are unknown' }
      : owner === NOBODY ? { effect: 'allocate', bytes: cluster }
        : { effect: 'copy', bytes: cluster, copiesFrom: [owner] };
    const ended = owner === UNKNOWN_OWNER && end.kind !== 'base'
      ? `${end.written}: not there, so nobody knows` : undefined;
    return {
      generation: this.generation,
      trace: { offset: guestOffset(offset), owner, kind: (written ?? 0) as Trace['kind'], steps, ended, write: writes },
    };
  }

  private layerTrace(depth: number, index: number, offset: number): LayerTrace {
    const { cluster } = this.disk;
    const kind = (this.kindsOf(depth)[index] ?? Kind.Absent) as LayerTrace['kind'];
    const unit = {
      unitStart: guestOffset(index * cluster), unitEnd: guestOffset((index + 1) * cluster),
      write: { effect: 'allocate', bytes: cluster } as const,
    };
    if (this.disk.layers[depth]?.format === 'raw') {
      return { kind, lookups: [], ...unit, ...(kind === Kind.Absent ? {} : { hostOffset: hostOffset(offset) }) };
    }
    const l1 = Math.floor(index / SECTION.l2Entries);
    const l2 = index % SECTION.l2Entries;
    const host = SECTION.header + ((index * 7919) % 400_000) * cluster;
    const none = kind === Kind.Absent && (index >> 6) % 3 === 0;
    const lookups = [
      {
        table: 'L1', index: l1, entryOffset: hostOffset(0x30000 + l1 * 8),
        entry: none ? '0x0000000000000000' : `0x80000000${(0x40000 + l1 * 0x10000).toString(16).padStart(8, '0')}`,
        flags: none ? [] : ['copied'],
      },
      ...(none ? [] : [{
        table: 'L2', index: l2, entryOffset: hostOffset(0x40000 + l1 * 0x10000 + l2 * 8),
        entry: entryOf(kind, host), flags: flagsOf(kind),
      }]),
    ];
    const holds = kind === Kind.Data || kind === Kind.Compressed;
    return {
      kind, lookups, ...unit,
      ...(holds ? { hostOffset: hostOffset(host + (offset % cluster)) } : {}),
      ...(kind === Kind.Compressed ? { compressedLength: 23_040 } : {}),
    };
  }

  read(offset: number, length: number): ReadReply {
    const { cluster, layers, size } = this.disk;
    const bytes = new Uint8Array(Math.max(0, Math.min(length, size - offset)));
    const owner = this.owner[Math.floor(offset / cluster)] ?? NOBODY;
    const kind = this.kind[Math.floor(offset / cluster)];
    const why = owner === UNKNOWN_OWNER ? 'What is here lies below the missing parent.'
      : layers[owner]?.readable === false ? 'The content is encrypted; its key is not known.'
        : kind === Kind.Invalid ? 'The entry points outside the file, so there is nothing to read.' : undefined;
    if (why !== undefined) return { offset, bytes, gaps: [{ start: 0, end: bytes.length, why }] };
    if (kind === Kind.Data || kind === Kind.Compressed) bytes.set(SAMPLE_BYTES.subarray(0, bytes.length));
    return { offset, bytes, gaps: [] };
  }
}

function entryOf(kind: number, host: number): string {
  const hex = host.toString(16).padStart(8, '0');
  if (kind === Kind.Data) return `0x80000000${hex}`;
  if (kind === Kind.Compressed) return `0x4b000000${hex}`;
  if (kind === Kind.Invalid) return '0x8000fffffffffe00';
  return kind === Kind.Zero ? '0x0000000000000001' : '0x0000000000000000';
}

function flagsOf(kind: number): string[] {
  if (kind === Kind.Data) return ['copied'];
  if (kind === Kind.Compressed) return ['compressed'];
  return kind === Kind.Zero ? ['zero'] : [];
}

/** How a 64-bit ELF program begins. */
const SAMPLE_BYTES = Uint8Array.from([
  0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0x3e, 0, 1, 0, 0, 0, 0x40, 0x10, 0, 0, 0, 0, 0, 0,
  0x40, 0, 0, 0, 0, 0, 0, 0, 0xf8, 0x36, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0, 0x38, 0, 13, 0, 0x40, 0, 31, 0, 30, 0,
  6, 0, 0, 0, 4, 0, 0, 0, 0x2f, 0x6c, 0x69, 0x62, 0x36, 0x34, 0x2f, 0x6c, 0x64, 0x2d, 0x6c, 0x69, 0x6e, 0x75, 0x78,
]);
