/**
 * Headers that can't be: the recipes behind QEMU's iotest 080, and the fixes of CVE-2014-0143, -0144, -0145, -0146 and
 * -0147 that are about them. QEMU refuses each; a reader refuses what the disk depends on and tells of the rest.
 */
import assert from 'node:assert/strict';
import type { DiskErrorCode } from '../../../../src/core/errors';
import type { Qcow2Spec, SparseImage } from '../../../fixtures/build/index';
import { data, EXTENSION, noise } from '../../../fixtures/build/index';
import { assertRefused, open } from './recipe';

const CLUSTER = 65_536;
const SIZE = 64 * 2 ** 20;
const SPEC: Qcow2Spec = { size: SIZE, clusters: new Map([[0, data(noise(1, 512))]]) };
const FIRST_EXTENSION = 104;
const AT = {
  backingOffset: 8,
  backingLength: 16,
  clusterBits: 20,
  size: 24,
  l1Entries: 36,
  l1Offset: 40,
  refcountOffset: 48,
  refcountClusters: 56,
  snapshots: 60,
  snapshotsOffset: 64,
  refcountOrder: 96,
  headerLength: 100,
} as const;

interface Refused {
  readonly poke: (image: SparseImage) => unknown;
  readonly code: DiskErrorCode;
  readonly at: number;
}

const REFUSED: Readonly<Record<string, Refused>> = {
  'a header of 4 GiB': { poke: (i) => i.pokeU32(AT.headerLength, 0xffff_ffff), code: 'corrupt', at: AT.headerLength },
  'a header of 2 GiB': { poke: (i) => i.pokeU32(AT.headerLength, 0x7fff_ffff), code: 'corrupt', at: AT.headerLength },
  'a header longer than a cluster': {
    poke: (i) => i.pokeU32(AT.headerLength, CLUSTER + 8),
    code: 'corrupt',
    at: AT.headerLength,
  },
  'a backing name at the end of the numbers': {
    poke: (i) => i.pokeU64(AT.backingOffset, 2n ** 64n - 1n),
    code: 'limit',
    at: AT.backingOffset,
  },
  'a backing name past the first cluster': {
    poke: (i) => i.pokeU64(AT.backingOffset, BigInt(CLUSTER + 1)),
    code: 'corrupt',
    at: AT.backingOffset,
  },
  'a backing name of 4 GiB': {
    poke: (i) => i.pokeU64(AT.backingOffset, 0x1000n).pokeU32(AT.backingLength, 0xffff_ffff),
    code: 'limit',
    at: AT.backingLength,
  },
  'a backing name of 1024 bytes': {
    poke: (i) => i.pokeU64(AT.backingOffset, 0x1000n).pokeU32(AT.backingLength, 1024),
    code: 'limit',
    at: AT.backingLength,
  },
  'a backing name that leaves its cluster': {
    poke: (i) => i.pokeU64(AT.backingOffset, BigInt(CLUSTER - 10)).pokeU32(AT.backingLength, 11),
    code: 'limit',
    at: AT.backingLength,
  },
  'an L1 table at the end of the numbers': {
    poke: (i) => i.pokeU64(AT.l1Offset, 0x7fff_ffff_ffff_0000n).pokeU32(AT.l1Entries, 0xffff),
    code: 'limit',
    at: AT.l1Offset,
  },
  'an L1 table in the middle of a cluster': {
    poke: (i) => i.pokeU64(AT.l1Offset, 0x3_0200n),
    code: 'corrupt',
    at: AT.l1Offset,
  },
  'clusters of 256 bytes': { poke: (i) => i.pokeU32(AT.clusterBits, 8), code: 'corrupt', at: AT.clusterBits },
  'clusters of 4 MiB': { poke: (i) => i.pokeU32(AT.clusterBits, 22), code: 'corrupt', at: AT.clusterBits },
  'clusters of 2^4294967295 bytes': {
    poke: (i) => i.pokeU32(AT.clusterBits, 0xffff_ffff),
    code: 'corrupt',
    at: AT.clusterBits,
  },
  'reference counts of 128 bits': {
    poke: (i) => i.pokeU32(AT.refcountOrder, 7),
    code: 'corrupt',
    at: AT.refcountOrder,
  },
  'a disk of 2^63 bytes': { poke: (i) => i.pokeU64(AT.size, 2n ** 63n), code: 'limit', at: AT.size },
};

interface Told {
  readonly poke: (image: SparseImage) => unknown;
  readonly finding: string;
  readonly at: number | undefined;
}

