import assert from 'node:assert/strict';
import { Claim, HostClusters } from '../../../../../../src/core/formats/qcow2/check/hostClusters';
import { Notes } from '../../../../../../src/core/formats/qcow2/check/notes';
import type { Region } from '../../../../../../src/core/formats/qcow2/check/references';
import { References } from '../../../../../../src/core/formats/qcow2/check/references';
import { readHeader } from '../../../../../../src/core/formats/qcow2/header';
import { Geometry } from '../../../../../../src/core/formats/qcow2/mapping';
import { Use } from '../../../../../../src/core/model';
import { buildQcow2 } from '../../../../../fixtures/build/index';
import { memorySource } from '../../../../../support/memory';

const CLUSTER = 512;

describe('references to parts of a file', () => {
  const geometry = new Geometry(readHeader(memorySource(buildQcow2({ size: CLUSTER, clusterBits: 9 }).image)));
  const region = (offset: number, length: number): Region => ({
    what: 'a part',
    offset,
    length,
    use: Use.Data,
    claim: Claim.Standard,
    times: 2,
  });

  /** Which clusters are counted, and how many problems are told. */
  const counted = (fileSize: number, offset: number, length: number): { clusters: number[]; told: number } => {
    const notes = new Notes();
    const clusters = new HostClusters(Math.ceil(fileSize / CLUSTER) + 1, false, 2 ** 20);
    const references = new References(clusters, fileSize, geometry, notes);
    references.add(region(offset, length));
    const all = Array.from({ length: clusters.clusters }, (_, cluster) => cluster);
    return { clusters: all.filter((cluster) => clusters.references(cluster) === 2), told: notes.count('corruption') };
  };

  it('count every cluster that they touch', () => {
    assert.deepEqual(counted(10 * CLUSTER, 2 * CLUSTER, CLUSTER), { clusters: [2], told: 0 });
    assert.deepEqual(counted(10 * CLUSTER, 2 * CLUSTER + 1, CLUSTER), { clusters: [2, 3], told: 0 });
    assert.deepEqual(counted(10 * CLUSTER, 3 * CLUSTER - 1, 2), { clusters: [2, 3], told: 0 });
    assert.deepEqual(counted(10 * CLUSTER, 2 * CLUSTER, 0), { clusters: [], told: 0 });
  });

  // block/qcow2-refcount.c, qcow2_inc_refcounts_imrt: "offset + size - file_len >= cluster_size" is past the end.
  it('may end less than a cluster past the end of the file', () => {
    const size = 9 * CLUSTER + 100;
    assert.deepEqual(counted(size, 9 * CLUSTER, CLUSTER), { clusters: [9], told: 0 });
    assert.deepEqual(counted(size, 9 * CLUSTER + 99, CLUSTER), { clusters: [9, 10], told: 0 });
    assert.deepEqual(counted(size, 9 * CLUSTER + 100, CLUSTER), { clusters: [], told: 2 });
    assert.deepEqual(counted(size, 10 * CLUSTER, CLUSTER), { clusters: [], told: 2 });
    assert.deepEqual(counted(size, 2 ** 55, CLUSTER), { clusters: [], told: 2 });
  });

  it('past the end are told once, however often the file is gone through', () => {
    const notes = new Notes();
    const references = new References(new HostClusters(2, false, 2 ** 20), CLUSTER, geometry, notes);
    references.add(region(4 * CLUSTER, CLUSTER));
    references.telling = false;
    references.add(region(4 * CLUSTER, CLUSTER));
    assert.equal(notes.count('corruption'), 2);
    assert.deepEqual(notes.kept[0]?.host, { start: 4 * CLUSTER, end: 5 * CLUSTER });
  });
});
