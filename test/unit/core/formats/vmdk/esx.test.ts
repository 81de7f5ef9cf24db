import assert from 'node:assert/strict';
import type { SparseImage } from '../../../../fixtures/build/index';
import { noise } from '../../../../fixtures/build/index';
import type { VmdkGrain } from '../../../../fixtures/build/vmdk';
import { le32, le64, vmdkDisk } from '../../../../fixtures/build/vmdk';
import type { SeGrain } from '../../../../fixtures/build/vmdkEsx';
import { buildCowd, buildSeSparse } from '../../../../fixtures/build/vmdkEsx';
import { bytesOf, findingsOf, kindsOf, openOne, read, runsOf } from './open';

const SECTOR = 512;
const MIB = 2 ** 20;
const KIB4 = 4096;

const cowd = {
  size: 5 * MIB,
  grainSize: SECTOR,
  grains: new Map<number, VmdkGrain>([
    [7, noise(1, SECTOR)],
    [8, noise(2, SECTOR)],
    [4096, noise(3, SECTOR)],
  ]),
};
const brokenCowd = (at: number, value: number): SparseImage => buildCowd(cowd).image.poke(at, le32(value));

describe('a copy-on-write extent of ESX', () => {
  it('has its grains where its tables say', () => {
    const { image, grainAt } = buildCowd(cowd);
    const layer = openOne(image);
    assert.deepEqual(runsOf(layer), [
      [0, 7 * SECTOR, '.', -1],
      [7 * SECTOR, 9 * SECTOR, 'd', grainAt(7)],
      [9 * SECTOR, 4096 * SECTOR, '.', -1],
      [4096 * SECTOR, 4097 * SECTOR, 'd', grainAt(4096)],
      [4097 * SECTOR, 5 * MIB, '.', -1],
    ]);
    assert.deepEqual(bytesOf(layer), vmdkDisk([cowd]).toBytes());
    assert.deepEqual(findingsOf(layer), ['bare-extent warning']);
    assert.equal(layer.layer.info['format-specific']?.data['create-type'], 'vmfsSparse');
  });

  it('ends where its directory does, though its disk goes on', () => {
    const layer = openOne(brokenCowd(24, 1));
    assert.deepEqual(findingsOf(layer), ['directory-too-small error', 'bare-extent warning']);
    assert.deepEqual(kindsOf(layer).at(-1), [2 * MIB, 5 * MIB, 'u']);
  });

  it('is refused where its header makes no sense', () => {
    const cases: readonly (readonly [SparseImage | Uint8Array, string, RegExp])[] = [
      [brokenCowd(4, 2), 'unsupported', /COWD version 2/],
      [brokenCowd(16, 0), 'corrupt', /grains of 0 bytes/],
      [brokenCowd(16, 0x200001), 'limit', /grains of 1073742336 bytes/],
      [brokenCowd(24, 32 * MIB + 1), 'limit', /directory of 33554433 entries/],
      [buildCowd(cowd).image.toBytes().subarray(0, 31), 'short-read', /COWD header/],
    ];
    for (const [image, code, message] of cases)
      assert.throws(() => openOne(image), { name: 'DiskError', code, message });
  });
});

const se = {
  size: 20 * MIB,
  grains: new Map<number, SeGrain>([
    [0, noise(1, KIB4)],
    [1, 'zero'],
    [2, 'unmapped'],
    [4097, noise(2, KIB4)],
  ]),
};
const brokenSe = (at: number, value: bigint): SparseImage => buildSeSparse(se).image.poke(at, le64(value));
const VOLATILE_AT = SECTOR;

describe('a space-efficient extent of ESXi', () => {
  it('has data, zeros, what the guest gave back, and nothing', () => {
    const { image, grainAt } = buildSeSparse(se);
    const layer = openOne(image);
    assert.deepEqual(runsOf(layer), [
      [0, KIB4, 'd', grainAt(0)],
      [KIB4, 3 * KIB4, 'z', -1],
      [3 * KIB4, 4097 * KIB4, '.', -1],
      [4097 * KIB4, 4098 * KIB4, 'd', grainAt(4097)],
      [4098 * KIB4, 20 * MIB, '.', -1],
    ]);
    assert.deepEqual(read(layer, 4097 * KIB4, KIB4), noise(2, KIB4));
    assert.deepEqual(findingsOf(layer), ['bare-extent warning']);
  });

  it('keeps the low bits of a number of a grain above the others', () => {
    const { image, grainAt } = buildSeSparse({ ...se, firstNumber: 0x12345 });
    const layer = openOne(image);
    assert.deepEqual(runsOf(layer)[0], [0, KIB4, 'd', grainAt(0)]);
    assert.deepEqual(read(layer, 0, KIB4), noise(1, KIB4));
  });

  it('has entries that can not be true', () => {
    const { image, tableAt } = buildSeSparse(se);
    const entries = [0x4000000000000000n, 0x0000000000000001n, 0xf000000000000000n, 0x3fffffffffffffffn];
    entries.forEach((entry, index) => image.poke(tableAt(0) + (10 + index) * 8, le64(entry)));
    assert.deepEqual(kindsOf(openOne(image))[3], [10 * KIB4, 14 * KIB4, 'i']);
  });

  it('has tables that can not be', () => {
    for (const entry of [0x2000000000000000n, 0x1000000100000000n, 1n]) {
      const { image, directoryAt } = buildSeSparse(se);
      const layer = openOne(image.poke(directoryAt + 8, le64(entry)));
      assert.deepEqual(kindsOf(layer).at(-1), [4096 * KIB4, 20 * MIB, 'i'], String(entry));
    }
  });

  it('is refused where its headers hold more than is known', () => {
    const cases: readonly (readonly [SparseImage | Uint8Array, string, RegExp])[] = [
      [brokenSe(24, 16n), 'unsupported', /grain size of the SE sparse extent is 16/],
      [brokenSe(32, 32n), 'unsupported', /grain table size/],
      [brokenSe(40, 2n ** 63n), 'unsupported', /flags field of the SE sparse extent is 9223372036854775808/],
      [brokenSe(72, 1n), 'unsupported', /reserved field/],
      [brokenSe(504, 1n), 'unsupported', /holds more than is known/],
      [brokenSe(136, 2n ** 25n), 'limit', /directory of 2147483648 entries/],
      [brokenSe(16, 2n ** 45n), 'limit', /capacity is 35184372088832 sectors/],
      [brokenSe(80, 2n ** 32n), 'short-read', /ends inside an SE sparse header/],
      [brokenSe(VOLATILE_AT, 0n), 'corrupt', /no volatile header/],
      [brokenSe(VOLATILE_AT + 24, 1n), 'unsupported', /journal has to be replayed/],
      [brokenSe(VOLATILE_AT + 500, 1n), 'unsupported', /holds more than is known/],
      [buildSeSparse(se).image.toBytes().subarray(0, 511), 'short-read', /SE sparse header/],
    ];
    for (const [image, code, message] of cases)
      assert.throws(() => openOne(image), { name: 'DiskError', code, message });
  });

  it('of another version is none that is known', () => {
    assert.equal(openOne(brokenSe(8, 0x0000000200000002n)).layer.format, 'raw');
  });
});
