import { strict as assert } from 'node:assert';
import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { runCliJson } from '../support/cli';
import type { MapEntry } from '../support/qemu';

/** Who answers, by depth; undefined is nobody. */
export type Owner = number | undefined;

export interface Part {
  readonly owner: Owner;
  readonly kind: 'data' | 'zero' | 'compressed' | 'nothing';
  readonly bytes: number;
}

/** The layers' numbers, as the contract of `vmdisk chain` names them. */
export interface ChainNumbers {
  readonly guestSize: number;
  readonly nobody: number;
  readonly unknown: number;
  readonly layers: readonly {
    readonly filename: string;
    readonly diskUsage: number;
    readonly owned: number;
    readonly ownedZero: number;
    readonly ownedCompressed: number;
    readonly shadowed: number;
  }[];
}

/** What the command line says of an image: other code paths to the screen, and held against qemu-img elsewhere. */
export class ImageTruth {
  readonly map: readonly MapEntry[];
  readonly chain: ChainNumbers;

  constructor(private readonly folder: string, image: string, options: readonly string[] = []) {
    this.map = runCliJson(['map', image, ...options], { cwd: folder }) as MapEntry[];
    this.chain = runCliJson(['chain', image, ...options], { cwd: folder }) as ChainNumbers;
  }

  /** The parts of `[start, end)` in their order, neighbours of one owner and kind as one. */
  parts(start: number, end: number): Part[] {
    const parts: Part[] = [];
    for (const entry of this.map) {
      const bytes = Math.min(end, entry.start + entry.length) - Math.max(start, entry.start);
      if (bytes <= 0) continue;
      const part: Part = { owner: entry.present ? entry.depth : undefined, kind: kindOf(entry), bytes };
      const last = parts.at(-1);
      if (last?.owner !== part.owner || last?.kind !== part.kind) parts.push(part);
      else parts[parts.length - 1] = { ...part, bytes: last.bytes + bytes };
    }
    return parts;
  }

  /** The owner and kind at one byte. */
  at(offset: number): Part {
    const [part] = this.parts(offset, offset + 1);
    assert.ok(part, `byte ${offset} is on the disk`);
    return part;
  }

  /** The first entry of the map that is so. */
  first(is: (entry: MapEntry) => boolean): MapEntry {
    const entry = this.map.find(is);
    assert.ok(entry, 'the image has such a range');
    return entry;
  }

  /** Plain data of the guest, straight from the place in the owner's file that the map names. */
  fileBytes(offset: number, length: number): Uint8Array {
    const entry = this.first(({ start, length: size }) => start <= offset && offset < start + size);
    assert.ok(entry.data && entry.offset !== undefined, 'plain data');
    const layer = this.chain.layers[entry.depth];
    const file = openSync(join(this.folder, layer?.filename ?? ''), 'r');
    try {
      const bytes = new Uint8Array(length);
      assert.equal(readSync(file, bytes, 0, length, entry.offset + offset - entry.start), length);
      return bytes;
    } finally {
      closeSync(file);
    }
  }
}

function kindOf({ present, data, compressed }: MapEntry): Part['kind'] {
  if (!present) return 'nothing';
  if (compressed) return 'compressed';
  return data ? 'data' : 'zero';
}
