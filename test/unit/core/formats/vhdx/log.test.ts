import assert from 'node:assert/strict';
import { guid } from '../../../../fixtures/build/guid';
import { noise } from '../../../../fixtures/build/index';
import type { SparseImage } from '../../../../fixtures/build/index';
import type { BuiltVhdx, VhdxBlock, VhdxLogEntry, VhdxSpec } from '../../../../fixtures/build/vhdx';
import { buildVhdx, logEntryBytes, sealVhdx, VHDX_GUIDS, VHDX_PLACES, vhdxDisk } from '../../../../fixtures/build/vhdx';
import { assertRefused, codesOf, le, MIB, openOne, read, runsOf } from './open';

type Run = readonly [start: number, end: number, kind: string, host: number];

const GUID = '10101010-2020-3030-4040-505050505050';
const OTHER_GUID = '99999999-2020-3030-4040-505050505050';
const LOG_BYTES = MIB;
const SECTOR = 4096;
const { bat, log } = VHDX_PLACES;
/** Past 2^53, as Hyper-V's often are. */
const FROM = 2n ** 60n;

const BLOCKS = new Map<number, VhdxBlock>([
  [0, { is: 'present', bytes: noise(1, MIB) }],
  [1, { is: 'present', bytes: noise(2, MIB) }],
]);
const SPEC: VhdxSpec = { size: 4 * MIB, blocks: BLOCKS };
const FIRST = BigInt(4 * MIB) | 6n;
const SECOND = BigInt(5 * MIB) | 6n;

/** A sector of the table of blocks with these entries. */
function table(...entries: readonly bigint[]): Uint8Array {
  const bytes = new Uint8Array(SECTOR);
  entries.forEach((entry, index) => {
    bytes.set(le(entry, 8), index * 8);
  });
  return bytes;
}

function withLog(
  entries: readonly VhdxLogEntry[],
  { start = 0, ...spec }: Partial<VhdxSpec> & { readonly start?: number } = {},
): BuiltVhdx {
  return buildVhdx({ ...SPEC, ...spec, log: { guid: GUID, entries, start } });
}

const entry = (number: number, ...entries: readonly bigint[]): VhdxLogEntry => ({
  sequence: FROM + BigInt(number),
  writes: [{ at: bat, bytes: table(...entries) }],
});

/** Which MiB of the file each block of the disk is; -1 for none. */
function blocksOf(image: SparseImage): readonly number[] {
  const layer = openOne(image);
  assert.deepEqual(codesOf(layer), ['log-replayed']);
  const runs = runsOf(layer) as readonly Run[];
  return [0, 1, 2, 3].map((block) => {
    const run = runs.find(([start, end]) => start <= block * MIB && end > block * MIB);
    return run?.[2] === 'd' ? (run[3] + block * MIB - run[0]) / MIB : -1;
  });
}

/** The image with something changed in both headers. */
function withHeaders(image: SparseImage, at: number, bytes: Uint8Array): SparseImage {
  for (const header of VHDX_PLACES.headers) sealVhdx(image.poke(header + at, bytes), header, 4096);
  return image;
}

