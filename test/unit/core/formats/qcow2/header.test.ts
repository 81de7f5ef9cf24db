import assert from 'node:assert/strict';
import { DiskError } from '../../../../../src/core';
import type { DiskErrorCode, Severity } from '../../../../../src/core';
import { readHeader } from '../../../../../src/core/formats/qcow2/header';
import type { Qcow2Header } from '../../../../../src/core/formats/qcow2/header';
import type { BuiltQcow2, Qcow2Spec } from '../../../../fixtures/build/index';
import { buildQcow2, EXTENSION } from '../../../../fixtures/build/index';
import { memorySource } from '../../../../support/memory';

const SIZE = 3 * 2 ** 20;
const build = (spec: Partial<Qcow2Spec> = {}): BuiltQcow2 => buildQcow2({ size: SIZE, ...spec });
const read = ({ image }: BuiltQcow2): Qcow2Header => readHeader(memorySource(image));

/** Offsets of fields: docs/interop/qcow2.rst, "Header". */
const AT = {
  magic: 0,
  version: 4,
  backingOffset: 8,
  backingSize: 16,
  clusterBits: 20,
  size: 24,
  crypt: 32,
  l1Size: 36,
  l1Offset: 40,
  refcountTable: 48,
  refcountClusters: 56,
  snapshots: 60,
  snapshotsOffset: 64,
  incompatible: 72,
  compatible: 80,
  autoclear: 88,
  refcountOrder: 96,
  headerLength: 100,
  compression: 104,
} as const;

type Damage = (built: BuiltQcow2) => unknown;

/** @throws AssertionError unless reading is refused with that code, at that offset */
function assertRefused(
  spec: Partial<Qcow2Spec>,
  damage: Damage,
  code: DiskErrorCode,
  offset: number,
  message: RegExp,
): void {
  const built = build(spec);
  damage(built);
  assert.throws(
    () => read(built),
    (error) => {
      assert(error instanceof DiskError, String(error));
      assert.deepEqual([error.code, error.offset], [code, offset], error.message);
      assert.match(error.message, message);
      return true;
    },
  );
}

/** @throws AssertionError unless reading goes on with one finding of that kind */
function assertFound(spec: Partial<Qcow2Spec>, damage: Damage, code: string, severity: Severity): Qcow2Header {
  const built = build(spec);
  damage(built);
  const header = read(built);
  assert.deepEqual(
    header.findings.map((finding) => [finding.code, finding.severity]),
    [[code, severity]],
  );
  return header;
}

