import assert from 'node:assert/strict';
import { DiskError, openChain, Session } from '../../../../../src/core';
import { buildVhd, mendChecksum } from '../../../../fixtures/build/vhd';
import { mapEntries } from '../../../../support/map';
import { MemoryDisk } from '../../../../support/memory';

const SIZE = 10_000_384;
/** 287 cylinders, 4 heads and 17 sectors: the largest geometry of that kind below the size. */
const BY_GEOMETRY = 287 * 4 * 17 * 512;
const LARGEST: readonly [number, number, number] = [65535, 16, 255];

function sizeOf(creator: string, geometry?: readonly [number, number, number]): number {
  const { image } = buildVhd({ size: SIZE, type: 'fixed', creator, ...(geometry && { geometry }) });
  const disk = new MemoryDisk().put('/disk', image);
  return openChain(disk.environment, disk.leaf('/disk')).layers[0]?.layer.guestSize ?? NaN;
}

/** As vpc_open of block/vpc.c reckons. */
describe('the size of a VHD', () => {
  for (const creator of ['win ', 'qem2', 'd2v ', 'CTXS', 'tap\0', 'tapX']) {
    it(`is what its footer says, made by "${creator.trim()}"`, () => {
      assert.equal(sizeOf(creator), SIZE);
    });
  }

  for (const creator of ['vpc ', 'qemu', 'vs  ', 'vbox', 'CXS\0', 'd2v\0', 'win\0']) {
    it(`is that of its geometry, made by "${creator.replace('\0', '')}"`, () => {
      assert.equal(sizeOf(creator), BY_GEOMETRY);
    });
  }

  it('is what its footer says where the geometry is the largest there is', () => {
    assert.equal(sizeOf('vpc ', LARGEST), SIZE);
    assert.equal(sizeOf('vpc ', [65535, 16, 254]), 65535 * 16 * 254 * 512);
  });

  it('may be nothing at all', () => {
    assert.equal(sizeOf('vpc ', [0, 0, 0]), 0);
    const { image } = buildVhd({ size: SIZE, creator: 'vpc ', geometry: [9, 0, 9] });
    const disk = new MemoryDisk().put('/disk', image);
    const session = new Session(disk.environment, disk.leaf('/disk'));
    assert.deepEqual([session.view.guestSize, mapEntries(session).map(({ length }) => length)], [0, [0]]);
  });

  it('is a whole number of sectors', () => {
    const { image, footer } = buildVhd({ size: 4096, type: 'fixed' });
    image.pokeU64(footer + 48, 4095n);
    mendChecksum(image, footer, 512);
    const disk = new MemoryDisk().put('/disk', image);
    assert.equal(openChain(disk.environment, disk.leaf('/disk')).layers[0]?.layer.guestSize, 3584);
  });

  it('is told both ways where they differ', () => {
    const { image } = buildVhd({ size: SIZE, type: 'fixed', creator: 'vpc ' });
    const disk = new MemoryDisk().put('/disk', image);
    const facts = openChain(disk.environment, disk.leaf('/disk')).layers[0]?.layer.facts ?? [];
    assert.deepEqual(
      facts.filter(({ unit }) => unit === 'bytes').map(({ label, value }) => [label, value]),
      [
        ['Disk size', BY_GEOMETRY],
        ['Size in the footer', SIZE],
      ],
    );
  });

  it('is 2040 GiB at most', () => {
    const open = (size: number): number => {
      const { image } = buildVhd({ size, blockSize: 2 ** 31 });
      const disk = new MemoryDisk().put('/disk', image);
      return openChain(disk.environment, disk.leaf('/disk')).layers[0]?.layer.guestSize ?? NaN;
    };
    const most = 2040 * 2 ** 30;
    assert.equal(open(most), most);
    assert.throws(
      () => open(most + 512),
      (error) => error instanceof DiskError && error.code === 'limit' && error.message.includes('4278190081 sectors'),
    );
  });
});
