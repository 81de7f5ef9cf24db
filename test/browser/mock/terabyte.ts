import { Kind, NOBODY, UNKNOWN_OWNER } from '../../../src/core/model';
import type { Pixels } from '../../../src/core/model';
import type { ImageSummary, PixelReply, PixelRequest, Standpoint } from '../../../src/protocol/image';
import { FakeChain } from './disk';
import type { FakeLayer } from './disk';

/**
 * A made-up tebibyte in five layers, as fragmented as one that ran for years: each layer holds 30 % of it, the base 60 %, in
 * runs of four clusters on average. It answers on a thread of its own, as the extension's worker does, so that the
 * page has its thread to itself. In the mock page's address, `scenario=terabyte&passes=2` shows it while it is being read,
 * and `pass-ms=500` reads on from there.
 */

const CLUSTER = 65_536;
const CLUSTERS = 2 ** 24;
const SIZE = CLUSTERS * CLUSTER;
const SHARES = [0.3, 0.3, 0.3, 0.3, 0.6];
const MEAN_RUN = 4;
/** Owners are the layers and, after them, nobody. */
const OWNERS = SHARES.length + 1;
/** Clusters of the finest sums that are kept, and of the pieces in which the disk gets known. */
const FINEST = 64;
const REGION = 65_536;
const REGIONS = CLUSTERS / REGION;
/** The disk gets known in so many passes, each over the whole of it: every 16th region, then those half way between … */
const PASSES = [16, 8, 4, 2, 1];

interface Question {
  readonly id: number;
  readonly request: PixelRequest;
  /** Passes that have been read. */
  readonly passes: number;
}

interface Answer {
  readonly id: number;
  readonly pixels: Pixels;
}

/** The owner of each cluster. */
function ownersOf(seed: number): Uint8Array {
  const owners = new Uint8Array(CLUSTERS).fill(OWNERS - 1);
  let state = seed;
  const random = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 4_294_967_296;
  };
  /** Lengths of the geometric distribution that has this mean. */
  const lengths = (mean: number): (() => number) => {
    const all = Uint16Array.from({ length: 4096 }, (_, at) =>
      1 + Math.floor(Math.log((at + 0.5) / 4096) / Math.log(1 - 1 / mean)));
    return () => all[Math.floor(random() * all.length)] ?? 1;
  };
  const run = lengths(MEAN_RUN);
  for (let layer = SHARES.length - 1; layer >= 0; layer -= 1) {
    const share = SHARES[layer] ?? 0;
    const gap = lengths((MEAN_RUN * (1 - share)) / share);
    for (let at = gap(); at < CLUSTERS; at += gap()) {
      const end = Math.min(at + run(), CLUSTERS);
      while (at < end) {
        owners[at] = layer;
        at += 1;
      }
    }
  }
  return owners;
}

/** Clusters by owner of each `FINEST` of them, then of each twice as many, up to a region. */
function sumsOf(owners: Uint8Array): Uint32Array[] {
  let finer = new Uint32Array((CLUSTERS / FINEST) * OWNERS);
  for (let cluster = 0; cluster < CLUSTERS; cluster += 1) {
    const at = Math.floor(cluster / FINEST) * OWNERS + (owners[cluster] ?? 0);
    finer[at] = (finer[at] ?? 0) + 1;
  }
  const sums = [finer];
  for (let clusters = FINEST * 2; clusters <= REGION; clusters *= 2) {
    const coarser = new Uint32Array(finer.length / 2);
    for (let at = 0; at < coarser.length; at += 1) {
      const left = Math.floor(at / OWNERS) * 2 * OWNERS + (at % OWNERS);
      coarser[at] = (finer[left] ?? 0) + (finer[left + OWNERS] ?? 0);
    }
    sums.push(coarser);
    finer = coarser;
  }
  return sums;
}

function isKnown(cluster: number, passes: number): boolean {
  const step = PASSES[passes - 1];
  return step !== undefined && Math.floor(cluster / REGION) % step === 0;
}

