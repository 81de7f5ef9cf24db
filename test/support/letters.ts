/** Layers that are made of letters, through the real kernel and resolver. */
import type { Chain, ChainEndKind, ChainLayer, Kind, Layer, LayerScan, Outlook, Strip, View } from '../../src/core';
import { DiskError } from '../../src/core';
import type { Kernel } from '../../src/core/kernel/kernel';
import { Picture } from '../../src/core/picture/picture';
import { scanChunks } from '../../src/core/picture/scanChunks';
import type { WalkFrom } from '../../src/core/walk';
import { kindOf } from './runs';

/** What one layer holds: `.` absent, `d` data, `z` zero, `a` zero-allocated, `c` compressed, `i` invalid, `u` unknown. */
export interface Letters {
  /** A letter for each unit. */
  readonly letters: string;
  /** Bytes, a power of two. */
  readonly unit: number;
  /** Size of the disk, in or after the last unit; all of the letters when left out. */
  readonly size?: number;
  /** Host offset of each unit, or -1. */
  readonly hosts?: readonly number[];
  /** Units that are told together, a power of two; 1 when left out. */
  readonly block?: number;
  /** Units from which on a stretch of one letter is told as a whole; never when left out. */
  readonly long?: number;
  /** Tables that can't be read: units of the disk, each of which fails alone. */
  readonly fails?: ReadonlySet<number>;
}

export const sizeOf = ({ letters, unit, size = letters.length * unit }: Letters): number => size;

class LetterScan implements LayerScan {
  readonly unit: number;
  readonly block: number;
  readonly oddities = new Map<never, never>();

  constructor(
    private readonly spec: Letters,
    private readonly kernel: Kernel,
  ) {
    this.unit = spec.unit;
    this.block = spec.unit * (spec.block ?? 1);
  }

  begin(): void {
    // Nothing is read.
  }

  ahead(at: number, limit: number): Outlook {
    const { unit } = this;
    const first = Math.floor(at / unit);
    const { letters, long = Infinity } = this.spec;
    let last = first;
    while (last < letters.length && this.goesOn(first, last)) last += 1;
    if (letters[first] === 'u' || last - first >= long) {
      const host = this.hostOf(first);
      const end = Math.min(last * unit, limit);
      return { end, kind: this.kindOf(first), host: host < 0 ? -1 : host + (at - first * unit) };
    }
    const unknown = letters.indexOf('u', first);
    return { end: unknown < 0 ? limit : Math.min(limit, unknown * unit), kind: undefined, host: -1 };
  }

  paint(from: number, blocks: number, strip: Strip): void {
    const first = from / this.unit;
    const count = blocks * (this.spec.block ?? 1);
    for (let i = 0; i < count; i += 1) {
      if (this.spec.fails?.has(first + i)) throw new DiskError('io', 'a table can not be read', { offset: first + i });
    }
    for (let i = 0; i < count; i += 1) {
      this.kernel.u8[strip.kinds + i] = this.kindOf(first + i);
      if (strip.hosts !== 0) this.kernel.i64[strip.hosts / 8 + i] = BigInt(this.hostOf(first + i));
    }
  }

  private goesOn(first: number, at: number): boolean {
    if (this.spec.letters[at] !== this.spec.letters[first]) return false;
    const host = this.hostOf(first);
    return this.hostOf(at) === (host < 0 ? -1 : host + (at - first) * this.unit);
  }

  private kindOf(index: number): Kind {
    return kindOf(this.spec.letters[index] ?? '.');
  }

  private hostOf(index: number): number {
    return this.spec.hosts?.[index] ?? -1;
  }
}

function letterLayer(spec: Letters): Layer {
  const view: View = { id: '', name: 'Current', guestSize: sizeOf(spec) };
  const never = (): never => {
    throw new Error('letters have no content');
  };
  return {
    format: 'letters',
    guestSize: view.guestSize,
    grain: spec.unit,
    views: [view],
    bitmaps: [],
    facts: [],
    findings: [],
    findingsOf: () => [],
    readable: true,
    info: { 'dirty-flag': false },
    scan: (_view, kernel) => new LetterScan(spec, kernel),
    scanned: () => undefined,
    trace: never,
    read: never,
    close: () => undefined,
  };
}

/** A chain of such layers, newest first; undefined is one whose tables can't be scanned at all. */
export function lettersChain(specs: readonly (Letters | undefined)[], end: ChainEndKind = 'base'): Chain {
  const layers = specs.map((spec, depth): ChainLayer => {
    const identity = { id: `/${depth}`, path: `/${depth}` };
    const source = { size: 0, readInto: () => undefined, close: () => undefined };
    const layer = letterLayer(spec ?? { letters: '', unit: 1, size: sizeOf(specs[0] ?? { letters: '', unit: 1 }) });
    const scan = (): never => {
      throw new DiskError('corrupt', 'the tables can not be read');
    };
    return {
      depth, identity, source, companions: [], findings: [],
      layer: spec ? layer : { ...layer, scan },
    };
  });
  return {
    layers,
    end: end === 'base' ? { kind: end } : { kind: end, written: 'parent', name: '/parent', message: 'it is not there' },
  };
}

/** The disk from a layer down. */
export function fromDepth(chain: Chain, depth = 0): WalkFrom {
  const view = chain.layers[depth]?.layer.views[0];
  if (!view) throw new Error(`the chain has no layer ${depth}`);
  return { depth, view };
}

/**
 * The picture of a chain, from a layer down.
 * @param chunks which chunks are scanned, in which order; all when left out
 */
export function pictureOf(
  chain: Chain,
  { depth = 0, chunkBytes, chunks }: { depth?: number; chunkBytes?: number; chunks?: readonly number[] } = {},
): Picture {
  const from = fromDepth(chain, depth);
  const picture = new Picture(from.view.guestSize, depth, chain.layers.length, chunkBytes);
  const left = [...(chunks ?? picture.missing)];
  for (const scanned of scanChunks(chain, from, picture.chunkBytes, () => left.shift())) {
    if (scanned) picture.put(scanned.index, scanned.chunk);
  }
  return picture;
}
