import assert from 'node:assert/strict';
import type { Side } from '../../../../src/core';
import { commitEffect, differing, finish, holdingOf, mayDiffer, pullEffect } from '../../../../src/core';
import type { Qcow2Spec } from '../../../fixtures/build/index';
import { compressed, data, noise, subclusters, zero } from '../../../fixtures/build/index';
import type { BuiltChain } from '../../../support/open';
import { openBuilt } from '../../../support/open';

const CLUSTER = 65_536;
const size = 16 * CLUSTER;
const a = noise(1, CLUSTER);
const b = noise(2, CLUSTER);

const layerOf = ({ session }: BuiltChain, depth: number) => session.chain.layers[depth] ?? assert.fail('no layer');
const sideOf = ({ session }: BuiltChain, depth: number): Side => {
  const view = layerOf({ session } as BuiltChain, depth).layer.views[0] ?? assert.fail('no view');
  return { chain: session.chain, from: { depth, view } };
};
/** Layers newest first: the one that goes, then its parent. */
const commit = (layer: Partial<Qcow2Spec>, parent: Partial<Qcow2Spec>) =>
  finish(
    commitEffect(
      openBuilt({
        layers: [
          { size, ...layer },
          { size, ...parent },
        ],
      }).session.chain,
    ),
  );

describe('what a commit does to the parent', () => {
  it('copies a cluster into a new one, with a table where there is none', () => {
    const effect = commit({ clusters: new Map([[3, data(a)]]) }, {});
    assert.deepEqual(effect, { moved: CLUSTER, growth: 2 * CLUSTER, exact: true });
  });

  it('writes over what is there', () => {
    const effect = commit({ clusters: new Map([[3, data(a)]]) }, { clusters: new Map([[3, data(b)]]) });
    assert.deepEqual(effect, { moved: CLUSTER, growth: 0, exact: true });
  });

  it('lets go of what comes to read as zero', () => {
    const clusters = new Map([3, 4, 5].map((index) => [index, data(b)]));
    const effect = commit(
      {
        clusters: new Map([
          [3, zero()],
          [4, zero()],
        ]),
      },
      { clusters },
    );
    assert.deepEqual(effect, { moved: 0, growth: -2 * CLUSTER, exact: true });
  });

  it('copies whole granules of 4 KiB where clusters are smaller', () => {
    const clusterBits = 9;
    const effect = commit({ clusterBits, clusters: new Map([[9, data(noise(3, 512))]]) }, { clusterBits });
    // A granule is 8 clusters; their table is one more.
    assert.deepEqual(effect, { moved: 8 * 512, growth: 9 * 512, exact: true });
  });

  it('copies zeros as data where they are less than a cluster of the parent', () => {
    const effect = commit({ clusterBits: 12, clusters: new Map([[16, zero()]]) }, {});
    assert.deepEqual(effect, { moved: CLUSTER, growth: 2 * CLUSTER, exact: true });
  });

  it('gives a compressed cluster a place of its own', () => {
    // 100 bytes of text take a part of one cluster, which is free then.
    const small = compressed(new Uint8Array(CLUSTER).fill(65));
    const effect = commit({ clusters: new Map([[3, data(a)]]) }, { clusters: new Map([[3, small]]) });
    assert.deepEqual(effect, { moved: CLUSTER, growth: 0, exact: true });
  });

  it('leaves a snapshot of the parent what it has', () => {
    const shared = data(b);
    const effect = commit(
      { clusters: new Map([[3, data(a)]]) },
      { clusters: new Map([[3, shared]]), snapshots: [{ id: '1', name: 'kept', clusters: new Map([[3, shared]]) }] },
    );
    // The cluster; the table is the current state's own or becomes so.
    assert.equal(effect.moved, CLUSTER);
    assert(effect.growth === CLUSTER || effect.growth === 2 * CLUSTER);
  });
});

describe('what a pull does to an image', () => {
  const pull = (child: Partial<Qcow2Spec>, layer: Partial<Qcow2Spec>, parent: Partial<Qcow2Spec>) => {
    const chain = openBuilt({
      layers: [
        { size, ...child },
        { size, ...layer },
        { size, ...parent },
      ],
    });
    const { ranges, exact } = finish(differing(sideOf(chain, 1), sideOf(chain, 2)));
    assert(exact);
    const source = { layer: layerOf(chain, 1), extendedL2: false, hasParent: true, different: ranges };
    return finish(pullEffect(layerOf(chain, 0), source));
  };

  it('copies what the image reads of the layer, and nothing that it does not', () => {
    const held = new Map([2, 3, 4].map((index) => [index, data(noise(index, CLUSTER))]));
    const effect = pull({ clusters: new Map([[3, data(b)]]) }, { clusters: held }, {});
    assert.deepEqual(effect, { moved: 2 * CLUSTER, growth: 2 * CLUSTER, exact: true });
  });

  it('copies nothing that the parent reads too', () => {
    const effect = pull(
      {},
      {
        clusters: new Map([
          [2, data(a)],
          [3, data(a)],
        ]),
      },
      { clusters: new Map([[2, data(a)]]) },
    );
    assert.deepEqual(effect, { moved: CLUSTER, growth: 2 * CLUSTER, exact: true });
  });

  it('copies a whole cluster of the image for a sector', () => {
    const effect = pull({}, { clusterBits: 9, clusters: new Map([[5, data(noise(3, 512))]]) }, {});
    assert.deepEqual(effect, { moved: CLUSTER, growth: 2 * CLUSTER, exact: true });
  });

  it('writes zeros past the end of the layer without space for them', () => {
    const clusters = new Map([[10, data(a)]]);
    const effect = pull({}, { size: 8 * CLUSTER }, { clusters });
    assert.deepEqual(effect, { moved: 0, growth: CLUSTER, exact: true });
  });

  it('writes them as data in version 2', () => {
    const clusters = new Map([[10, data(a)]]);
    const effect = pull({ version: 2 }, { size: 8 * CLUSTER }, { clusters });
    assert.deepEqual(effect, { moved: CLUSTER, growth: 2 * CLUSTER, exact: true });
  });

  it('fills subclusters of a cluster that is there', () => {
    const half = subclusters(`${'d'.repeat(16)}${'.'.repeat(16)}`, b);
    const effect = pull(
      { extendedL2: true, clusters: new Map([[3, half]]) },
      { clusters: new Map([[3, data(a)]]) },
      {},
    );
    assert.deepEqual(effect, { moved: CLUSTER, growth: 0, exact: true });
  });
});

describe('what a layer holds', () => {
  const chain = openBuilt({
    layers: [
      {
        size,
        clusters: new Map([
          [0, data(a)],
          [1, zero()],
          [2, data(b)],
        ]),
      },
      { size: 2 * size, clusters: new Map([[2, data(b)]]) },
    ],
  });

  it('is counted with its zeros and without', () => {
    assert.deepEqual(finish(holdingOf(layerOf(chain, 0))), { held: 3 * CLUSTER, data: 2 * CLUSTER });
  });

  it('may differ from what is below wherever it is held, and past its end', () => {
    const { ranges, exact } = finish(mayDiffer(layerOf(chain, 0), layerOf(chain, 1)));
    assert.equal(exact, false);
    assert.deepEqual([...ranges.start], [0, size]);
    assert.deepEqual([...ranges.end], [3 * CLUSTER, 2 * size]);
    const alone = finish(mayDiffer(layerOf(chain, 0), undefined));
    assert.deepEqual([...alone.ranges.start], [0, 2 * CLUSTER]);
  });
});
