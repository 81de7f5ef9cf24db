/** "Virtual Disk Format 5.0", VMware; COWD and SE sparse as block/vmdk.c has them. */
import { Dissection, type Grammar, type Layout } from './anatomy';

const SECTOR = 512;
const SPARSE: Layout = [
  [4, 4, 'small'],
  [8, 4, 'flags'],
  [12, 8, 'size'],
  [20, 8, 'count'],
  [28, 8, 'count'],
  [36, 8, 'count'],
  [44, 4, 'count'],
  [48, 8, 'count'],
  [56, 8, 'count'],
  [64, 8, 'count'],
  [72, 1, 'small'],
  [73, 4, 'flags'],
  [77, 2, 'small'],
];
const COWD: Layout = [
  [4, 4, 'small'],
  [8, 4, 'flags'],
  [12, 4, 'count'],
  [16, 4, 'count'],
  [20, 4, 'count'],
  [24, 4, 'count'],
];
const SE_SPARSE: Layout = [8, 16, 24, 32, 40, 80, 88, 96, 104, 112, 120, 128, 136, 144, 152, 160, 176, 192, 200].map(
  (at) => [at, 8, at === 40 ? 'flags' : 'count'] as const,
);
const MARKER: Layout = [
  [0, 8, 'count'],
  [8, 4, 'count'],
  [12, 4, 'small'],
];
const SPECIALS = [0n, 1n, 2n, 0xffffffffn, 1n << 60n, 2n << 60n, 3n << 60n, 4n << 60n, 2n ** 64n - 1n];

export const vmdk: Grammar = {
  dissect: (image) => {
    const found = new Dissection(image, true);
    const magic = found.ascii(0, 4);
    if (magic === 'COWD') return cowd(found);
    if (found.u64(0) === 0xcafebabe) return seSparse(found);
    if (magic !== 'KDMV') return found.result(SECTOR, SPECIALS);
    const footer = Math.max(0, found.size - 2 * SECTOR);
    found.structure(0, SPARSE);
    found.text(found.u64(28) * SECTOR, Math.min(10_240, found.u64(36) * SECTOR));
    const header = found.ascii(footer, 4) === 'KDMV' ? footer : 0;
    if (header > 0) {
      found.structure(footer, SPARSE);
      for (const marker of [footer - SECTOR, footer + SECTOR]) found.structure(marker, MARKER);
    }
    const grain = found.u64(header + 20) * SECTOR;
    const perTable = Math.min(4096, found.u32(header + 44));
    for (const directory of [found.u64(header + 48), found.u64(header + 56)].map((sector) => sector * SECTOR)) {
      const tables = Math.ceil((found.u64(header + 12) * SECTOR) / Math.max(1, grain * perTable));
      directoryOf(found, directory, tables, perTable);
      found.structure(directory - SECTOR, MARKER);
    }
    return found.result(grain, SPECIALS);
  },
};

function directoryOf(found: Dissection, directory: number, tables: number, perTable: number): void {
  found.table(directory, tables, { scale: SECTOR });
  for (const table of found.used(directory, tables, 4)) {
    found.table(table * SECTOR, perTable, { scale: SECTOR });
    for (const grain of found.used(table * SECTOR, perTable, 4)) found.structure(grain * SECTOR, MARKER);
  }
}

function cowd(found: Dissection): ReturnType<Grammar['dissect']> {
  found.structure(0, COWD);
  directoryOf(found, found.u32(20) * SECTOR, found.u32(24), 4096);
  return found.result(found.u32(16) * SECTOR, SPECIALS);
}

function seSparse(found: Dissection): ReturnType<Grammar['dissect']> {
  found.structure(0, SE_SPARSE);
  const [directory, tables] = [found.u64(128) * SECTOR, found.u64(144) * SECTOR];
  found.structure(found.u64(80) * SECTOR, [
    [0, 8, 'flags'],
    [8, 8, 'count'],
    [24, 1, 'small'],
  ]);
  found.table(directory, (found.u64(136) * SECTOR) / 8, { width: 8 });
  found.table(tables, 4096, { width: 8 });
  return found.result(found.u64(24) * SECTOR, SPECIALS);
}
