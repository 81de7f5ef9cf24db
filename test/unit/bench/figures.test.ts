import assert from 'node:assert/strict';
import { join } from 'node:path';
import { writeLayerFile } from '../../bench/inputs/layerFile';
import { patternOf } from '../../bench/inputs/patterns';
import { closeTables, openTables } from '../../bench/measures/tables';
import { median, slope } from '../../bench/statistics';
import { buildQcow2, writeImage, zero } from '../../fixtures/build/index';
import { withTempFolder } from '../../support/temp';

const CLUSTER = 2 ** 16;
const PER_TABLE = CLUSTER / 8;

/** What the bench compares with has to be right, or its ratios say nothing. */
describe('figures of the bench', () => {
  it('median and slope', () => {
    assert.equal(median([9, 1, 5]), 5);
    assert.equal(
      slope([
        [0, 1],
        [1, 3],
        [2, 5],
      ]),
      2,
    );
  });

  it('the fewest reads: header, L1, and each table that stands apart', () => {
    withTempFolder('bench', (folder) => {
      const path = join(folder, 'strewn.qcow2');
      writeLayerFile(path, { size: 3 * PER_TABLE * CLUSTER, seed: 1, pattern: patternOf({ kind: 'alternate' }, 1) });
      const tables = openTables(path);
      closeTables([tables]);
      const step = (1 + PER_TABLE / 2) * CLUSTER;
      assert.deepEqual(
        [...tables.offsets],
        [0, 1, 2].map((i) => 3 * CLUSTER + i * step),
      );
      assert.equal(tables.fewestReads, 5);
    });
  });

  it('tables side by side are one read, up to 4 MiB', () => {
    withTempFolder('bench', (folder) => {
      const path = join(folder, 'together.qcow2');
      // A cluster that reads as zeros takes no room, so that nothing lies between the 65 tables.
      const clusters = new Map(Array.from({ length: 65 }, (_, i) => [i * PER_TABLE, zero()]));
      writeImage(path, buildQcow2({ size: 65 * PER_TABLE * CLUSTER, clusters }).image);
      const tables = openTables(path);
      closeTables([tables]);
      assert.equal(tables.offsets.length, 65);
      assert.equal(tables.fewestReads, 4);
    });
  });
});
