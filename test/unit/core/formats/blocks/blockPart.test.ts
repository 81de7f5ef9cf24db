import assert from 'node:assert/strict';
import type { Chain, Layer } from '../../../../../src/core';
import { DiskError, guestOffset, Kind } from '../../../../../src/core';
import type { BlockMap, Blocks } from '../../../../../src/core/formats/blocks/blockMap';
import { MIXED } from '../../../../../src/core/formats/blocks/blockMap';
import { BlockPart } from '../../../../../src/core/formats/blocks/blockPart';
import { EmptyPart } from '../../../../../src/core/formats/parts/emptyPart';
import { JoinedPart } from '../../../../../src/core/formats/parts/joinedPart';
import type { DiskPart } from '../../../../../src/core/formats/parts/part';
import { writesBlocks } from '../../../../../src/core/formats/parts/part';
import { PartLayer } from '../../../../../src/core/formats/parts/partLayer';
import { Kernel } from '../../../../../src/core/kernel/kernel';
import { walk } from '../../../../../src/core/walk';
import { Draw } from '../../../../support/random';

const SECTOR = 512;

/** A table of blocks worked out by hand: what each sector of the disk is, and where its bytes are. */
interface Model {
  readonly blockSize: number;
  readonly size: number;
  readonly kinds: readonly number[];
  readonly hosts: readonly number[];
  /** By block that is mixed: its sectors that hold data. */
  readonly sectors: ReadonlyMap<number, readonly boolean[]>;
  readonly dataEnd: number;
  /** Blocks whose entry can't be read. */
  readonly broken: ReadonlySet<number>;
}

interface Sector {
  readonly kind: number;
  readonly host: number;
}

function sectorOf({ blockSize, kinds, hosts, sectors, broken }: Model, at: number): Sector {
  const block = Math.floor(at / blockSize);
  if (broken.has(block)) return { kind: Kind.Unknown, host: -1 };
  const host = hosts[block] ?? -1;
  const kind = kinds[block] ?? 0;
  const place = host < 0 ? -1 : host + (at % blockSize);
  if (kind !== MIXED) return { kind, host: place };
  const isSet = sectors.get(block)?.[Math.floor((at % blockSize) / SECTOR)] === true;
  return { kind: isSet ? Kind.Data : Kind.Absent, host: place };
}

/** What the file holds at a place: any byte that tells the place. */
const byteAt = (host: number): number => (host * 7 + Math.floor(host / 251)) % 256;

function blocksOf(model: Model, perReading: number, highestFirst: boolean): Blocks {
  const { blockSize, size, dataEnd } = model;
  const open = (random: boolean): BlockMap => ({
    blockSize,
    perReading: 1,
    tell: (first, most) => {
      assert(most >= 1 && first < model.kinds.length, 'asked for blocks that there are');
      let count = Math.min(most, random ? 1 : perReading);
      for (let i = 0; i < count; i += 1) if (model.broken.has(first + i)) count = i;
      if (count === 0) throw new DiskError('io', 'the table is broken here');
      const kind = model.kinds[first] ?? 0;
      const alike = model.kinds.findIndex((other, i) => i >= first && (other !== kind || model.broken.has(i)));
      if (kind === Kind.Absent && first % 3 === 0) {
        return { count: Math.min(most, (alike < 0 ? model.kinds.length : alike) - first), kind, host: -1 };
      }
      return {
        count,
        kinds: Uint8Array.from(model.kinds.slice(first, first + count)),
        hosts: Float64Array.from(model.hosts.slice(first, first + count)),
      };
    },
    sectors: (block) => ({
      bytes: bitsOf(model.sectors.get(block) ?? [], highestFirst),
      highestFirst,
      unit: SECTOR,
      unset: Kind.Absent,
    }),
    lookups: () => [],
  });
  return {
    size,
    blockSize,
    sectorUnit: model.sectors.size > 0 ? SECTOR : undefined,
    dataEnd,
    open,
    readData: (host, target) => {
      target.forEach((_, i) => (target[i] = byteAt(host + i)));
    },
    close: () => undefined,
  };
}

