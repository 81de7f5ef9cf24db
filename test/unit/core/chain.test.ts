import assert from 'node:assert/strict';
import type { Chain, ChainEnd } from '../../../src/core';
import { closeChain, MAX_DEPTH, openChain, openLink } from '../../../src/core';
import type { Qcow2Spec } from '../../fixtures/build/index';
import { buildQcow2 } from '../../fixtures/build/index';
import { MemoryDisk } from '../../support/memory';

const SIZE = 1 << 20;

/** A small overlay on `backing`. */
const overlay = (backing?: string, spec: Partial<Qcow2Spec> = {}): Uint8Array => {
  const names = backing === undefined ? {} : { backing, backingFormat: 'qcow2' };
  return buildQcow2({ size: SIZE, clusterBits: 9, ...names, ...spec }).image.toBytes();
};

const open = (disk: MemoryDisk, leaf: string, format?: string): Chain =>
  openChain(disk.environment, disk.leaf(leaf), { format });
const namesOf = ({ layers }: Chain): string[] => layers.map(({ identity }) => identity.path);
const codesOf = ({ layers }: Chain): string[][] =>
  layers.map(({ findings, layer }) => [...findings, ...layer.findings].map(({ code }) => code));
type Broken = Exclude<ChainEnd, { kind: 'base' }>;

function brokenEnd({ end }: Chain): Broken {
  assert(end.kind !== 'base');
  return end;
}