describe('the header of a qcow2 image', () => {
  it('of version 3 is read whole', () => {
    const built = build({
      clusterBits: 12,
      refcountOrder: 3,
      backing: '../bäse.img',
      backingFormat: 'raw',
      featureNames: true,
      compatible: 1n,
    });
    const { findings, ...header } = read(built);
    assert.deepEqual(findings, []);
    assert.deepEqual(header, {
      version: 3,
      clusterBits: 12,
      guestSize: SIZE,
      encryption: 'none',
      l1Entries: 2,
      l1Offset: built.layout.l1.offset,
      refcountTableOffset: built.layout.refcountTable.offset,
      refcountTableClusters: 1,
      refcountOrder: 3,
      snapshotCount: 0,
      snapshotsOffset: 0,
      headerLength: 104,
      compression: 'zlib',
      dirty: false,
      corrupt: false,
      lazyRefcounts: true,
      extendedL2: false,
      externalData: false,
      rawExternalData: false,
      backingName: '../bäse.img',
      backingFormat: 'raw',
      dataFileName: undefined,
      luksOffset: undefined,
      luksLength: 0,
      bitmaps: undefined,
    });
  });

  it('of version 2 has no features, whatever follows it', () => {
    const built = build({ version: 2, backing: 'base', backingFormat: 'qcow2' });
    const header = read(built);
    assert.deepEqual(
      [header.version, header.headerLength, header.refcountOrder, header.backingName, header.backingFormat],
      [2, 72, 4, 'base', 'qcow2'],
    );
    const plain = build({ version: 2 });
    plain.image.poke(AT.incompatible, new Uint8Array(32).fill(0xff));
    const { extendedL2, dirty, corrupt, externalData, lazyRefcounts, compression } = read(plain);
    assert.deepEqual(
      { extendedL2, dirty, corrupt, externalData, lazyRefcounts, compression },
      {
        extendedL2: false,
        dirty: false,
        corrupt: false,
        externalData: false,
        lazyRefcounts: false,
        compression: 'zlib',
      },
    );
  });

  it('says which features are on', () => {
    assert.equal(read(build({ extendedL2: true })).extendedL2, true);
    assert.equal(read(build({ compression: 'zstd' })).compression, 'zstd');
    const data = read(build({ dataFile: { name: 'd.raw' } }));
    assert.deepEqual([data.externalData, data.rawExternalData, data.dataFileName], [true, false, 'd.raw']);
    assert.equal(read(build({ dataFile: { name: 'd.raw', raw: true } })).rawExternalData, true);
    assert.equal(read(build({ autoclear: 2n })).rawExternalData, false, 'no data file, so none that is raw');
    assert.equal(read(build({ compatible: 2n })).lazyRefcounts, false);
  });

  it('may be longer than is known', () => {
    const header = read(
      build({ headerLength: 256, headerTail: new Uint8Array(64).fill(0xee), backing: 'base', backingFormat: 'raw' }),
    );
    assert.deepEqual(
      [header.headerLength, header.backingName, header.backingFormat, header.compression],
      [256, 'base', 'raw', 'zlib'],
    );
  });

  it('counts the disk in whole sectors, as QEMU does', () => {
    const built = build();
    built.image.pokeU64(AT.size, 0xfff01n);
    assert.equal(read(built).guestSize, 0xffe00);
  });

  it('may be of a disk of no bytes', () => {
    assert.equal(read(build({ size: 0 })).guestSize, 0);
  });

  it('reads little', () => {
    const reads: number[] = [];
    const { image } = build();
    const source = memorySource(image);
    readHeader({
      ...source,
      readInto: (target, at) => {
        reads.push(target.length);
        source.readInto(target, at);
      },
    });
    assert(reads.length <= 3 && reads.reduce((a, b) => a + b, 0) <= 65536 + 112, reads.join());
  });
});

