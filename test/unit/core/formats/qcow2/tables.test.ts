import assert from 'node:assert/strict';
import { readTables } from '../../../../../src/core/formats/qcow2/tables';
import { noise, Random } from '../../../../fixtures/build/index';
import { MemoryDisk } from '../../../../support/memory';

const TABLE = 512;
const FILE = noise(1, 1 << 20);

/** Reads tables into a target full of old bytes. */
function read(offsets: readonly number[], file = FILE, size = TABLE): { target: Uint8Array; reads: string[] } {
  const disk = new MemoryDisk().put('/image', file);
  const target = new Uint8Array(offsets.length * size).fill(0xee);
  readTables(disk.leaf('/image').source, offsets, size, target);
  return { target, reads: disk.reads.map(({ position, length }) => `${position}+${length}`) };
}

/** What each table must hold, one at a time. */
function expected(offsets: readonly number[], file = FILE, size = TABLE): Uint8Array {
  const target = new Uint8Array(offsets.length * size);
  offsets.forEach((offset, i) => {
    target.set(file.subarray(offset, offset + size), i * size);
  });
  return target;
}

describe('reading many tables', () => {
  const cases: Readonly<Record<string, readonly [readonly number[], readonly string[]]>> = {
    none: [[], []],
    one: [[4096], ['4096+512']],
    'one behind the other': [[4096, 4608, 5120], ['4096+1536']],
    'with a little between them': [[4096, 8192, 12288], ['4096+8704']],
    'in any order': [[12288, 4096, 8192], ['4096+8704']],
    'one of them twice': [[4096, 8192, 4096], ['4096+4608']],
    'as far apart as is still worth it': [[0, 512 + 16384], ['0+17408']],
    'further apart': [
      [0, 512 + 16384 + 512],
      ['0+512', '17408+512'],
    ],
    'some near, some far': [
      [900_000, 0, 512, 900_512],
      ['0+1024', '900000+1024'],
    ],
  };
  for (const [name, [offsets, reads]] of Object.entries(cases)) {
    it(`${name}: ${offsets.join(', ') || '-'}`, () => {
      const answer = read(offsets);
      assert.deepEqual(answer.target, expected(offsets));
      assert.deepEqual(answer.reads, reads);
    });
  }

  it('fills up with zeros what lies past the end of the file', () => {
    const end = FILE.length - 100;
    assert.deepEqual(read([end]).target, expected([end]));
    assert.deepEqual(read([end, 0, FILE.length + 4096]).target, expected([end, 0, FILE.length + 4096]));
    assert.deepEqual(
      read([FILE.length - 1024, FILE.length - 512, FILE.length]).target,
      expected([FILE.length - 1024, FILE.length - 512, FILE.length]),
    );
  });

  it('takes no more than a few megabytes at a time', () => {
    const size = 1 << 21;
    const file = new Uint8Array(5 * size);
    file.forEach((_, i) => {
      if (i % 4096 === 0) file[i] = i / 4096;
    });
    const offsets = [0, 1, 2, 3, 4].map((i) => i * size);
    const answer = read(offsets, file, size);
    assert(Buffer.from(answer.target).equals(Buffer.from(expected(offsets, file, size))));
    assert.deepEqual(answer.reads, [`0+${2 * size}`, `${2 * size}+${2 * size}`, `${4 * size}+${size}`]);
  });

  it('gives each its own bytes, wherever they lie', () => {
    const random = new Random(5);
    for (let round = 0; round < 100; round += 1) {
      const offsets = Array.from({ length: 1 + random.below(40) }, () => random.below(2 + random.below(2100)) * TABLE);
      assert(Buffer.from(read(offsets).target).equals(Buffer.from(expected(offsets))), offsets.join());
    }
  });
});
