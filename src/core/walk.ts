import { Kernel } from './kernel/kernel';
import type { Chain, ChainLayer, Finding, Oddities, OwnershipMap, View } from './model';
import { Kind, UNKNOWN_OWNER } from './model';
import type { Picture } from './picture/picture';
import { assertInside } from './ranges';
import type { ChainScans } from './scan/chainScans';
import { openScans, tellOddities, WINDOW_BYTES } from './scan/chainScans';
import { MapBuilder } from './scan/mapBuilder';
import { MapOfParts } from './scan/mapOfParts';
import { Resolver } from './scan/resolver';

/** For so little of a disk few tables are read, and none ahead. */
const SMALL_RANGE = 2 ** 30;
const SMALL_WINDOW = 1 << 20;

/** From where the disk is walked: a layer, and one of its states. */
export interface WalkFrom {
  readonly depth: number;
  readonly view: View;
}

/** A part of a disk, in bytes. */
export interface DiskRange {
  readonly start: number;
  readonly end: number;
}

/** Hears of each layer whose tables can't be read: there, what reaches it is unknown. */
export type Failed = (depth: number, finding: Finding) => void;

/**
 * The disk from its first byte to its last, a stretch at a time: each map covers `[start[0], start[count])` of the disk
 * and has host offsets; the next begins where it ends. Of a disk of no bytes there is none. What is kept in memory does
 * not depend on the disk.
 */
export function* walk(chain: Chain, from: WalkFrom, failed?: Failed): Generator<OwnershipMap, void, void> {
  yield* walkRange(chain, from, { start: 0, end: from.view.guestSize }, failed);
}

/**
 * The same for a part of the disk. What is odd about tables is told only by a walk of all of it.
 * @throws DiskError `out-of-range`
 */
export function* walkRange(
  chain: Chain,
  from: WalkFrom,
  range: DiskRange,
  failed?: Failed,
): Generator<OwnershipMap, void, void> {
  const { start, end } = range;
  const { guestSize } = from.view;
  assertInside(range, guestSize);
  const walker = new Walker(chain, from, failed, end - start < SMALL_RANGE ? SMALL_WINDOW : undefined);
  try {
    yield* walker.maps(range);
    if (start === 0 && end === guestSize) {
      walker.oddities.forEach((oddities, index) => {
        if (oddities) tellOddities(chain.layers[from.depth + index], from, [oddities]);
      });
    }
  } finally {
    walker.close();
  }
}

/**
 * The map of a part of the disk, without host offsets: from a picture where that knows all of it, else by reading tables.
 * @throws DiskError `out-of-range`
 */
export function mapOf(chain: Chain, from: WalkFrom, picture: Picture, { start, end }: DiskRange): OwnershipMap {
  if (picture.isExact(start, end)) return picture.part(start, end);
  const map = new MapBuilder(start, false);
  for (const each of walkRange(chain, from, { start, end })) {
    for (let run = 0; run < each.count; run += 1) {
      const length = (each.start[run + 1] ?? 0) - (each.start[run] ?? 0);
      map.append(length, each.owner[run] ?? UNKNOWN_OWNER, (each.kind[run] ?? Kind.Unknown) as Kind, -1);
    }
  }
  return map.finish();
}

/** Walks parts of a disk, one after the other. */
export class Walker {
  private readonly kernel = Kernel.take();
  private readonly scans: ChainScans;
  private readonly resolver: Resolver;
  private readonly map: MapOfParts;

  /** @param windowBytes of tables that are read ahead */
  constructor(chain: Chain, from: WalkFrom, failed?: Failed, windowBytes = WINDOW_BYTES) {
    this.scans = openScans(chain, from, this.kernel, { failed, windowBytes });
    const options = { hosts: true, holdings: false };
    this.resolver = new Resolver(this.kernel, this.scans.layers, chain.end.kind, options, this.scans.failed);
    this.map = new MapOfParts(this.kernel);
  }

  /** By index of the layer from the standpoint down, what was odd so far; undefined for one that can't be scanned. */
  get oddities(): readonly (Oddities | undefined)[] {
    return this.scans.layers.map(({ scan }) => scan?.oddities);
  }

  /** By index of the layer from the standpoint down: bytes of the disk that one kind stands for. */
  get units(): readonly (number | undefined)[] {
    return this.scans.layers.map(({ scan }) => scan?.unit);
  }

  /** @param toldBefore up to here what is odd is counted already */
  *maps({ start, end }: DiskRange, toldBefore = start): Generator<OwnershipMap, void, void> {
    for (const part of this.resolver.parts(start, end, toldBefore)) yield this.map.of(part);
  }

  close(): void {
    this.kernel.release();
  }
}

/** One layer by itself, from its first byte to its last: what it does not hold is nobody's. @throws DiskError */
export function* walkLayer({ layer }: ChainLayer, view: View): Generator<OwnershipMap, void, void> {
  const kernel = Kernel.take();
  try {
    const scan = layer.scan(view, kernel, { windowBytes: WINDOW_BYTES });
    const alone = [{ depth: 0, guestSize: view.guestSize, scan }];
    const resolver = new Resolver(kernel, alone, 'base', { hosts: true, holdings: false }, (_, error) => {
      throw error;
    });
    const maps = new MapOfParts(kernel);
    for (const part of resolver.parts(0, view.guestSize)) yield maps.of(part);
  } finally {
    kernel.release();
  }
}