/** Ten blocks of a sector. */
function partOf(tell: BlockMap['tell']): BlockPart {
  return new BlockPart({
    size: 10 * SECTOR,
    blockSize: SECTOR,
    dataEnd: Infinity,
    open: () => ({ blockSize: SECTOR, perReading: 1, tell, lookups: () => [] }),
    readData: (host, target) => {
      target.forEach((_, i) => (target[i] = byteAt(host + i)));
    },
    close: () => undefined,
  });
}

function bitsOf(sectors: readonly boolean[], highestFirst: boolean): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(sectors.length / 8));
  sectors.forEach((isSet, i) => {
    if (isSet) bytes[i >> 3] = (bytes[i >> 3] ?? 0) | (highestFirst ? 0x80 >> (i % 8) : 1 << (i % 8));
  });
  return bytes;
}

function drawModel(draw: Draw): Model {
  const blockSize = SECTOR * draw.pick([1, 8, 63, 126, 128, 4096]);
  const count = draw.between(1, blockSize > 100_000 ? 12 : 150);
  const size = blockSize * count - SECTOR * draw.below(Math.min(blockSize / SECTOR, 20));
  const mixed = draw.chance(0.5) && blockSize >= SECTOR * 8;
  const kinds: number[] = [];
  const hosts: number[] = [];
  const sectors = new Map<number, readonly boolean[]>();
  let next = SECTOR * 200;
  while (kinds.length < count) {
    const kind = draw.pick([
      Kind.Absent,
      Kind.Data,
      Kind.Data,
      Kind.Zero,
      Kind.ZeroAllocated,
      Kind.Invalid,
      ...(mixed ? [MIXED] : []),
    ]);
    const run = draw.between(1, 9);
    for (let i = 0; i < run && kinds.length < count; i += 1) {
      const placed = kind === Kind.Data || kind === Kind.ZeroAllocated || kind === MIXED;
      if (kind === MIXED) {
        sectors.set(
          kinds.length,
          Array.from({ length: blockSize / SECTOR }, () => draw.chance(0.7)),
        );
      }
      kinds.push(kind);
      hosts.push(placed ? next : -1);
      if (placed) next += blockSize + (draw.chance(0.2) ? SECTOR : 0);
    }
  }
  const broken = new Set<number>();
  if (draw.chance(0.3)) broken.add(draw.below(count));
  return { blockSize, size, kinds, hosts, sectors, dataEnd: draw.chance(0.5) ? next : next / 2, broken };
}

function layerOf(part: DiskPart): Layer {
  return new PartLayer({
    format: 'test',
    grain: SECTOR,
    part,
    write: writesBlocks,
    facts: [],
    info: { 'dirty-flag': false },
    findings: [],
  });
}

/** What the walk says of each sector of a layer, as if it were a disk of its own. */
function walked(layer: Layer): Sector[] {
  const chain: Chain = {
    layers: [
      {
        depth: 0,
        identity: { id: '/x', path: '/x' },
        layer,
        source: { size: 0, readInto: () => undefined, close: () => undefined },
        companions: [],
        findings: [],
      },
    ],
    end: { kind: 'base' },
  };
  const [view] = layer.views;
  assert(view);
  const sectors: Sector[] = [];
  for (const map of walk(chain, { depth: 0, view })) {
    for (let run = 0; run < map.count; run += 1) {
      const start = map.start[run] ?? 0;
      for (let at = start; at < (map.start[run + 1] ?? 0); at += SECTOR) {
        const host = map.host?.[run] ?? -1;
        sectors.push({ kind: map.kind[run] ?? -1, host: host < 0 ? -1 : host + (at - start) });
      }
    }
  }
  return sectors;
}

