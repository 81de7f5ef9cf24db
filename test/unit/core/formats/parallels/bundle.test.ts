import assert from 'node:assert/strict';
import type { Chain, ChainLayer } from '../../../../../src/core';
import {
  closeChain,
  DiskError,
  finish,
  guestOffset,
  Kind,
  openChain,
  probeInput,
  Session,
  sniff,
} from '../../../../../src/core';
import { utf8Bytes } from '../../../../../src/core/bytes';
import { buildQcow2, noise } from '../../../../fixtures/build/index';
import type { BundleSpec, ParallelsSpec } from '../../../../fixtures/build/parallels';
import { buildParallels, CURRENT, descriptorXml } from '../../../../fixtures/build/parallels';
import { MemoryDisk } from '../../../../support/memory';

const CLUSTER = 4096;
const SECTORS = 64;
const A = '{aaaaaaaa-0000-4000-8000-000000000001}';
const B = '{bbbbbbbb-0000-4000-8000-000000000002}';
const PATH = '/vm.pvm/disk.hdd/DiskDescriptor.xml';
const at = (name: string): string => `/vm.pvm/disk.hdd/${name}`;

/** An expanding image of 8-sector clusters that hold noise of their own. */
const image = (clusters: readonly number[], spec: Partial<ParallelsSpec> = {}): Uint8Array =>
  buildParallels({
    sectors: SECTORS,
    clusterSectors: 8,
    clusters: new Map(clusters.map((cluster) => [cluster, noise(cluster + 1, CLUSTER)])),
    ...spec,
  }).image.toBytes();

/** A base that is plain, a snapshot on it, and the current state. */
const THREE: BundleSpec = {
  name: 'disk',
  sectors: SECTORS,
  storages: [
    {
      start: 0,
      end: SECTORS,
      clusterSectors: 8,
      images: [
        { guid: CURRENT, type: 'Compressed', file: 'top.hds' },
        { guid: A, type: 'Compressed', file: 'a.hds' },
        { guid: B, type: 'Plain', file: 'b.hds' },
      ],
    },
  ],
  shots: [{ guid: B }, { guid: A, parent: B }, { guid: CURRENT, parent: A }],
};
const PLAIN = noise(99, SECTORS * 512);

function threeOf(spec: BundleSpec = THREE): MemoryDisk {
  return new MemoryDisk()
    .put(PATH, utf8Bytes(descriptorXml(spec)))
    .put(at('top.hds'), image([1]))
    .put(at('a.hds'), image([1, 2]))
    .put(at('b.hds'), PLAIN);
}

function guestBytesOf(session: Session): Uint8Array {
  const bytes = new Uint8Array(session.view.guestSize);
  assert.deepEqual(session.read(finish(session.scan()), 0, bytes), [], 'all of it is known');
  return bytes;
}

function withChain(disk: MemoryDisk, use: (chain: Chain) => void, leaf = PATH): void {
  const chain = openChain(disk.environment, disk.leaf(leaf));
  use(chain);
  closeChain(chain);
  assert.deepEqual(disk.openFiles, [], 'nothing stays open');
}

const codesOf = ({ layer, findings }: ChainLayer): readonly string[] =>
  [...findings, ...layer.findings].map(({ code, severity }) => `${code} ${severity}`);

function failure(disk: MemoryDisk, leaf = PATH): DiskError {
  let error: unknown;
  try {
    withChain(disk, () => undefined, leaf);
  } catch (caught) {
    error = caught;
  }
  assert(error instanceof DiskError);
  assert.deepEqual(disk.openFiles, [], 'nothing stays open');
  return error;
}

