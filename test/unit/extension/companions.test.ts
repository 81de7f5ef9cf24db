import assert from 'node:assert/strict';
import { closeChain, openChain } from '../../../src/core';
import type { RefusalReason } from '../../../src/core';
import { summarizeLayer } from '../../../src/node/summary';
import { buildQcow2, data, noise } from '../../fixtures/build/index';
import { MemoryDisk } from '../../support/memory';

const CLUSTER = 65_536;

/** @returns what is told of the files beside an image whose data is in `/top.data` */
function companions(refusal?: RefusalReason): readonly string[] | undefined {
  const clusters = new Map([[0, data(noise(1, CLUSTER))]]);
  const built = buildQcow2({ size: 16 * CLUSTER, clusters, dataFile: { name: 'top.data' } });
  assert(built.dataFile);
  const disk = new MemoryDisk().put('/top.qcow2', built.image).put('/top.data', built.dataFile);
  if (refusal) disk.refuse('/top.data', refusal);
  const chain = openChain(disk.environment, disk.leaf('/top.qcow2'));
  try {
    const [leaf] = chain.layers;
    return leaf && summarizeLayer(leaf, []).companions;
  } finally {
    closeChain(chain);
  }
}

describe('the file that holds an image’s data', () => {
  it('is told of, opened or not', () => {
    assert.deepEqual(companions(), ['/top.data']);
    assert.deepEqual(companions('missing'), ['/top.data']);
    assert.deepEqual(companions('unreadable'), ['/top.data']);
  });

  it('is not told of where it may not be looked at', () => {
    assert.deepEqual(companions('outside'), []);
    assert.deepEqual(companions('protocol'), []);
  });
});