function expected(model: Model): Sector[] {
  return Array.from({ length: model.size / SECTOR }, (_, i) => sectorOf(model, i * SECTOR));
}

describe('a disk that a table of blocks maps', () => {
  it('is walked, traced and read as its table says, whatever the size of blocks', () => {
    for (let seed = 1; seed <= 150; seed += 1) {
      const draw = Draw.named(seed, 'blocks');
      const model = drawModel(draw);
      const layer = layerOf(new BlockPart(blocksOf(model, draw.pick([1, 5, 1000]), draw.chance(0.5))));
      const truth = expected(model);
      assert.deepEqual(walked(layer), truth, `seed ${seed}`);
      for (let i = 0; i < 20; i += 1) {
        const at = draw.below(model.size);
        if (model.broken.has(Math.floor(at / model.blockSize))) continue;
        const { kind, hostOffset, unitStart, unitEnd } = layer.trace(layer.views[0] as never, guestOffset(at));
        const told = sectorOf(model, at);
        assert.equal(kind, told.kind, `seed ${seed}, byte ${at}`);
        assert.equal(hostOffset ?? -1, told.host, `seed ${seed}, byte ${at}`);
        assert(unitStart <= at && at < unitEnd && unitEnd <= model.size, `seed ${seed}, byte ${at}`);
      }
      readsAs(layer, model, draw, seed);
    }
  });

  it('counts each odd entry once, by where its block begins', () => {
    for (let seed = 1; seed <= 60; seed += 1) {
      const model = { ...drawModel(Draw.named(seed, 'odd')), broken: new Set<number>() };
      const spaceIsWhole = seed % 2 === 0;
      const layer = layerOf(new BlockPart({ ...blocksOf(model, 7, true), spaceIsWhole }));
      const [view] = layer.views;
      assert(view);
      walked(layer);
      const bad = model.kinds.filter((kind) => kind === Kind.Invalid).length;
      const past = model.kinds.filter((kind, i) => {
        const last = Math.min(model.blockSize, model.size - i * model.blockSize) - 1;
        const needed = (model.hosts[i] ?? -1) + (spaceIsWhole && kind === Kind.Data ? last : 0);
        return (kind === Kind.Data || kind === MIXED) && needed >= model.dataEnd;
      }).length;
      assert.deepEqual(countsOf(layer, model), { entry: bad, 'data-past-end': past }, `seed ${seed}`);
    }
  });

  it('counts what is odd in blocks that are told as one, however many they are', () => {
    const [blockSize, count, within] = [SECTOR, 2 ** 40, 1000];
    const told = (kind: Kind): Map<string, { count: number; first: number }> => {
      const kernel = Kernel.take();
      try {
        const open = (): BlockMap => ({
          blockSize,
          perReading: 1,
          tell: (first) => ({ count: count - first, kind, host: first * blockSize }),
          lookups: () => [],
        });
        const blocks = { size: count * blockSize, blockSize, dataEnd: within * blockSize, open };
        const part = new BlockPart({ ...blocks, readData: () => undefined, close: () => undefined });
        const scan = part.scan(kernel, { windowBytes: 1 << 20 }, 2 ** 16);
        scan.begin(0, count * blockSize);
        scan.ahead(0, count * blockSize);
        scan.conclude?.(0, (count / 2) * blockSize);
        scan.conclude?.((count / 2) * blockSize, count * blockSize);
        return new Map(scan.oddities);
      } finally {
        kernel.release();
      }
    };
    assert.deepEqual([...told(Kind.Data)], [['data-past-end', { count: count - within, first: within * blockSize }]]);
    assert.deepEqual([...told(Kind.Invalid)], [['entry', { count, first: 0 }]]);
    assert.deepEqual([...told(Kind.Zero)], []);
  });

  it('is read from where its blocks lie in a row, where they are told as one', () => {
    const host = 1000 * SECTOR;
    const part = partOf((first) => ({ count: 10 - first, kind: Kind.Data, host: host + first * SECTOR }));
    const bytes = new Uint8Array(3 * SECTOR);
    part.read(2 * SECTOR + 100, bytes);
    assert.deepEqual(
      bytes,
      Uint8Array.from(bytes, (_, i) => byteAt(host + 2 * SECTOR + 100 + i)),
    );
  });

  it('takes no fault of the program for a table that can not be read', () => {
    const part = partOf(() => {
      throw new TypeError('a fault of the program');
    });
    assert.throws(() => walked(layerOf(part)), TypeError);
  });

  it('in parts in a row is each part where the one before it ends', () => {
    for (let seed = 1; seed <= 60; seed += 1) {
      const draw = Draw.named(seed, 'parts');
      const models = Array.from({ length: draw.between(1, 4) }, () => drawModel(draw));
      const parts: DiskPart[] = [];
      const truth: Sector[] = [];
      for (const model of models) {
        parts.push(new BlockPart(blocksOf(model, draw.pick([3, 1000]), true)));
        truth.push(...expected(model));
        if (draw.chance(0.3)) {
          parts.push(new EmptyPart(SECTOR * 7, Kind.Zero));
          truth.push(...Array.from({ length: 7 }, () => ({ kind: Kind.Zero, host: -1 })));
        }
      }
      assert.deepEqual(walked(layerOf(new JoinedPart(parts))), truth, `seed ${seed}`);
    }
  });
});