describe('a bundle of Parallels', () => {
  it('is known by the beginning of its descriptor', () => {
    for (const before of ['', '\ufeff', '  \n', '<?xml version="1.0"?>\n<!-- a disk -->\n']) {
      const bytes = utf8Bytes(`${before}<Parallels_disk_image Version="1.0">`);
      const disk = new MemoryDisk().put(PATH, bytes);
      assert.equal(sniff(probeInput(disk.leaf(PATH).source), 'DiskDescriptor.xml').kind, 'image', before);
    }
    const other = new MemoryDisk().put(PATH, utf8Bytes('a <Parallels_disk_image> is'));
    assert.equal(sniff(probeInput(other.leaf(PATH).source), 'x.xml').kind, 'other');
  });

  it('is the chain of its snapshots, each layer the file that holds it', () => {
    withChain(threeOf(), (chain) => {
      assert.deepEqual(
        chain.layers.map(({ identity, layer }) => [identity.path, layer.guestSize, layer.grain]),
        [
          [PATH, SECTORS * 512, CLUSTER],
          [at('a.hds'), SECTORS * 512, CLUSTER],
          [at('b.hds'), SECTORS * 512, 512],
        ],
      );
      assert.equal(chain.end.kind, 'base');
      assert.deepEqual(chain.layers.flatMap(codesOf), []);
      const [leaf] = chain.layers;
      assert.deepEqual(
        leaf?.layer.files?.map(({ identity }) => identity.path),
        [at('top.hds')],
      );
      assert.deepEqual(leaf.companions, [at('top.hds')]);
    });
  });

  it('reads through all of them', () => {
    const expected = Uint8Array.from(PLAIN);
    for (const cluster of [1, 2]) expected.set(noise(cluster + 1, CLUSTER), cluster * CLUSTER);
    const disk = threeOf();
    const session = new Session(disk.environment, disk.leaf(PATH));
    const { accounting } = finish(session.scan());
    assert.deepEqual(
      accounting.layers.map(({ owned, shadowed }) => [owned, shadowed]),
      [
        [CLUSTER, 0],
        [CLUSTER, CLUSTER],
        [SECTORS * 512 - 2 * CLUSTER, 2 * CLUSTER],
      ],
    );
    assert.deepEqual(guestBytesOf(session), expected);
    session.close();
  });

  it('tells a byte by the file that it is in', () => {
    withChain(threeOf(), ({ layers: [leaf, below] }) => {
      const [view] = leaf?.layer.views ?? [];
      assert(leaf && below && view);
      const place = (layer: ChainLayer): unknown => {
        const { holder, hostOffset } = layer.layer.trace(view, guestOffset(CLUSTER + 5));
        return [holder, hostOffset];
      };
      assert.deepEqual(place(leaf), [at('top.hds'), CLUSTER + 5]);
      assert.deepEqual(place(below), [undefined, CLUSTER + 5]);
    });
  });

  it('says which state is the current one, or has it known by its GUID, or by nothing standing on it', () => {
    const standing = { ...THREE, shots: [{ guid: B }, { guid: A, parent: B }] };
    for (const [spec, layers] of [
      [{ ...THREE, top: A }, 2],
      [{ ...THREE, top: B }, 1],
      [standing, 2],
      [{ ...THREE, shots: [] }, 1],
    ] as const) {
      withChain(threeOf(spec), (chain) => {
        assert.equal(chain.layers.length, layers);
      });
    }
    assert.match(
      failure(threeOf({ ...THREE, shots: [{ guid: A }, { guid: B }] })).message,
      /which state is the current/,
    );
  });

  it('reads no more than 64 MiB of format extensions, though a part of the disk may be any file', () => {
    const [clusterSectors, parts] = [32768, 6];
    const { image: part } = buildParallels({ sectors: 8, clusterSectors, clusters: new Map(), features: [] });
    const disk = new MemoryDisk().put(at('part.hds'), part);
    const storages = Array.from({ length: parts }, (_, index) => ({
      start: index * 8,
      end: index * 8 + 8,
      clusterSectors,
      images: [{ guid: CURRENT, type: 'Compressed' as const, file: 'part.hds' }],
    }));
    disk.put(PATH, utf8Bytes(descriptorXml({ sectors: 8 * parts, storages, shots: [{ guid: CURRENT }] })));
    withChain(disk, ({ layers: [leaf] }) => {
      assert(leaf);
      const told = codesOf(leaf).filter((code) => code === 'extension-size error');
      assert.equal(told.length, parts - 4);
    });
    assert.equal(disk.reads.filter(({ length }) => length === clusterSectors * 512).length, 4);
  });

  it('may be split into parts, each with a table of its own', () => {
    const half = SECTORS / 2;
    const storage = (start: number, index: number): BundleSpec['storages'][number] => ({
      start,
      end: start + half,
      clusterSectors: 8,
      images: [
        { guid: CURRENT, type: 'Compressed', file: `top.${index}.hds` },
        { guid: A, type: 'Plain', file: `base.${index}.hds` },
      ],
    });
    const spec: BundleSpec = {
      sectors: SECTORS,
      // The order in which they are written is not the order of the disk.
      storages: [storage(half, 1), storage(0, 0)],
      shots: [{ guid: A }, { guid: CURRENT, parent: A }],
    };
    const disk = new MemoryDisk().put(PATH, utf8Bytes(descriptorXml(spec)));
    for (const index of [0, 1]) {
      disk.put(at(`top.${index}.hds`), image([index], { sectors: half }));
      disk.put(at(`base.${index}.hds`), noise(50 + index, half * 512));
    }
    const expected = Uint8Array.of(...noise(50, half * 512), ...noise(51, half * 512));
    expected.set(noise(1, CLUSTER), 0);
    expected.set(noise(2, CLUSTER), half * 512 + CLUSTER);
    const session = new Session(disk.environment, disk.leaf(PATH));
    finish(session.scan());
    assert.deepEqual(guestBytesOf(session), expected);
    assert.deepEqual(
      session.chain.layers.map(({ layer }) => layer.files?.map(({ identity }) => identity.path)),
      [
        [at('top.0.hds'), at('top.1.hds')],
        [at('base.0.hds'), at('base.1.hds')],
      ],
    );
    assert.equal(typeof session.chain.layers[0]?.layer.check, 'undefined', 'each file is checked by itself');
    session.close();
    assert.deepEqual(disk.openFiles, []);
  });

  it('names its files from its own folder, or absolutely', () => {
    const [storage] = THREE.storages;
    assert(storage);
    const [top, a, b] = storage.images;
    assert(top && a && b);
    const images = [top, { ...a, file: 'old/a.hds' }, { ...b, file: '/store/b.hds' }];
    const disk = new MemoryDisk()
      .put(PATH, utf8Bytes(descriptorXml({ ...THREE, storages: [{ ...storage, images }] })))
      .put(at('top.hds'), image([1]))
      .put(at('old/a.hds'), image([2]))
      .put('/store/b.hds', PLAIN);
    withChain(disk, (chain) => {
      assert.deepEqual(
        chain.layers.map(({ identity }) => identity.path),
        [PATH, at('old/a.hds'), '/store/b.hds'],
      );
    });
  });

  it('may leave out what can be known without', () => {
    const [storage] = THREE.storages;
    assert(storage);
    const single = { ...THREE, storages: [{ ...storage, images: storage.images.slice(0, 1) }], shots: [] };
    const bare = descriptorXml(single)
      .replace(/<Name>.*<\/Name>/, '')
      .replace(/<Disk_size>.*<\/Disk_size>/, '')
      .replace(/<Encryption>.*<\/Encryption>/, '')
      .replace(/<Start>.*<\/Start>/, '')
      .replace(/<Blocksize>.*<\/Blocksize>/, '')
      .replace(/<Snapshots>[^]*<\/Snapshots>/, '');
    withChain(threeOf().put(PATH, utf8Bytes(bare)), ({ layers }) => {
      const [leaf] = layers;
      assert(leaf);
      assert.deepEqual([layers.length, leaf.layer.guestSize, codesOf(leaf)], [1, SECTORS * 512, []]);
    });
  });

  it('goes by the first image of a snapshot, and by no shot without a GUID', () => {
    const [storage] = THREE.storages;
    assert(storage);
    const images = [...storage.images, { guid: CURRENT, type: 'Plain' as const, file: 'gone.hds' }];
    const spec = { ...THREE, storages: [{ ...storage, images }], shots: [{ guid: 'none' }, ...THREE.shots] };
    withChain(threeOf(spec), (chain) => {
      assert.deepEqual([chain.layers.length, chain.end.kind], [3, 'base']);
    });
  });

  it('checks the file that holds its disk', () => {
    withChain(threeOf().put(at('top.hds'), image([1, 2, 3]).subarray(0, -1024)), ({ layers: [leaf] }) => {
      const report = leaf?.layer.check && finish(leaf.layer.check());
      assert.deepEqual([report?.counts.corruptions, report?.counts.allocatedClusters], [1, 2]);
    });
  });
});