describe('a header that can not be used is refused', () => {
  const cases: Readonly<Record<string, [Partial<Qcow2Spec>, Damage, DiskErrorCode, number, RegExp]>> = {
    'another magic': [{}, ({ image }) => image.pokeU32(AT.magic, 0x51464900), 'not-this-format', 0, /no qcow2 image/],
    'version 1': [{}, ({ image }) => image.pokeU32(AT.version, 1), 'unsupported', 4, /version 1 is not known/],
    'version 4': [{}, ({ image }) => image.pokeU32(AT.version, 4), 'unsupported', 4, /version 4 is not known/],
    'clusters of 256 bytes': [{}, ({ image }) => image.pokeU32(AT.clusterBits, 8), 'corrupt', 20, /2\^8 bytes/],
    'clusters of 4 MiB': [{}, ({ image }) => image.pokeU32(AT.clusterBits, 22), 'corrupt', 20, /2\^22 bytes/],
    'clusters past any number': [
      {},
      ({ image }) => image.pokeU32(AT.clusterBits, 0xffffffff),
      'corrupt',
      20,
      /2\^4294967295 bytes/,
    ],
    'a size past 2^53': [{}, ({ image }) => image.pokeU64(AT.size, 1n << 63n), 'limit', 24, /virtual size/],
    'an unknown encryption': [{}, ({ image }) => image.pokeU32(AT.crypt, 3), 'unsupported', 32, /encryption method 3/],
    'an L1 table in the middle of a cluster': [
      {},
      ({ image }) => image.pokeU64(AT.l1Offset, 0x30200n),
      'corrupt',
      40,
      /L1 table.*middle of a cluster/,
    ],
    'an L1 table past 2^53': [
      {},
      ({ image }) => image.pokeU64(AT.l1Offset, 0xffffffffffff0000n),
      'limit',
      40,
      /L1 table/,
    ],
    'refcounts of 128 bits': [{}, ({ image }) => image.pokeU32(AT.refcountOrder, 7), 'corrupt', 96, /2\^7 bits/],
    'a header that is too short': [
      {},
      ({ image }) => image.pokeU32(AT.headerLength, 103),
      'corrupt',
      100,
      /header of 103 bytes/,
    ],
    'a header past its cluster': [
      { clusterBits: 9 },
      ({ image }) => image.pokeU32(AT.headerLength, 520),
      'corrupt',
      100,
      /header of 520 bytes/,
    ],
    'an unknown compression': [
      { headerLength: 112 },
      ({ image }) => image.poke(AT.compression, [2]),
      'unsupported',
      104,
      /compression type 2/,
    ],
    'a backing name past the first cluster': [
      {},
      ({ image }) => image.pokeU64(AT.backingOffset, 65537n),
      'corrupt',
      8,
      /past the header's cluster/,
    ],
    'a backing name past 2^53': [
      {},
      ({ image }) => image.pokeU64(AT.backingOffset, 1n << 60n),
      'limit',
      8,
      /backing file name/,
    ],
    'a backing name of 1024 bytes': [
      { backing: 'base' },
      ({ image }) => image.pokeU32(AT.backingSize, 1024),
      'limit',
      16,
      /1024 bytes.*1023/,
    ],
    'a backing name that leaves its cluster': [
      { clusterBits: 9, backing: 'base' },
      ({ image }) => image.pokeU64(AT.backingOffset, 509n),
      'limit',
      16,
      /4 bytes.*3 can/,
    ],
    'a backing name cut off by the end of the file': [
      { backing: 'base' },
      ({ image, layout }) => image.truncate((layout.backingName?.offset ?? 0) + 2),
      'short-read',
      114,
      /ends inside the name/,
    ],
    'extended L2 with clusters of 8 KiB': [
      { clusterBits: 13 },
      ({ image }) => image.pokeU64(AT.incompatible, 16n),
      'corrupt',
      20,
      /at least 16 KiB/,
    ],
    'an empty file': [{}, ({ image }) => image.truncate(0), 'not-this-format', 0, /empty/],
    'a file that ends after the magic': [{}, ({ image }) => image.truncate(8), 'short-read', 8, /after 8 bytes/],
    'a file that ends just before the end of the header': [
      {},
      ({ image }) => image.truncate(71),
      'short-read',
      71,
      /after 71 bytes/,
    ],
    'an unknown feature': [
      {},
      ({ image }) => image.pokeU64(AT.incompatible, 1n << 40n),
      'unsupported',
      72,
      /uses incompatible feature bit 40, which/,
    ],
    'the highest feature bit': [
      {},
      ({ image }) => image.pokeU64(AT.incompatible, 1n << 63n),
      'unsupported',
      72,
      /feature bit 63/,
    ],
  };
  for (const [name, [spec, damage, code, offset, message]] of Object.entries(cases)) {
    it(name, () => {
      assertRefused(spec, damage, code, offset, message);
    });
  }

  it('and an unknown feature is called by the name that the image gives it', () => {
    const named = (kind: 'incompatible' | 'compatible'): Partial<Qcow2Spec> => ({
      incompatible: 1n << 7n,
      featureNames: [
        { kind: 'compatible', bit: 7, name: 'of no matter' },
        { kind, bit: 7, name: 'time travel' },
      ],
    });
    assertRefused(
      named('incompatible'),
      () => undefined,
      'unsupported',
      72,
      /"time travel" \(incompatible feature bit 7\)/,
    );
    assertRefused(named('compatible'), () => undefined, 'unsupported', 72, /uses incompatible feature bit 7, which/);
  });

  it('every header cut anywhere is refused or read, and never breaks the reader', () => {
    const { image } = build({
      clusterBits: 9,
      backing: 'base',
      backingFormat: 'raw',
      featureNames: [{ kind: 'compatible', bit: 0, name: 'x' }],
    });
    const bytes = image.toBytes();
    for (let length = 0; length <= 512; length += 1) {
      try {
        readHeader(memorySource(bytes.subarray(0, length)));
      } catch (error) {
        assert(error instanceof DiskError, `${length} bytes: ${String(error)}`);
      }
    }
  });

  it('every byte of a header set to anything is refused or read, and never breaks the reader', () => {
    const { image } = build({
      clusterBits: 9,
      backing: 'base',
      backingFormat: 'raw',
      bitmaps: [{ name: 'b', granularityBits: 16, dirty: [] }],
    });
    const bytes = image.toBytes();
    for (let at = 0; at < 256; at += 1) {
      for (const value of [0, 1, 0x7f, 0x80, 0xff]) {
        const broken = bytes.slice();
        broken[at] = value;
        try {
          readHeader(memorySource(broken));
        } catch (error) {
          assert(error instanceof DiskError, `byte ${at} = ${value}: ${String(error)}`);
        }
      }
    }
  });
});

