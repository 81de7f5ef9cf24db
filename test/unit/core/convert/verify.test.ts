import assert from 'node:assert/strict';
import { DiskError, finish, Session, verify } from '../../../../src/core';
import type { Side } from '../../../../src/core';
import { CHUNK } from '../../../../src/core/convert/imageWriter';
import { noise } from '../../../fixtures/build/index';
import { extentsOf, MemoryDisk } from '../../../support/memory';

let disks = 0;

/** A disk of the bytes, with holes where `data` leaves them; no two are the same file. */
function diskOf(bytes: Uint8Array, data?: readonly (readonly [number, number])[]): Side {
  disks += 1;
  const name = `/${disks}`;
  const disk = new MemoryDisk().put(name, { bytes, ...(data && { extents: extentsOf(bytes.length, data) }) });
  return new Session(disk.environment, disk.leaf(name), { format: 'raw' });
}

const same = (a: Side, b: Side): void => {
  finish(verify(a, b));
};

describe('verifying a copy', () => {
  const size = 4 * CHUNK + 512;
  const bytes = noise(1, size).fill(0, CHUNK + 5, 3 * CHUNK);

  it('finds it to be the same, whatever of it is holes', () => {
    const holes = [
      [0, CHUNK + 512],
      [3 * CHUNK, size],
    ] as const;
    same(diskOf(bytes), diskOf(bytes));
    same(diskOf(bytes), diskOf(bytes, holes));
    same(diskOf(bytes, holes), diskOf(bytes));
    same(diskOf(new Uint8Array(size), []), diskOf(new Uint8Array(size)));
  });

  for (const at of [0, CHUNK - 1, CHUNK + 5, 2 * CHUNK, 3 * CHUNK - 1, 3 * CHUNK, size - 1]) {
    it(`finds byte ${at} to be another one, in either of them`, () => {
      const other = bytes.slice();
      other[at] = (other[at] ?? 0) ^ 1;
      const holes = [
        [0, CHUNK + 512],
        [3 * CHUNK, size],
      ] as const;
      const zeroThere = bytes[at] === 0 && at > CHUNK + 512 && at < 3 * CHUNK;
      const plain = zeroThere ? diskOf(bytes, holes) : diskOf(bytes);
      for (const [a, b] of [
        [plain, diskOf(other)],
        [diskOf(other), plain],
      ] as const) {
        assert.throws(
          () => {
            same(a, b);
          },
          (error) =>
            error instanceof DiskError &&
            error.code === 'corrupt' &&
            error.message.startsWith(`the sector at guest byte ${at - (at % 512)} of`),
        );
      }
    });
  }

  it('finds it to be of another size', () => {
    assert.throws(() => {
      same(diskOf(bytes), diskOf(bytes.subarray(0, size - 512)));
    }, /a disk of 8388608 bytes instead of 8389120/);
  });

  it('says so when the original can’t be read again', () => {
    const disk = new MemoryDisk().put('/broken', { bytes, failsFrom: 100_000 });
    const broken = new Session(disk.environment, disk.leaf('/broken'), { format: 'raw' });
    assert.throws(() => {
      same(broken, diskOf(bytes));
    }, /can't be read again/);
  });
});