function readsAs(layer: Layer, model: Model, draw: Draw, seed: number): void {
  const [view] = layer.views;
  assert(view);
  const start = draw.below(model.size);
  const length = draw.between(1, Math.min(model.size - start, 200_000));
  const end = start + length;
  const touched = [...model.broken].some((block) => {
    return block * model.blockSize < end && (block + 1) * model.blockSize > start;
  });
  if (touched) return;
  const bytes = new Uint8Array(length).fill(0xee);
  const read = (): void => {
    layer.read(view, guestOffset(start), bytes);
  };
  const sectors = Array.from(
    { length: Math.ceil(end / SECTOR) - Math.floor(start / SECTOR) },
    (_, i) => start + i * SECTOR,
  );
  if ([...sectors, end - 1].some((at) => at < end && sectorOf(model, at).kind === Kind.Invalid)) {
    assert.throws(read, (error) => error instanceof DiskError && error.code === 'corrupt', `seed ${seed}`);
    return;
  }
  read();
  const truth = Uint8Array.from({ length }, (_, i) => {
    const { kind, host } = sectorOf(model, start + i);
    return kind === Kind.Data ? byteAt(host) : 0;
  });
  assert.deepEqual(Buffer.compare(bytes, truth), 0, `seed ${seed}: reading ${length} from ${start}`);
}

function countsOf(layer: Layer, model: Model): { entry: number; 'data-past-end': number } {
  const kernel = Kernel.take();
  try {
    const [view] = layer.views;
    assert(view);
    const scan = layer.scan(view, kernel, { windowBytes: 1 << 20 });
    const strip = { kernel, kinds: kernel.reserve(1 << 20), hosts: 0 };
    // In pieces that cut blocks.
    const step = SECTOR * 100;
    for (let from = 0; from < model.size; from += step) {
      const to = Math.min(from + step, model.size);
      scan.begin(from, to);
      for (let at = from; at < to;) {
        const { end, kind } = scan.ahead(at, to);
        const first = Math.floor(at / scan.unit) * scan.unit;
        if (kind === undefined) scan.paint(first, Math.ceil((end - first) / scan.unit), strip, from);
        at = end;
      }
      scan.conclude?.(from, to);
    }
    const count = (code: string): number => scan.oddities.get(code)?.count ?? 0;
    return { entry: count('entry'), 'data-past-end': count('data-past-end') };
  } finally {
    kernel.release();
  }
}