describe('a chain', () => {
  it('goes from the leaf to the base, each name counted from its own folder', () => {
    const disk = new MemoryDisk()
      .put('/images/new/leaf.qcow2', overlay('../middle.qcow2'))
      .put('/images/middle.qcow2', overlay('old/base.raw', { backingFormat: 'raw' }))
      .put('/images/old/base.raw', new Uint8Array(SIZE));
    const chain = open(disk, '/images/new/leaf.qcow2');
    assert.deepEqual(namesOf(chain), ['/images/new/leaf.qcow2', '/images/middle.qcow2', '/images/old/base.raw']);
    assert.deepEqual(
      chain.layers.map(({ depth }) => depth),
      [0, 1, 2],
    );
    assert.deepEqual(
      chain.layers.map(({ layer }) => layer.format),
      ['qcow2', 'qcow2', 'raw'],
    );
    assert.deepEqual(chain.end, { kind: 'base' });
    assert.deepEqual(codesOf(chain), [[], [], []]);
    assert.deepEqual(disk.openFiles.sort(), namesOf(chain).sort());
    closeChain(chain);
    assert.deepEqual(disk.openFiles, []);
  });

  it('of one layer is a base', () => {
    const chain = open(new MemoryDisk().put('/a', overlay()), '/a');
    assert.deepEqual([namesOf(chain), chain.end.kind], [['/a'], 'base']);
  });

  it('ends where a parent is missing, and says where it was looked for', () => {
    const disk = new MemoryDisk().put('/i/leaf', overlay('middle')).put('/i/middle', overlay('gone.qcow2'));
    const chain = open(disk, '/i/leaf');
    const end = brokenEnd(chain);
    assert.deepEqual(
      [end.kind, end.written, end.name, end.reason],
      ['missing', 'gone.qcow2', '/i/gone.qcow2', 'missing'],
    );
    assert.deepEqual(namesOf(chain), ['/i/leaf', '/i/middle']);
    assert.deepEqual(codesOf(chain), [[], ['parent-missing']]);
    assert.match(chain.layers[1]?.findings[0]?.advice ?? '', /Relocate Parent/);
  });

  for (const reason of ['outside', 'not-a-file', 'unreadable'] as const) {
    it(`ends where the gate refuses a parent: ${reason}`, () => {
      const disk = new MemoryDisk().put('/leaf', overlay('base')).put('/base', overlay()).refuse('/base', reason);
      const chain = open(disk, '/leaf');
      const end = brokenEnd(chain);
      assert.deepEqual([end.kind, end.reason, end.name], ['refused', reason, '/base']);
      assert.deepEqual(codesOf(chain), [['parent-refused']]);
    });
  }

  it('ends where a name means no file, which the gate decides', () => {
    const chain = open(new MemoryDisk().put('/leaf', overlay('nbd://host/disk')), '/leaf');
    const end = brokenEnd(chain);
    assert.deepEqual([end.kind, end.reason, end.written], ['refused', 'protocol', 'nbd://host/disk']);
  });

  it('ends where a layer stands on itself', () => {
    const alone = new MemoryDisk().put('/a', overlay('./a'));
    assert.deepEqual([namesOf(open(alone, '/a')), brokenEnd(open(alone, '/a')).kind], [['/a'], 'cycle']);
    const disk = new MemoryDisk().put('/a', overlay('b')).put('/b', overlay('c')).put('/c', overlay('b'));
    const chain = open(disk, '/a');
    assert.deepEqual(
      [namesOf(chain), brokenEnd(chain).kind, brokenEnd(chain).written],
      [['/a', '/b', '/c'], 'cycle', 'b'],
    );
    assert.deepEqual(codesOf(chain).at(-1), ['parent-cycle']);
    assert.deepEqual(disk.openFiles.sort(), ['/a', '/b', '/c'], 'what was opened to find the cycle is closed');
  });

  it('ends when it is too deep', () => {
    const disk = new MemoryDisk();
    for (let i = 0; i <= MAX_DEPTH; i += 1) disk.put(`/${i}`, overlay(`${i + 1}`));
    disk.put(`/${MAX_DEPTH + 1}`, overlay());
    const chain = open(disk, '/0');
    assert.equal(chain.layers.length, MAX_DEPTH);
    assert.equal(brokenEnd(chain).kind, 'too-deep');
    assert(!disk.asked.includes(`/${MAX_DEPTH}`), 'the layer too many is not opened');
    assert.equal(open(disk, '/1').layers.length, MAX_DEPTH);
    assert.equal(brokenEnd(open(disk, '/1')).kind, 'too-deep');
    assert.equal(open(disk, '/2').layers.length, MAX_DEPTH);
    assert.equal(open(disk, '/2').end.kind, 'base');
  });

  it('ends at a parent that can not be read as what it is said to be', () => {
    const disk = new MemoryDisk().put('/leaf', overlay('base')).put('/base', new Uint8Array(4096));
    const chain = open(disk, '/leaf');
    const end = brokenEnd(chain);
    assert.equal(end.kind, 'refused');
    assert.match(end.message, /^\/base: .*no qcow2 image/);
    assert.deepEqual(disk.openFiles, ['/leaf']);
  });

  it('ends at a parent of a format that is not known', () => {
    const chain = open(
      new MemoryDisk().put('/leaf', overlay('base', { backingFormat: 'dmg' })).put('/base', new Uint8Array(512)),
      '/leaf',
    );
    assert.match(brokenEnd(chain).message, /"dmg" is not known/);
  });

  it('can not be opened when its leaf can not', () => {
    const disk = new MemoryDisk().put('/leaf', overlay().slice(0, 50));
    assert.throws(() => open(disk, '/leaf'), { code: 'short-read', file: '/leaf' });
    assert.throws(() => open(disk, '/leaf', 'nonsense'), { code: 'unsupported', file: '/leaf' });
  });
});

describe('the format of a layer', () => {
  it('is the one that its child names, whatever its bytes are', () => {
    const disk = new MemoryDisk()
      .put('/leaf', overlay('base', { backingFormat: 'raw' }))
      .put('/base', overlay('../../etc/passwd'));
    const chain = open(disk, '/leaf');
    assert.deepEqual(
      chain.layers.map(({ layer }) => layer.format),
      ['qcow2', 'raw'],
    );
    assert.equal(chain.end.kind, 'base');
    assert.deepEqual(disk.asked, ['/base'], "the name inside is the guest's to write");
  });

  it('is probed where its child names none, which is a finding', () => {
    const disk = new MemoryDisk()
      .put('/leaf', buildQcow2({ size: SIZE, backing: 'base' }).image)
      .put('/base', buildQcow2({ size: SIZE, backing: 'raw' }).image)
      .put('/raw', new Uint8Array(SIZE));
    const chain = open(disk, '/leaf');
    assert.deepEqual(
      chain.layers.map(({ layer }) => layer.format),
      ['qcow2', 'qcow2', 'raw'],
    );
    assert.deepEqual(codesOf(chain), [['backing-format-absent'], ['backing-format-absent'], []]);
  });

  it("may go by the names of QEMU's protocol drivers", () => {
    for (const name of ['file', 'host_device', 'host_cdrom']) {
      const chain = open(
        new MemoryDisk().put('/leaf', overlay('base', { backingFormat: name })).put('/base', overlay()),
        '/leaf',
      );
      assert.equal(chain.layers[1]?.layer.format, 'raw', name);
    }
  });

  it('of the leaf may be given', () => {
    const disk = new MemoryDisk().put('/leaf', overlay('base'));
    assert.deepEqual(namesOf(open(disk, '/leaf', 'raw')), ['/leaf']);
    assert.equal(open(disk, '/leaf', 'raw').layers[0]?.layer.format, 'raw');
  });

  it('that is not read here is never taken for raw by its content', () => {
    const disk = new MemoryDisk().put('/disk', new TextEncoder().encode(`KDMV${'\0'.repeat(508)}`));
    assert.throws(() => open(disk, '/disk'), { code: 'unsupported', file: '/disk' });
    assert.equal(open(disk, '/disk', 'raw').layers[0]?.layer.guestSize, 512);
  });
});