/** The disk reads as ever. */
const TOLD: Readonly<Record<string, Told>> = {
  'an unknown extension of 2 GiB': {
    poke: (i) => i.pokeU32(FIRST_EXTENSION, 0x1234_5678).pokeU32(FIRST_EXTENSION + 4, 0x7fff_ffff),
    finding: 'extension-length',
    at: FIRST_EXTENSION,
  },
  'an unknown extension of 2 GiB, and a backing name in its length': {
    poke: (i) =>
      i
        .pokeU32(FIRST_EXTENSION, 0x1234_5678)
        .pokeU32(FIRST_EXTENSION + 4, 0x7fff_ffff)
        .pokeU64(AT.backingOffset, BigInt(FIRST_EXTENSION + 4)),
    finding: 'extension-length',
    at: FIRST_EXTENSION,
  },
  'a refcount table of 2^32 clusters': {
    poke: (i) => i.pokeU32(AT.refcountClusters, 0xffff_ffff),
    finding: 'refcount-table-size',
    at: AT.refcountClusters,
  },
  'a refcount table of 8 MiB and a cluster': {
    poke: (i) => i.pokeU32(AT.refcountClusters, (8 * 2 ** 20) / CLUSTER + 1),
    finding: 'refcount-table-size',
    at: AT.refcountClusters,
  },
  'no refcount table': {
    poke: (i) => i.pokeU32(AT.refcountClusters, 0),
    finding: 'refcount-table-absent',
    at: AT.refcountClusters,
  },
  'a refcount table in the middle of a cluster': {
    poke: (i) => i.pokeU64(AT.refcountOffset, 0x1_0200n),
    finding: 'refcount-table-offset',
    at: AT.refcountOffset,
  },
  'a refcount table at the end of the numbers': {
    poke: (i) => i.pokeU64(AT.refcountOffset, 0xffff_ffff_ffff_0000n).pokeU32(AT.refcountClusters, 0x7f),
    finding: 'absurd-value',
    at: AT.refcountOffset,
  },
  '2^32 snapshots': {
    poke: (i) => i.pokeU32(AT.snapshots, 0xffff_ffff),
    finding: 'snapshot-table',
    at: AT.snapshots,
  },
  '2^31 snapshots': {
    poke: (i) => i.pokeU32(AT.snapshots, 0x7fff_ffff),
    finding: 'snapshot-table',
    at: AT.snapshots,
  },
  'snapshots at the end of the numbers': {
    poke: (i) => i.pokeU64(AT.snapshotsOffset, 0xffff_ffff_ffff_0000n).pokeU32(AT.snapshots, 0xffff),
    finding: 'absurd-value',
    at: AT.snapshotsOffset,
  },
  'no snapshots, in the middle of a cluster': {
    poke: (i) => i.pokeU64(AT.snapshotsOffset, 0x12_3456n),
    finding: 'table-offset',
    at: AT.snapshotsOffset,
  },
};

describe('an image with', () => {
  for (const [name, { poke, code, at }] of Object.entries(REFUSED)) {
    it(`${name} is refused`, () => {
      assertRefused(SPEC, ({ image }) => poke(image), code, at);
    });
  }

  for (const [name, { poke, finding, at }] of Object.entries(TOLD)) {
    it(`${name} is read, and that is told`, () => {
      const opened = open(SPEC, ({ image }) => poke(image));
      assert.equal(opened.placeOf(finding), at);
      assert.deepEqual(opened.read(0, 512), noise(1, 512));
      assert.deepEqual(opened.at(CLUSTER), ['Absent', undefined]);
    });
  }

  for (const entries of [0xffff_ffff, 0x7fff_ffff, (32 * 2 ** 20) / 8 + 1]) {
    it(`an L1 table of ${entries} entries has no map, and says why`, () => {
      const opened = open(SPEC, ({ image }) => image.pokeU32(AT.l1Entries, entries));
      const finding = opened.session.findings(0).find(({ code }) => code === 'scan-failed');
      assert.match(finding?.message ?? '', new RegExp(`L1 table of ${entries} entries`));
      assert.equal(opened.picture.accounting.unknown, SIZE);
      assert.match(opened.whyNot(0), /could not be read/);
    });
  }

  it('an L1 table of no entries is empty, and its snapshot is not', () => {
    const clusters = new Map([[0, data(noise(1, 512))]]);
    const spec = { ...SPEC, clusters, snapshots: [{ id: '1', name: 'foo', clusters }] };
    const opened = open(spec, ({ image }) => image.pokeU32(AT.l1Entries, 0));
    assert(opened.codes.includes('l1-too-small'));
    assert.deepEqual(opened.picture.accounting.layers[0]?.owned, 0);
    opened.session.stand({ depth: 0, view: '1' });
    assert.equal(opened.session.trace(0).owner, 0);
  });

  it('a backing name of 1023 bytes is opened', () => {
    const opened = open({ ...SPEC, backing: 'x'.repeat(1023), backingFormat: 'raw' }, () => undefined);
    assert.equal(opened.session.chain.end.kind, 'missing');
  });

  it('an extension that ends where the backing name begins is whole', () => {
    const opened = open({ ...SPEC, backing: 'b', backingFormat: 'raw', noEndMarker: true }, () => undefined);
    assert(!opened.codes.includes('extension-length'));
    assert.equal(opened.built.layout.extensions.has(EXTENSION.backingFormat), true);
  });
});
