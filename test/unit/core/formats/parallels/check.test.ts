import assert from 'node:assert/strict';
import type { CheckReport } from '../../../../../src/core';
import { finish, openChain, Use } from '../../../../../src/core';
import { noise } from '../../../../fixtures/build/index';
import type { BuiltParallels, ParallelsSpec } from '../../../../fixtures/build/parallels';
import { buildParallels, OPENED } from '../../../../fixtures/build/parallels';
import { MemoryDisk } from '../../../../support/memory';

/** Clusters of a sector: the header and a table of 8 entries in the first, then those of the disk, in this order. */
const SPEC: ParallelsSpec = {
  sectors: 8,
  clusterSectors: 1,
  clusters: new Map([5, 1, 2].map((cluster) => [cluster, noise(cluster, 512)])),
};

function check(spec: Partial<ParallelsSpec>, change: (built: BuiltParallels) => void = () => undefined): CheckReport {
  const built = buildParallels({ ...SPEC, ...spec });
  change(built);
  const disk = new MemoryDisk().put('/disk.hds', built.image);
  const [leaf] = openChain(disk.environment, disk.leaf('/disk.hds')).layers;
  const job = leaf?.layer.check?.();
  assert(job);
  return finish(job);
}

const codesOf = ({ problems }: CheckReport): readonly string[] =>
  problems.map(({ code, counts, times }) => `${code}: ${times} ${counts}`);
const usesOf = ({ file }: CheckReport): readonly (readonly [end: number, use: number])[] =>
  Array.from(file.use, (use, i) => [file.start[i + 1] ?? 0, use] as const);

describe('the check of an image of Parallels', () => {
  it('tells what lies where', () => {
    const bitmap = { kind: 'bitmap', id: new Uint8Array(16), granularity: 1, table: [noise(9, 512)] } as const;
    const report = check({ features: [bitmap] });
    assert.deepEqual(codesOf(report), []);
    assert.deepEqual(usesOf(report), [
      [64, Use.Header],
      [512, Use.BlockTables],
      [4 * 512, Use.Data],
      // The extension, and the bits.
      [6 * 512, Use.Bitmaps],
    ]);
    // Of the three clusters, the third lies behind the second.
    const { allocatedClusters, fragmentedClusters, totalClusters } = report.counts;
    assert.deepEqual([allocatedClusters, fragmentedClusters, totalClusters], [3, 0, 8]);
  });

  it('counts as QEMU does that it was not closed, and where its data is said to begin', () => {
    assert.deepEqual(codesOf(check({ inUse: OPENED })), ['dirty: 1 corruption']);
    assert.deepEqual(codesOf(check({ dataOffset: 9 })), ['data-offset: 1 corruption']);
  });

  it('counts what is wrong with the extension as what QEMU does not look for', () => {
    const features = [{ kind: 'raw', magic: 7n, flags: 0n, data: new Uint8Array(8) }] as const;
    assert.deepEqual(codesOf(check({ features })), ['extension-feature: 1 further']);
    const sum = check({ features }, ({ image, layout }) => image.poke(layout.extension + 8, [0]));
    assert.deepEqual(codesOf(sum), ['extension-checksum: 1 further']);
    const gone = check({ features }, ({ image, layout }) => image.truncate(layout.extension));
    assert.deepEqual(codesOf(gone), ['extension-past-end: 1 further']);
  });

  it('lets bits that are past the end be those of the finding alone', () => {
    const bitmap = { kind: 'bitmap', id: new Uint8Array(16), granularity: 1, table: [noise(9, 512)] } as const;
    // The bits lie behind the extension, as it is written last.
    const report = check({ features: [bitmap] }, ({ image, layout }) => {
      const bits = Math.max(layout.extension, image.size - 512);
      if (bits > layout.extension) image.truncate(bits);
    });
    assert.deepEqual(codesOf(report), ['bitmap: 1 further']);
  });

  it('takes a cluster in front of the data for claimed twice, and one of no file for an entry that can not be', () => {
    const inFront = check({ counts: 'sectors', dataOffset: 2 });
    assert.deepEqual(codesOf(inFront), ['claimed-twice: 1 corruption']);
    assert.deepEqual(inFront.problems[0]?.claims, ['the space in front of the data', 'BAT entry 5']);
    const far = check({ clusterSectors: 4_000_000, sectors: 4_000_000, clusters: new Map() }, ({ image, layout }) => {
      image.truncate(64 + 4 + 512).poke(layout.entry(0), [255, 255, 255, 255]);
    });
    assert.deepEqual(codesOf(far).includes('entry: 1 corruption'), true);
  });
});