describe('a link of a chain', () => {
  const link = (disk: MemoryDisk): ReturnType<typeof openLink> => openLink(disk.environment, disk.leaf('/leaf'));
  const on = (parent: string): MemoryDisk => new MemoryDisk().put('/leaf', overlay(parent));

  it('is the leaf and what it stands on, whatever lies deeper', () => {
    const disk = on('middle').put('/middle', overlay('base')).put('/base', overlay());
    const { leaf, below } = link(disk);
    assert.deepEqual(disk.asked, ['/middle'], 'the base is nobody’s parent here');
    assert.deepEqual(disk.openFiles, ['/leaf'], 'the parent is closed again');
    assert.deepEqual([leaf.depth, leaf.identity.path], [0, '/leaf']);
    assert.deepEqual(below, { kind: 'found', identity: { id: '/middle', path: '/middle' } });
  });

  it('tells of a parent what the whole chain tells', () => {
    const disks: Record<string, MemoryDisk> = {
      base: new MemoryDisk().put('/leaf', overlay()),
      missing: on('gone'),
      outside: on('there').refuse('/there', 'outside'),
      ring: on('leaf'),
      broken: on('text').put('/text', new TextEncoder().encode('no image')),
      empty: new MemoryDisk().put('/leaf', overlay('none', { backingFormat: 'raw' })).put('/none', new Uint8Array()),
    };
    for (const [name, disk] of Object.entries(disks)) {
      const chain = open(disk, '/leaf');
      const { leaf, below } = link(disk);
      assert.deepEqual(leaf.findings, chain.layers[0]?.findings, name);
      const [, parent] = chain.layers;
      assert.deepEqual(below, parent ? { kind: 'found', identity: parent.identity } : chain.end, name);
    }
  });
});

describe('a parent that is a part of a file', () => {
  const named = (options: object): string =>
    `json:${JSON.stringify({ driver: 'raw', ...options, file: { driver: 'file', filename: '/base' } })}`;
  const disk = (options: object): MemoryDisk =>
    new MemoryDisk().put('/leaf', overlay(named(options))).put('/base', new Uint8Array(8192));

  it('is as large as the part', () => {
    assert.equal(open(disk({ offset: 1024, size: 2048 }), '/leaf').layers[1]?.layer.guestSize, 2048);
    assert.equal(open(disk({ offset: 1024 }), '/leaf').layers[1]?.layer.guestSize, 7168);
    assert.equal(open(disk({ size: 512 }), '/leaf').layers[1]?.layer.guestSize, 512);
  });

  it('that ends past the file is refused', () => {
    const files = disk({ offset: 8000, size: 512 });
    assert.match(brokenEnd(open(files, '/leaf')).message, /ends past the file/);
    assert.deepEqual(files.openFiles, ['/leaf']);
    assert.equal(brokenEnd(open(disk({ offset: 10_000 }), '/leaf')).kind, 'refused');
  });
});

describe('a parent of no bytes', () => {
  it('is a finding', () => {
    const chain = open(
      new MemoryDisk().put('/leaf', overlay('base', { backingFormat: 'raw' })).put('/base', new Uint8Array()),
      '/leaf',
    );
    assert.deepEqual(codesOf(chain), [['parent-empty'], ['empty-file']]);
  });
});