describe('a header that is odd is a finding', () => {
  it('when it was not closed cleanly', () => {
    assert.equal(assertFound({ incompatible: 1n }, () => undefined, 'dirty', 'warning').dirty, true);
  });

  it('when QEMU has marked it as corrupt', () => {
    assert.equal(assertFound({ incompatible: 2n }, () => undefined, 'marked-corrupt', 'error').corrupt, true);
  });

  it('when its compression and the bit for it disagree', () => {
    assertFound({ incompatible: 8n }, () => undefined, 'compression-type', 'error');
    const header = assertFound(
      { headerLength: 112 },
      ({ image }) => image.poke(AT.compression, [1]),
      'compression-type',
      'error',
    );
    assert.equal(header.compression, 'zstd');
  });

  it("when it has no table of reference counts, or one past QEMU's limit", () => {
    assertFound({}, ({ image }) => image.pokeU32(AT.refcountClusters, 0), 'refcount-table-absent', 'error');
    const header = assertFound(
      {},
      ({ image }) => image.pokeU32(AT.refcountClusters, 129),
      'refcount-table-size',
      'error',
    );
    assert.deepEqual([header.refcountTableClusters, header.refcountTableOffset], [0, 0]);
    assert.deepEqual(
      read(
        (() => {
          const built = build();
          built.image.pokeU32(AT.refcountClusters, 128);
          return built;
        })(),
      ).findings,
      [],
    );
  });

  it('when an extension is longer than the header has room', () => {
    const header = assertFound(
      { backing: 'base', backingFormat: 'raw' },
      ({ image, layout }) => image.pokeU32((layout.extensions.get(EXTENSION.backingFormat) ?? 0) + 4, 0x10000),
      'extension-length',
      'error',
    );
    assert.deepEqual([header.backingName, header.backingFormat], ['base', undefined]);
  });

  it('when a backing format is longer than any', () => {
    assertFound({ backing: 'base', backingFormat: 'x'.repeat(16) }, () => undefined, 'backing-format-length', 'error');
    assert.equal(read(build({ backing: 'base', backingFormat: 'x'.repeat(15) })).backingFormat, 'x'.repeat(15));
  });

  it('when the name of the data file is longer than any path', () => {
    const header = assertFound(
      { dataFile: { name: 'x'.repeat(4096) } },
      () => undefined,
      'data-file-name-length',
      'error',
    );
    assert.equal(header.dataFileName, undefined);
    assert.equal(read(build({ dataFile: { name: 'x'.repeat(4095) } })).dataFileName?.length, 4095);
  });

  const bitmaps = [{ name: 'b', granularityBits: 16, dirty: [] }];

  it('when its bitmaps are older than its data', () => {
    const header = assertFound({ bitmaps }, ({ image }) => image.pokeU64(AT.autoclear, 0n), 'bitmaps-stale', 'info');
    assert.equal(header.bitmaps, undefined);
  });

  it("when its bitmaps are past QEMU's limits", () => {
    const at = ({ layout }: BuiltQcow2): number => (layout.extensions.get(EXTENSION.bitmaps) ?? 0) + 8;
    assertFound({ bitmaps }, (built) => built.image.pokeU32(at(built), 65_536), 'bitmaps-limit', 'error');
    assertFound(
      { bitmaps },
      (built) => built.image.pokeU64(at(built) + 8, 1024n * 65_535n + 1n),
      'bitmaps-limit',
      'error',
    );
    assertFound({ bitmaps }, (built) => built.image.pokeU32(at(built) - 4, 16), 'bitmaps-extension', 'error');
    const most = build({ bitmaps });
    most.image.pokeU32(at(most), 65_535).pokeU64(at(most) + 8, 1024n * 65_535n);
    const { findings, bitmaps: listed } = read(most);
    assert.deepEqual([findings, listed?.count, listed?.directoryBytes], [[], 65_535, 1024 * 65_535]);
  });

  it('when its bitmap directory or LUKS header begins in the middle of a cluster', () => {
    const directory = assertFound(
      { bitmaps },
      ({ image, layout }) => image.pokeU64((layout.extensions.get(EXTENSION.bitmaps) ?? 0) + 24, 0x1_0200n),
      'table-offset',
      'error',
    );
    assert.equal(directory.bitmaps, undefined);
    const luks = new Uint8Array(16);
    luks[6] = 2;
    const pointer = [{ type: EXTENSION.encryption, data: luks }];
    assert.equal(assertFound({ extensions: pointer }, () => undefined, 'table-offset', 'error').luksOffset, undefined);
  });

  it('when it has more extensions than are read', () => {
    const unknown = { type: 0x12345678, data: new Uint8Array() };
    const format = { type: EXTENSION.backingFormat, data: new TextEncoder().encode('raw') };
    const many = (count: number): Partial<Qcow2Spec> => ({
      extensions: [...Array.from({ length: count }, () => unknown), format],
    });
    const { backingFormat, findings } = read(build(many(255)));
    assert.deepEqual([backingFormat, findings], ['raw', []]);
    const cut = assertFound(many(256), () => undefined, 'header-extensions', 'warning');
    assert.equal(cut.backingFormat, undefined);
    const long = { type: 0x12345678, data: new Uint8Array(65_537) };
    const beyond = { clusterBits: 18, extensions: [long, format] };
    assert.equal(assertFound(beyond, () => undefined, 'header-extensions', 'warning').backingFormat, undefined);
  });

  it('when the pointer to its LUKS header is not what it should be', () => {
    assertFound(
      { extensions: [{ type: EXTENSION.encryption, data: new Uint8Array(8) }] },
      () => undefined,
      'luks-extension',
      'error',
    );
  });
});

