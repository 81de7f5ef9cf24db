import assert from 'node:assert/strict';
import { DiskError, openChain } from '../../../../../src/core';
import { readHeader } from '../../../../../src/core/formats/vhdx/header';
import { guid } from '../../../../fixtures/build/guid';
import type { SparseImage } from '../../../../fixtures/build/index';
import type { VhdxSpec } from '../../../../fixtures/build/vhdx';
import { buildVhdx, sealVhdx, VHDX_GUIDS, VHDX_PLACES } from '../../../../fixtures/build/vhdx';
import { MemoryDisk, memorySource } from '../../../../support/memory';
import { assertRefused, codesOf, le, MIB, openOne } from './open';

const SPEC: VhdxSpec = { size: 4 * MIB };
const [FIRST, SECOND] = VHDX_PLACES.headers;
const [TABLE, OTHER_TABLE] = VHDX_PLACES.regionTables;
const OTHER_GUID = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee';

const factsOf = (image: SparseImage): Readonly<Record<string, unknown>> =>
  Object.fromEntries(openOne(image).layer.facts.map(({ label, value }) => [label, value]));

/** Both headers, each with a GUID of its own, and something changed in them. */
function withHeaders(
  sequences: readonly [bigint, bigint],
  change: (image: SparseImage, header: number) => void = () => undefined,
): SparseImage {
  const { image } = buildVhdx({ ...SPEC, sequences });
  VHDX_PLACES.headers.forEach((header, index) => {
    image.poke(header + 32, guid(`0000000${index + 1}-0000-0000-0000-000000000000`));
    change(image, header);
    sealVhdx(image, header, 4096);
  });
  return image;
}

/** Both region tables, changed in the same way. */
function withTables(spec: VhdxSpec, change: (image: SparseImage, table: number) => void): SparseImage {
  const { image } = buildVhdx(spec);
  for (const table of VHDX_PLACES.regionTables) {
    change(image, table);
    sealVhdx(image, table, 65536);
  }
  return image;
}

/** Reads of a file of which a sector is broken. */
const failingAt =
  (bytes: Uint8Array, broken: number) =>
  (target: Uint8Array, position: number): void => {
    if (position <= broken && position + target.length > broken) throw new DiskError('io', 'reading failed');
    target.set(bytes.subarray(position, position + target.length));
  };