describe('a bundle of Parallels that is broken', () => {
  it('is unknown where a file of it is not there, can not be opened or is no image', () => {
    const whole = { start: 0, end: SECTORS * 512 };
    const cases: readonly (readonly [MemoryDisk, string])[] = [
      [threeOf().refuse(at('top.hds'), 'missing'), 'extent-missing error'],
      [threeOf().refuse(at('top.hds'), 'outside'), 'extent-refused error'],
      [threeOf().refuse(at('top.hds'), 'unreadable'), 'extent-refused error'],
      [threeOf().put(at('top.hds'), noise(1, 512)), 'image-unreadable error'],
      [threeOf().put(at('top.hds'), image([1]).subarray(0, 40)), 'image-unreadable error'],
    ];
    for (const [disk, code] of cases) {
      withChain(disk, ({ layers }) => {
        const [leaf] = layers;
        const [view] = leaf?.layer.views ?? [];
        assert(leaf && view);
        assert.deepEqual(codesOf(leaf), [code]);
        assert.equal(layers.length, 3, 'what lies below is shown');
        const { kind, unitStart, unitEnd } = leaf.layer.trace(view, guestOffset(0));
        assert.deepEqual([kind, unitStart, unitEnd], [Kind.Unknown, whole.start, whole.end]);
      });
    }
  });

  it('closes its files where the fault is ours, which is told as it is', () => {
    const peek = (): never => {
      throw new TypeError('a fault of the program');
    };
    const faulty = { bytes: { size: 4096, peek } };
    for (const [path, leaf] of [
      [at('top.hds'), PATH],
      [PATH, at('a.hds')],
    ] as const) {
      const disk = threeOf().put(path, faulty);
      assert.throws(() => openChain(disk.environment, disk.leaf(leaf)), TypeError);
      assert(!disk.openFiles.includes(path), path);
    }
  });

  it('is unknown below its newest state, too', () => {
    withChain(threeOf().put(at('a.hds'), noise(1, 512)), ({ layers }) => {
      assert.deepEqual(layers.map(codesOf), [[], ['image-unreadable error'], []]);
    });
    withChain(threeOf().refuse(PATH, 'outside'), ({ layers, end }) => {
      assert.deepEqual([layers.length, end.kind], [1, 'refused']);
    });
  });

  it('ends where its disk is said to end', () => {
    const [storage] = THREE.storages;
    assert(storage);
    const more = { ...storage, start: SECTORS, end: 2 * SECTORS };
    withChain(threeOf({ ...THREE, sectors: SECTORS - 8, storages: [storage, more] }), ({ layers: [leaf] }) => {
      assert(leaf);
      assert.deepEqual(codesOf(leaf), ['storage-size warning', 'image-size warning']);
      assert.equal(leaf.layer.guestSize, (SECTORS - 8) * 512);
    });
  });

  it('is unknown where no file is said to hold it', () => {
    const [storage] = THREE.storages;
    assert(storage);
    const gap = { ...THREE, sectors: SECTORS + 24, storages: [{ ...storage, start: 8, end: SECTORS + 8 }] };
    withChain(threeOf(gap), ({ layers: [leaf] }) => {
      const [view] = leaf?.layer.views ?? [];
      assert(leaf && view);
      assert.deepEqual(codesOf(leaf), ['storage-size warning', 'storage-gap error', 'storage-gap error']);
      const kinds = [0, CLUSTER, 2 * CLUSTER, (SECTORS + 8) * 512].map(
        (offset) => leaf.layer.trace(view, guestOffset(offset)).kind,
      );
      assert.deepEqual(kinds, [Kind.Unknown, Kind.Absent, Kind.Data, Kind.Unknown]);
    });
    const less = { ...storage, images: storage.images.filter(({ guid }) => guid !== CURRENT) };
    withChain(threeOf({ ...THREE, storages: [less] }), ({ layers: [leaf] }) => {
      assert(leaf);
      assert.deepEqual(codesOf(leaf), ['image-missing error']);
    });
  });

  it('has its chain end where a snapshot is not named, or is its own ancestor', () => {
    const [storage] = THREE.storages;
    assert(storage);
    const less = { ...storage, images: storage.images.filter(({ guid }) => guid !== B) };
    withChain(threeOf({ ...THREE, storages: [less] }), ({ layers, end }) => {
      assert.deepEqual([layers.length, end.kind], [2, 'refused']);
    });
    const loops: readonly (readonly [BundleSpec['shots'], number])[] = [
      [[{ guid: CURRENT, parent: CURRENT }], 1],
      [
        [
          { guid: A, parent: CURRENT },
          { guid: CURRENT, parent: A },
        ],
        2,
      ],
      [
        [
          { guid: A, parent: B },
          { guid: B, parent: A },
          { guid: CURRENT, parent: A },
        ],
        3,
      ],
    ];
    for (const [shots, layers] of loops) {
      withChain(threeOf({ ...THREE, shots }), (chain) => {
        assert.deepEqual([chain.layers.length, chain.end.kind], [layers, 'cycle']);
      });
    }
  });

  it('says where its files are not as it says', () => {
    const disk = threeOf({ ...THREE, top: B });
    disk.put(at('b.hds'), PLAIN.subarray(0, 512));
    withChain(disk, ({ layers: [leaf] }) => {
      assert(leaf);
      assert.deepEqual(codesOf(leaf), ['image-size warning']);
    });
    withChain(threeOf().put(at('top.hds'), image([0], { clusterSectors: 16, sectors: 48 })), ({ layers: [leaf] }) => {
      assert(leaf);
      assert.deepEqual(codesOf(leaf), ['image-cluster-size warning', 'image-size warning']);
      assert.equal(leaf.layer.guestSize, SECTORS * 512);
    });
  });

  it('is not readable where it is encrypted', () => {
    withChain(threeOf({ ...THREE, encryption: '{00000000-0000-0000-0000-000000000001}' }), ({ layers: [leaf] }) => {
      const [view] = leaf?.layer.views ?? [];
      assert(leaf && view);
      assert.equal(leaf.layer.readable, false);
      assert.throws(
        () => {
          leaf.layer.read(view, guestOffset(CLUSTER), new Uint8Array(1));
        },
        { code: 'encrypted' },
      );
    });
  });

  const text = descriptorXml(THREE);
  const descriptors: readonly (readonly [what: string, text: string, code: string])[] = [
    ['no XML', '<Parallels_disk_image', 'corrupt'],
    [
      'an entity of its own',
      text.replace('<Parallels', '<!DOCTYPE x [<!ENTITY n "a">]><Parallels').replace('>disk<', '>&n;<'),
      'corrupt',
    ],
    ['another version', text.replace('"1.0"', '"2.0"'), 'unsupported'],
    ['a version that is empty', text.replace('"1.0"', '""'), 'unsupported'],
    ['padding', text.replace('<Padding>0', '<Padding>1'), 'unsupported'],
    ['no part of the disk', text.replaceAll('Storage>', 'Store>'), 'corrupt'],
    ['a part that ends before it begins', text.replace('<End>64', '<End>0'), 'corrupt'],
    ['a part with no end', text.replace('<End>64', '<End>'), 'corrupt'],
    ['a part without an end', text.replace(/<End>.*<\/End><B/, '<B'), 'corrupt'],
    ['an image without a type', text.replace('<Type>Plain</Type>', ''), 'corrupt'],
    ['a number that is none', text.replace('<Start>0', '<Start>-1'), 'corrupt'],
    ['more sectors than there can be', text.replace('<Disk_size>64', `<Disk_size>${2 ** 45}`), 'corrupt'],
    ['an image of an unknown type', text.replace('Plain', 'Zipped'), 'corrupt'],
    ['an image without a file', text.replace('a.hds', ''), 'corrupt'],
    [
      'parts that overlap',
      text.replace('</StorageData>', '<Storage><Start>63</Start><End>70</End></Storage></StorageData>'),
      'corrupt',
    ],
    ['too many parts', text.replace('</StorageData>', `${'<Storage/>'.repeat(1024)}</StorageData>`), 'limit'],
    [
      'too many files',
      text.replace('</StorageData>', `<Storage>${'<Image/>'.repeat(65_536)}</Storage></StorageData>`),
      'limit',
    ],
    ['more than is read', text + ' '.repeat(4 << 20), 'limit'],
  ];
  for (const [what, broken, code] of descriptors) {
    it(`is refused: ${what}`, () => {
      assert.equal(failure(threeOf().put(PATH, utf8Bytes(broken))).code, code);
    });
  }
});