describe('header extensions', () => {
  const luks = (offset: bigint): Uint8Array => {
    const view = new DataView(new ArrayBuffer(16));
    view.setBigUint64(0, offset);
    view.setBigUint64(8, 592n);
    return new Uint8Array(view.buffer);
  };

  it('of any length are passed over, rounded up to eight', () => {
    for (const length of [0, 1, 7, 8, 9]) {
      const extensions = [
        { type: 0x12345678, data: new Uint8Array(length).fill(0xff) },
        { type: EXTENSION.encryption, data: luks(77n * 65536n) },
      ];
      const { luksOffset, findings } = read(build({ extensions }));
      assert.deepEqual([luksOffset, findings], [77 * 65536, []], `${length} bytes`);
    }
  });

  it('end at the backing name where no marker ends them', () => {
    const header = read(build({ noEndMarker: true, backing: 'base', backingFormat: 'raw' }));
    assert.deepEqual([header.backingName, header.backingFormat, header.findings], ['base', 'raw', []]);
  });

  it('end at the marker, whatever follows it', () => {
    const built = build({
      backing: 'base',
      backingFormat: 'raw',
      extensions: [{ type: EXTENSION.dataFile, data: new TextEncoder().encode('d') }],
    });
    built.image.pokeU32(built.layout.extensions.get(EXTENSION.backingFormat) ?? 0, 0);
    const header = read(built);
    assert.deepEqual([header.backingFormat, header.dataFileName], [undefined, undefined]);
  });

  it('name a data file that is only asked for where the feature bit is set', () => {
    const header = read(build({ extensions: [{ type: EXTENSION.dataFile, data: new TextEncoder().encode('d.raw') }] }));
    assert.deepEqual([header.externalData, header.dataFileName], [false, 'd.raw']);
  });

  it('name no data file where the name is empty', () => {
    const header = read(build({ extensions: [{ type: EXTENSION.dataFile, data: new Uint8Array() }] }));
    assert.equal(header.dataFileName, undefined);
  });
});