/** Runs on the other thread. */
export function serveTerabyte(): void {
  const owners = ownersOf(42);
  const sums = sumsOf(owners);
  const count = new Float64Array(OWNERS + 1);
  const countRange = (from: number, to: number, passes: number): void => {
    const piece = Math.min(to - from, REGION);
    for (let at = from; at < to; at += piece) {
      if (!isKnown(at, passes)) {
        count[OWNERS] = (count[OWNERS] ?? 0) + piece;
      } else if (piece < FINEST) {
        for (let cluster = at; cluster < at + piece; cluster += 1) {
          const owner = owners[cluster] ?? 0;
          count[owner] = (count[owner] ?? 0) + 1;
        }
      } else {
        const level = sums[Math.log2(piece / FINEST)];
        for (let owner = 0; owner < OWNERS; owner += 1) {
          count[owner] = (count[owner] ?? 0) + (level?.[(at / piece) * OWNERS + owner] ?? 0);
        }
      }
    }
  };
  const cut = ({ start, cellBytes, cells }: PixelRequest, passes: number): Pixels => {
    const first = new Uint32Array(cells + 1);
    const owner: number[] = [];
    const bytes: number[] = [];
    for (let cell = 0; cell < cells; cell += 1) {
      count.fill(0);
      countRange((start + cell * cellBytes) / CLUSTER, (start + (cell + 1) * cellBytes) / CLUSTER, passes);
      for (let each = 0; each <= OWNERS; each += 1) {
        const clusters = count[each] ?? 0;
        if (clusters === 0) continue;
        owner.push(each === OWNERS ? UNKNOWN_OWNER : each === OWNERS - 1 ? NOBODY : each);
        bytes.push(clusters * CLUSTER);
      }
      first[cell + 1] = owner.length;
    }
    const kindOf = (of: number): number => of === UNKNOWN_OWNER ? Kind.Unknown : of === NOBODY ? Kind.Absent : Kind.Data;
    return {
      rangeStart: start, rangeEnd: Math.min(SIZE, start + cells * cellBytes), cellBytes, cells, first,
      owner: Int16Array.from(owner), kind: Uint8Array.from(owner, kindOf), bytes: Float64Array.from(bytes),
    };
  };
  addEventListener('message', ({ data: { id, request, passes } }: MessageEvent<Question>) => {
    postMessage({ id, pixels: cut(request, passes) } satisfies Answer);
  });
}

const layers: FakeLayer[] = SHARES.map((_, depth) => ({
  fileName: `l${depth}.qcow2`, format: 'qcow2', kinds: new Uint8Array(REGIONS).fill(depth === 4 ? Kind.Data : Kind.Absent),
  modified: Date.UTC(2026, 0, 31 - depth),
}));

/** The page's end of it. Traces and bytes are of a disk that is all base: only the picture is made up with care. */
export class TerabyteChain extends FakeChain {
  private readonly thread = new Worker('/terabyte.js');
  private readonly waiting = new Map<number, (pixels: Pixels) => void>();
  private asked = 0;

  /** @param passes that have been read at first; all of them make the picture whole */
  constructor(private passes: number = PASSES.length) {
    super({ size: SIZE, cluster: SIZE / REGIONS, layers, end: { kind: 'base' }, scan: 'complete' });
    this.thread.addEventListener('message', ({ data: { id, pixels } }: MessageEvent<Answer>) => {
      this.waiting.get(id)?.(pixels);
      this.waiting.delete(id);
    });
  }

  private get complete(): boolean {
    return this.passes >= PASSES.length;
  }

  /** One pass more, as the scan would tell of it; false once nothing is left to read. */
  readOn(): boolean {
    this.passes += 1;
    return !this.complete;
  }

  override look(standpoint: Standpoint): ImageSummary {
    super.look(standpoint);
    return this.summary();
  }

  override summary(): ImageSummary {
    const summary = super.summary();
    return {
      ...summary,
      layers: summary.layers.map((layer) => ({ ...layer, grain: CLUSTER })),
      generation: this.passes + 1,
      scan: this.complete ? 'complete' : 'running',
      accounting: this.complete ? summary.accounting : undefined,
    };
  }

  override async pixels(request: PixelRequest): Promise<PixelReply> {
    const { passes, complete } = this;
    this.asked += 1;
    const id = this.asked;
    const pixels = await new Promise<Pixels>((resolve) => {
      this.waiting.set(id, resolve);
      this.thread.postMessage({ id, request, passes } satisfies Question);
    });
    return { generation: passes + 1, complete, pixels };
  }
}