describe('an image of a bundle of Parallels, opened by itself', () => {
  it('says that the descriptor knows the rest', () => {
    withChain(
      threeOf(),
      ({ layers }) => {
        assert.equal(layers.length, 1);
        const [finding] = layers[0]?.layer.findings ?? [];
        assert.deepEqual([finding?.code, finding?.severity], ['bundle-layer', 'info']);
        assert(finding);
        assert.match(finding.message, /aaaaaaaa.*bbbbbbbb/);
        assert.match(finding.advice ?? '', /\/vm\.pvm\/disk\.hdd\/DiskDescriptor\.xml/);
      },
      at('a.hds'),
    );
  });

  it('says that there are more parts of the disk', () => {
    const [storage] = THREE.storages;
    assert(storage);
    const images = [{ guid: CURRENT, type: 'Compressed' as const, file: 'second.hds' }];
    const more = { ...storage, start: SECTORS, end: 2 * SECTORS, images };
    const split = { ...THREE, sectors: 2 * SECTORS, storages: [storage, more], shots: [] };
    withChain(
      threeOf(split),
      ({ layers: [leaf] }) => {
        assert.match(leaf?.layer.findings[0]?.message ?? '', /one of 2 parts/);
      },
      at('top.hds'),
    );
  });

  it('says so of no image that another stands on', () => {
    const overlay = buildQcow2({ size: SECTORS * 512, backing: 'a.hds', backingFormat: 'parallels' }).image;
    withChain(
      threeOf().put(at('overlay.qcow2'), overlay),
      ({ layers }) => {
        assert.deepEqual(
          layers.map(({ layer }) => [layer.format, layer.findings.length]),
          [
            ['qcow2', 0],
            ['parallels', 0],
          ],
        );
      },
      at('overlay.qcow2'),
    );
  });

  it('says nothing where it is the whole disk, where no descriptor names it, or where that makes no sense', () => {
    const alone: readonly MemoryDisk[] = [
      threeOf({ ...THREE, shots: [{ guid: A }, { guid: CURRENT, parent: A }] }),
      threeOf().put(PATH, utf8Bytes('<x/>')),
      new MemoryDisk().put(at('a.hds'), image([1])),
      threeOf().put(at('c.hds'), image([1])),
    ];
    for (const [index, disk] of alone.entries()) {
      withChain(
        disk,
        ({ layers: [leaf] }) => {
          assert.deepEqual(leaf && codesOf(leaf), []);
        },
        at(index === 3 ? 'c.hds' : 'a.hds'),
      );
    }
  });
});
