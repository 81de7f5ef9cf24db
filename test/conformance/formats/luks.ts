import { readFileSync, statSync } from 'node:fs';
import { buildLuks2 } from '../../fixtures/build/luks';
import type { MapEntry } from '../../support/qemu';
import { type FormatRecipe, MIB } from './recipe';

/** Of the first key slot. */
const KEY_MATERIAL = { start: 4096, end: 262_144 };

/** All of the disk is data, of which no offset is told: what lies there is not what the guest sees. */
const encryptedMap = (length: number): MapEntry[] => [
  { start: 0, length, depth: 0, present: true, zero: false, data: true, compressed: false },
];

const version1: FormatRecipe = {
  name: 'version-1',
  branch: 'a container of version 1 by itself, told of and not decrypted',
  leaf: 'disk.luks',
  qemu: ['info'],
  because: 'content and map take the passphrase, which is never asked for',
  make(shop) {
    shop.qemuImg(
      ...['create', '-q', '-f', 'luks', '--object', 'secret,id=key,data=correct horse'],
      ...['-o', 'key-secret=key,iter-time=10', 'disk.luks', String(MIB)],
    );
    // Nobody reads the key's stripes, which no compressor makes smaller.
    shop.put('disk.luks', readFileSync(shop.path('disk.luks')).fill(0, KEY_MATERIAL.start, KEY_MATERIAL.end));
    shop.holes.set('disk.luks', 'dense');
    return { unreadable: true, map: encryptedMap(MIB) };
  },
};

const version2: FormatRecipe = {
  name: 'version-2',
  branch: 'a container of version 2: its binary header, its JSON, its one segment',
  leaf: 'disk.luks2',
  qemu: [],
  because: 'it takes LUKS2 for a raw disk',
  make(shop) {
    shop.put('disk.luks2', buildLuks2());
    shop.holes.set('disk.luks2', 'dense');
    // The segment begins at 1 MiB and goes on to the end of the file.
    return { unreadable: true, map: encryptedMap(statSync(shop.path('disk.luks2')).size - MIB) };
  },
};

export const RECIPES: readonly FormatRecipe[] = [version1, version2];