describe('the log of a VHDX', () => {
  it('is replayed in memory: what it says counts, and the file stays as it is', () => {
    const { image } = withLog([entry(1, SECOND, FIRST)]);
    const before = image.peek(0, image.size);
    assert.deepEqual(blocksOf(image), [5, 4, -1, -1]);
    const layer = openOne(image);
    assert.match(layer.layer.findings[0]?.message ?? '', /1 entry of its log is still to be written/);
    const moved = new Map<number, VhdxBlock>([
      [0, { is: 'present', bytes: noise(2, MIB) }],
      [1, { is: 'present', bytes: noise(1, MIB) }],
    ]);
    assert.deepEqual(read(layer, 0, 4 * MIB), vhdxDisk([{ ...SPEC, blocks: moved }]).toBytes());
    assert.deepEqual(image.peek(0, image.size), before);
  });

  it('brings back the twelve bytes of each sector that its marks took', () => {
    // The first entry of the sector, and half of the last one.
    const sector = table(FIRST, SECOND);
    sector.set(le(BigInt(7 * MIB) | 6n | (1n << 44n), 8), SECTOR - 8);
    const { image } = withLog([{ sequence: 1n, writes: [{ at: bat, bytes: sector }] }], { size: 512 * MIB });
    const runs = runsOf(openOne(image)) as readonly Run[];
    assert.deepEqual(runs[0], [0, 2 * MIB, 'd', 4 * MIB]);
    assert.deepEqual(runs.at(-1), [511 * MIB, 512 * MIB, 'd', 7 * MIB + 2 ** 44]);
  });

  it('has entries that write zeros, and later ones over earlier ones', () => {
    const { image } = withLog([
      {
        sequence: 5n,
        writes: [
          { at: bat, bytes: table(FIRST, FIRST, FIRST, FIRST) },
          { at: bat, zeros: SECTOR },
          { at: bat + SECTOR, zeros: 3 * SECTOR },
        ],
      },
      { sequence: 6n, tail: 0, writes: [{ at: bat, bytes: table(SECOND) }] },
    ]);
    assert.deepEqual(blocksOf(image), [5, -1, -1, -1]);
  });

  it('puts later writes over parts of earlier ones, whichever is larger', () => {
    const writes = [
      { at: bat, zeros: 5 * SECTOR },
      { at: bat + SECTOR, bytes: table(FIRST) },
      { at: bat + 3 * SECTOR, bytes: table(SECOND) },
      { at: bat + 2 * SECTOR, zeros: 2 * SECTOR },
    ];
    const { image } = withLog([{ sequence: 5n, writes }], { size: 2560 * MIB });
    const data = (runsOf(openOne(image)) as readonly Run[]).filter(([, , kind]) => kind === 'd');
    assert.deepEqual(data, [[512 * MIB, 513 * MIB, 'd', 4 * MIB]]);
  });

  it('counts from the entry on that the newest one names: what is older is done', () => {
    const first = entry(1, SECOND, FIRST);
    const writes = [{ at: bat + SECTOR, bytes: table(FIRST) }];
    const second = { sequence: FROM + 2n, writes };
    const third = { sequence: FROM + 3n, writes, tail: logEntryBytes(first) };
    assert.deepEqual(blocksOf(withLog([first, second, third]).image), [4, 5, -1, -1]);
    assert.deepEqual(blocksOf(withLog([first, second, { ...third, tail: 0 }]).image), [5, 4, -1, -1]);
    const { layer } = openOne(withLog([first, second, third]).image);
    assert.equal(layer.facts.find(({ label }) => label === 'Entries of the log to replay')?.value, 2);
  });

  it('is a ring: entries go on at its beginning', () => {
    const single = entry(1, SECOND, FIRST);
    const start = LOG_BYTES - SECTOR;
    assert.deepEqual(blocksOf(withLog([single], { start }).image), [5, 4, -1, -1]);
    const more = [entry(1, FIRST), { ...entry(2, SECOND), tail: start }, { ...entry(3, SECOND, FIRST), tail: start }];
    assert.deepEqual(blocksOf(withLog(more, { start }).image), [5, 4, -1, -1]);
    const padded = withLog([{ ...single, padding: 15 }], { start: LOG_BYTES - 8 * SECTOR }).image;
    assert.deepEqual(blocksOf(padded), [5, 4, -1, -1]);
  });

  it('may have more descriptors than one sector holds', () => {
    const zeros = Array.from({ length: 200 }, (_, index) => ({ at: 100 * MIB + index * SECTOR, zeros: SECTOR }));
    const { image } = withLog([{ sequence: 9n, writes: [...zeros, { at: bat, bytes: table(SECOND, FIRST) }] }]);
    assert.deepEqual(blocksOf(image), [5, 4, -1, -1]);
  });

  it('counts by its newest complete sequence', () => {
    const newest = entry(9, SECOND, FIRST);
    const stale = entry(3, FIRST, FIRST, FIRST);
    assert.deepEqual(blocksOf(withLog([newest, stale]).image), [5, 4, -1, -1]);
    assert.deepEqual(blocksOf(withLog([stale, newest]).image), [5, 4, -1, -1]);
    // One that is newer, and needs an entry that is no part of its sequence.
    for (const tail of [0, 8 * SECTOR]) {
      assert.deepEqual(blocksOf(withLog([newest, { ...entry(20, FIRST), tail }]).image), [5, 4, -1, -1]);
    }
  });

  it('is not read further than where it is torn', () => {
    const good = entry(1, SECOND, FIRST);
    const at = log + logEntryBytes(good);
    const damages: readonly (readonly [name: string, at: number, bytes: Uint8Array])[] = [
      ['no entry', 0, le(0, 1)],
      ['of another log', 32, guid(OTHER_GUID)],
      ['of no number', 16, le(0, 8)],
      ['a tail of no whole sectors', 12, le(1, 4)],
      ['a length of no whole sectors', 8, le(2 * SECTOR + 1, 4)],
      ['longer than the log', 8, le(LOG_BYTES + SECTOR, 4)],
      ['of no length', 8, le(0, 4)],
      ['without the sector of its data', 8, le(SECTOR, 4)],
      ['of more descriptors than it has room for', 24, le(2 ** 32 - 1, 4)],
      ['of more descriptors than it has', 24, le(2, 4)],
      ['a descriptor of another entry', 64 + 24, le(9, 8)],
      ['a descriptor of no kind', 64, le(9, 4)],
      ['a place of no whole sectors', 64 + 16, le(bat + 1, 8)],
      ['a place past 2^63', 64 + 16, le(2n ** 63n, 8)],
      ['a place that ends past 2^53', 64 + 16, le(2n ** 53n - 4096n, 8)],
      ['data of no signature', SECTOR, le(0, 1)],
      ['data that begins as another entry does', SECTOR + 4, le(1, 4)],
      ['data that ends as another entry does', 2 * SECTOR - 4, le(1, 4)],
    ];
    for (const [name, within, bytes] of damages) {
      const { image } = withLog([good, { ...entry(2, FIRST, FIRST, FIRST), tail: 0 }]);
      assert.deepEqual(blocksOf(image), [4, 4, 4, -1]);
      assert.deepEqual(blocksOf(image.poke(at + within, bytes)), [5, 4, -1, -1], name);
      assert.deepEqual(blocksOf(sealVhdx(image, at, 2 * SECTOR)), [5, 4, -1, -1], `${name}, with a checksum that fits`);
    }
    const { image } = withLog([good, { ...entry(2, FIRST, FIRST, FIRST), tail: 0 }]);
    assert.deepEqual(blocksOf(image.poke(at + SECTOR + 100, [1])), [5, 4, -1, -1], 'a checksum that does not fit');
  });

  it('may be filled up for hosts with large sectors, but not without end', () => {
    assert.deepEqual(blocksOf(withLog([{ ...entry(1, SECOND, FIRST), padding: 16 }]).image), [5, 4, -1, -1]);
    assertRefused(withLog([{ ...entry(1, SECOND, FIRST), padding: 17 }]).image, 'corrupt', log);
  });

  it('that can not be replayed keeps the file from being read', () => {
    assertRefused(withLog([]).image, 'corrupt', log, /no complete sequence/);
    const loop = [
      { ...entry(1, FIRST), tail: 2 * SECTOR },
      { ...entry(2, FIRST), tail: 4 * SECTOR },
    ];
    assertRefused(withLog(loop).image, 'corrupt', log, /no complete sequence/);
    const cut = withLog([{ ...entry(1, SECOND, FIRST), flushed: 100 * MIB }]).image;
    assertRefused(cut, 'corrupt', log, /had 104857600 bytes when its log was written, and has 6291456 now/);
    assertRefused(withLog([{ ...entry(1, SECOND, FIRST), last: 2 ** 60 }]).image, 'limit', log);
    assertRefused(withLog([entry(1, FIRST)]).image.truncate(log + LOG_BYTES - 1), 'corrupt', log, /past the end/);
    const large = withHeaders(withLog([entry(1, FIRST)]).image, 68, le(65 * MIB, 4));
    assertRefused(large, 'limit', log, /more than is held in memory/);
  });

  it('is read in a moment, whatever each of its sectors says to begin', () => {
    const length = 32 * MIB;
    /** A log of sectors that all say so of an entry. */
    const full = (entryLength: number, descriptors: number): SparseImage => {
      const { image } = withLog([entry(1, FIRST)]);
      const at = Math.ceil(image.size / MIB) * MIB;
      const sector = new Uint8Array(SECTOR);
      sector.set(new TextEncoder().encode('loge'));
      sector.set([...le(entryLength, 4), ...le(0, 4), ...le(7, 8), ...le(descriptors, 4)], 8);
      sector.set(guid(GUID), 32);
      const bytes = new Uint8Array(length);
      for (let start = 0; start < length; start += SECTOR) bytes.set(sector, start);
      image.truncate(at + length).poke(at, bytes);
      return withHeaders(withHeaders(image, 68, le(length, 4)), 72, le(at, 8));
    };
    const start = Date.now();
    assert.throws(() => openOne(full(length, (length - SECTOR) / 32)), /no complete sequence/);
    assert.throws(() => openOne(full(17 * SECTOR, 0)), /many times longer than the log/);
    assert(Date.now() - start < 8000, `${Date.now() - start} ms`);
  });

  it('is none where it has no length, or where the header does not name it', () => {
    assert.deepEqual(codesOf(openOne(withHeaders(withLog([]).image, 68, le(0, 4)))), []);
    const unnamed = openOne(withHeaders(withLog([entry(1, SECOND, FIRST)]).image, 48, new Uint8Array(16)));
    assert.deepEqual([codesOf(unnamed), (runsOf(unnamed) as unknown[])[0]], [[], [0, 2 * MIB, 'd', 4 * MIB]]);
  });

  it('makes the file longer, by what it writes and by what it says', () => {
    const far = BigInt(20 * MIB) | 6n;
    const said = openOne(withLog([{ ...entry(1, FIRST, SECOND, far), last: 21 * MIB }]).image);
    assert.deepEqual((runsOf(said) as unknown[])[1], [2 * MIB, 3 * MIB, 'd', 20 * MIB]);
    assert.deepEqual(read(said, 2 * MIB, MIB), new Uint8Array(MIB));
    const [view] = said.layer.views;
    assert(view);
    const run = { start: 2 * MIB, end: 3 * MIB, kind: 1, host: 20 * MIB } as const;
    assert.equal(said.layer.firstPastEnd?.(view, run), undefined, 'that is in the file as it will be');
    const writes = [
      { at: bat, bytes: table(FIRST, SECOND, far) },
      { at: 20 * MIB + SECTOR, bytes: noise(7, SECTOR) },
    ];
    const written = openOne(withLog([{ sequence: 1n, writes }]).image);
    assert.deepEqual(read(written, 2 * MIB + SECTOR, SECTOR), noise(7, SECTOR));
    assert.deepEqual(read(written, 2 * MIB, SECTOR), new Uint8Array(SECTOR));
  });

  it('may change region tables and metadata, which are read after it', () => {
    const larger = buildVhdx({ ...SPEC, size: 8 * MIB });
    const sectorsFrom = (at: number, count: number): VhdxLogEntry['writes'] =>
      Array.from({ length: count }, (_, index) => {
        const place = at + index * SECTOR;
        return { at: place, bytes: larger.image.peek(place, SECTOR) };
      });
    const sizeAt = larger.itemAt(VHDX_GUIDS.diskSize);
    const [table1, table2] = VHDX_PLACES.regionTables;
    // What lies past the end of the metadata's bytes is zeros in both.
    const writes = [
      ...sectorsFrom(sizeAt - (sizeAt % SECTOR), 1),
      ...sectorsFrom(table1, 16),
      ...sectorsFrom(table2, 16),
    ];
    const { image } = withLog([{ sequence: 4n, writes }]);
    for (const at of VHDX_PLACES.regionTables) image.poke(at, new Uint8Array(SECTOR));
    assert.equal(openOne(image).layer.guestSize, 8 * MIB);
  });
});