describe('the headers of a VHDX', () => {
  it('are two, of which the one with the higher number counts', () => {
    // Hyper-V begins anywhere: past 2^53 a double no longer tells neighbours apart.
    const large = 80_117_443_871_106_387n;
    for (const [sequences, current] of [
      [[7n, 8n], '00000002'],
      [[9n, 8n], '00000001'],
      [[large, large + 1n], '00000002'],
      [[large + 1n, large], '00000001'],
    ] as const) {
      const image = withHeaders(sequences);
      assert.equal(factsOf(image)['DataWriteGuid'], `${current}-0000-0000-0000-000000000000`);
      assert.deepEqual(codesOf(openOne(image)), []);
    }
  });

  it('may both have one number where they are the same, as Disk2VHD writes them', () => {
    assert.deepEqual(codesOf(openOne(buildVhdx({ ...SPEC, sequences: [7n, 7n] }).image)), []);
    assertRefused(withHeaders([7n, 7n]), 'corrupt', FIRST, /which one is current/);
  });

  it('make up for each other, and it is told which one was used', () => {
    for (const [damaged, current] of [
      [FIRST, '00000002'],
      [SECOND, '00000001'],
    ] as const) {
      const image = withHeaders([7n, 8n]).poke(damaged + 100, [1]);
      assert.equal(factsOf(image)['DataWriteGuid'], `${current}-0000-0000-0000-000000000000`);
      const [finding] = openOne(image).layer.findings;
      assert.deepEqual([finding?.code, finding?.severity, finding?.offset], ['header-copy', 'warning', damaged]);
      const [name, used] = damaged === FIRST ? ['header 1', 'header 2'] : ['header 2', 'header 1'];
      assert.match(finding?.message ?? '', new RegExp(`^${name} is damaged .*checksum.*: ${used} was used$`));
    }
  });

  it('can not both be gone', () => {
    const { image } = buildVhdx(SPEC);
    image.poke(FIRST, [0]).poke(SECOND + 4, [1, 2, 3]);
    assertRefused(image, 'corrupt', FIRST, /header 1 \(its signature is missing\), header 2 \(its checksum is wrong\)/);
    assertRefused(buildVhdx(SPEC).image.truncate(FIRST), 'corrupt', FIRST, /the file ends before it does/);
  });

  it('make up for one that can not be read', () => {
    const { image } = buildVhdx({ ...SPEC, sequences: [8n, 7n] });
    const bytes = image.toBytes();
    const source = { ...memorySource(bytes), readInto: failingAt(bytes, SECOND) };
    const chain = openChain(new MemoryDisk().environment, { identity: { id: 'a', path: '/a.vhdx' }, source });
    const [finding] = chain.layers[0]?.layer.findings ?? [];
    assert.match(finding?.message ?? '', /header 2 is damaged \(it can't be read\): header 1 was used/);
  });

  it('are not called damaged where the reader is at fault', () => {
    const bytes = buildVhdx(SPEC).image.toBytes();
    const source = {
      ...memorySource(bytes),
      readInto: (target: Uint8Array, position: number): void => {
        if (position >= FIRST) throw new TypeError('a fault of the program');
        target.set(bytes.subarray(position, position + target.length));
      },
    };
    assert.throws(() => readHeader(source), TypeError);
  });

  it('are not looked for where the signature is missing', () => {
    const disk = new MemoryDisk().put('/a.vhdx', buildVhdx(SPEC).image.poke(0, [0]));
    assert.throws(
      () => openChain(disk.environment, disk.leaf('/a.vhdx'), { format: 'vhdx' }),
      /its signature is missing/,
    );
  });

  it('are of version 1', () => {
    const image = withHeaders([7n, 8n], (each, header) => each.poke(header + 66, [2]));
    assertRefused(image, 'unsupported', SECOND + 66, /VHDX version 2/);
  });

  it('say where a log is, which counts only where it is to be replayed', () => {
    const guids = (image: SparseImage, header: number): SparseImage => image.poke(header + 48, guid(OTHER_GUID));
    for (const [at, bytes] of [
      [64, le(1, 2)],
      [68, le(4096, 4)],
      [72, le(MIB / 2, 8)],
      [72, le(0, 8)],
    ] as const) {
      const change = (image: SparseImage, header: number): SparseImage => image.poke(header + at, bytes);
      assert.deepEqual(
        codesOf(openOne(withHeaders([7n, 8n], change))).filter((code) => code !== 'regions-overlap'),
        [],
      );
      const image = withHeaders([7n, 8n], (each, header) => change(guids(each, header), header));
      assertRefused(image, at === 64 ? 'unsupported' : 'corrupt', SECOND + (at === 64 ? 64 : 68));
    }
    assertRefused(
      withHeaders([7n, 8n], (each, header) => each.poke(header + 72, le(2n ** 60n, 8))),
      'limit',
      SECOND + 72,
    );
  });
});

describe('the file identifier of a VHDX', () => {
  it('names the program that made it', () => {
    assert.equal(
      factsOf(buildVhdx({ ...SPEC, creator: 'Microsoft Windows 10.0' }).image)['Creator'],
      'Microsoft Windows 10.0',
    );
    assert.equal(factsOf(buildVhdx({ ...SPEC, creator: '' }).image)['Creator'], undefined);
  });
});

describe('the region tables of a VHDX', () => {
  it('make up for each other, and it is told which one was used', () => {
    const { image } = buildVhdx(SPEC);
    image.poke(TABLE + 60000, [1]);
    const [finding] = openOne(image).layer.findings;
    assert.deepEqual([finding?.code, finding?.offset], ['region-table-copy', TABLE]);
    assert.match(finding?.message ?? '', /region table 1 is damaged .*: region table 2 was used/);
    assert.deepEqual(codesOf(openOne(buildVhdx(SPEC).image.poke(OTHER_TABLE, [0]))), ['region-table-copy']);
    assertRefused(image.poke(OTHER_TABLE + 60000, [1]), 'corrupt', TABLE);
  });

  it('may list regions that are not known here, unless these must be understood', () => {
    const region = { guid: OTHER_GUID, offset: 8 * MIB, length: MIB };
    assert.deepEqual(codesOf(openOne(buildVhdx({ ...SPEC, regions: [region] }).image)), []);
    const image = buildVhdx({ ...SPEC, regions: [{ ...region, required: true }] }).image;
    assertRefused(image, 'unsupported', TABLE + 16 + 2 * 32, new RegExp(OTHER_GUID));
  });

  it('name the table of blocks and the metadata once', () => {
    const gone = withTables(SPEC, (image, table) =>
      image.poke(table + 16, guid(OTHER_GUID)).poke(table + 16 + 28, [0]),
    );
    assertRefused(gone, 'corrupt', TABLE, /no block allocation table/);
    const second = { guid: VHDX_GUIDS.metadata, offset: 8 * MIB, length: MIB };
    assertRefused(
      buildVhdx({ ...SPEC, regions: [second] }).image,
      'corrupt',
      TABLE + 16 + 2 * 32,
      /second metadata region/,
    );
  });

  it('have no more entries than there is room for', () => {
    const image = withTables(SPEC, (each, table) => each.poke(table + 8, le(2048, 4)));
    assertRefused(image, 'corrupt', TABLE, /2048 entries/);
  });

  it('put nothing where the headers are, and no two things in one place', () => {
    const early = withTables(SPEC, (image, table) => image.poke(table + 16 + 16, le(MIB / 2, 8)));
    assertRefused(early, 'corrupt', TABLE + 16, /where the headers are/);
    const far = withTables(SPEC, (image, table) => image.poke(table + 16 + 16, le(2n ** 63n, 8)));
    assertRefused(far, 'limit', TABLE + 16 + 16);
    const { image } = buildVhdx({ ...SPEC, regions: [{ guid: OTHER_GUID, offset: VHDX_PLACES.log, length: MIB }] });
    const [finding] = openOne(image).layer.findings;
    assert.deepEqual(
      [finding?.code, finding?.severity, finding?.offset],
      ['regions-overlap', 'error', VHDX_PLACES.log],
    );
  });

  it('give the table of blocks the room that the disk needs', () => {
    const image = withTables({ size: 200_000 * MIB }, (each, table) => each.poke(table + 16 + 24, le(MIB, 4)));
    assertRefused(image, 'corrupt', TABLE + 16, /1048576 bytes: a disk of this size needs 1600384/);
  });
});
