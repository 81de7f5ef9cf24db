import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { Hasher } from '../../../src/core';
import { digestDisk, finish } from '../../../src/core';
import { compressed, data, noise, zero } from '../../fixtures/build/index';
import type { ChainSpec } from '../../support/open';
import { openBuilt } from '../../support/open';

const CLUSTER = 65_536;

function sha256(): Hasher {
  const hash = createHash('sha256');
  return { update: (bytes) => hash.update(bytes), digest: () => hash.digest('hex') };
}

const digest = (spec: ChainSpec): string => finish(digestDisk(openBuilt(spec).session, sha256()));

describe('the digest of a disk', () => {
  const size = 4 * CLUSTER;
  const bytes = noise(1, CLUSTER);
  const plain: ChainSpec = { layers: [{ size, clusters: new Map([[1, data(bytes)]]) }] };

  it('is that of the size, and of each stretch that is not all zeros with its place and length', () => {
    const spare = new Uint8Array(CLUSTER);
    spare[5000] = 7;
    const numbers = Buffer.alloc(24);
    [size, 2 * CLUSTER + 4096, 4096].forEach((value, index) => numbers.writeBigUInt64BE(BigInt(value), 8 * index));
    const expected = createHash('sha256').update(numbers).update(spare.subarray(4096, 8192)).digest('hex');
    assert.equal(digest({ layers: [{ size, clusters: new Map([[2, data(spare)]]) }] }), expected);
  });

  it('does not depend on what holds the bytes', () => {
    const zeros = data(new Uint8Array(CLUSTER));
    const same: ChainSpec[] = [
      {
        layers: [
          {
            size,
            clusters: new Map([
              [0, zeros],
              [1, data(bytes)],
              [3, zero()],
            ]),
          },
        ],
      },
      { layers: [{ size, clusters: new Map([[1, compressed(bytes)]]) }] },
      { layers: [{ size }, { size, clusters: new Map([[1, data(bytes)]]) }] },
      {
        layers: [
          {
            size,
            clusterBits: 12,
            clusters: new Map(
              Array.from({ length: 16 }, (_, index) => [
                16 + index,
                data(bytes.subarray(index * 4096, (index + 1) * 4096)),
              ]),
            ),
          },
        ],
      },
    ];
    for (const spec of same) assert.equal(digest(spec), digest(plain));
  });

  it('differs where a byte does, its place or the size', () => {
    const changed = bytes.slice();
    changed[CLUSTER - 1] = (changed[CLUSTER - 1] ?? 0) ^ 1;
    const others: ChainSpec[] = [
      { layers: [{ size, clusters: new Map([[1, data(changed)]]) }] },
      { layers: [{ size, clusters: new Map([[2, data(bytes)]]) }] },
      { layers: [{ size: size + CLUSTER, clusters: new Map([[1, data(bytes)]]) }] },
      { layers: [{ size }] },
    ];
    for (const spec of others) assert.notEqual(digest(spec), digest(plain));
  });
});
