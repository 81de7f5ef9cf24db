import assert from 'node:assert/strict';
import type { Chain, FileReference } from '../../../src/core';
import { openChain, openLink } from '../../../src/core';
import { buildQcow2 } from '../../fixtures/build/index';
import { buildVdi } from '../../fixtures/build/vdi';
import type { VdiSpec } from '../../fixtures/build/vdi';
import { MemoryDisk } from '../../support/memory';

const SIZE = 4 << 20;
/** A UUID of one digit. */
const id = (digit: string): string =>
  `${digit.repeat(8)}-${digit.repeat(4)}-${digit.repeat(4)}-${digit.repeat(4)}-${digit.repeat(12)}`;

const vdi = (spec: Partial<VdiSpec> = {}): Uint8Array => buildVdi({ size: SIZE, ...spec }).image.toBytes();
/** An image that is known as `uuid`, as it was when `child` was made. */
const parent = (spec: Partial<VdiSpec> = {}): Uint8Array => vdi({ uuid: id('1'), modification: id('2'), ...spec });
/** An image that stands on `parent`. */
const child = (spec: Partial<VdiSpec> = {}): Uint8Array =>
  vdi({ uuid: id('3'), parent: id('1'), parentModification: id('2'), ...spec });

const open = (disk: MemoryDisk, leaf: string): Chain => openChain(disk.environment, disk.leaf(leaf));
const namesOf = ({ layers }: Chain): string[] => layers.map(({ identity }) => identity.path);
const linkFindings = ({ layers }: Chain): string[] =>
  layers.flatMap(({ findings }) => findings.map(({ code, severity }) => `${code} ${severity}`));

describe('a parent without a name', () => {
  it('is whichever image nearby is known by what its child expects', () => {
    const disk = new MemoryDisk()
      .put('/a/other.vdi', vdi())
      .put('/a/leaf.vdi', child())
      .put('/a/base.vdi', parent())
      .put('/a/base.img', parent());
    const chain = open(disk, '/a/leaf.vdi');
    assert.deepEqual([namesOf(chain), chain.end.kind], [['/a/leaf.vdi', '/a/base.vdi'], 'base']);
    assert.deepEqual(linkFindings(chain), []);
    assert.deepEqual(disk.openFiles, namesOf(chain), 'what else was looked at is closed');
    const { below } = openLink(disk.environment, disk.leaf('/a/leaf.vdi'));
    assert.equal(below.kind === 'found' && below.identity.path, '/a/base.vdi');
  });

  it('is the one that has not changed, where several are known by the same', () => {
    const disk = new MemoryDisk()
      .put('/leaf.vdi', child())
      .put('/changed.vdi', parent({ modification: id('9') }))
      .put('/base.vdi', parent());
    const chain = open(disk, '/leaf.vdi');
    assert.deepEqual(namesOf(chain), ['/leaf.vdi', '/base.vdi']);
    assert.deepEqual(linkFindings(chain), []);
    assert.deepEqual(disk.openFiles, namesOf(chain));
  });

  it('may have changed, which is a finding', () => {
    const disk = new MemoryDisk().put('/leaf.vdi', child());
    for (const name of ['/first.vdi', '/second.vdi']) disk.put(name, parent({ modification: id('9') }));
    const chain = open(disk, '/leaf.vdi');
    assert.deepEqual(namesOf(chain), ['/leaf.vdi', '/first.vdi']);
    assert.deepEqual(linkFindings(chain), ['parent-changed warning']);
    assert.match(
      chain.layers[0]?.findings[0]?.message ?? '',
      /its modification UUID is 9999.* where 2222.* is expected/,
    );
    assert.deepEqual(disk.openFiles, namesOf(chain));
  });

  it('is missing where no other image will do, whatever it lies beside', () => {
    const disk = new MemoryDisk().put('/leaf.vdi', child()).put('/other.vdi', parent({ uuid: id('8') }));
    const chain = open(disk, '/leaf.vdi');
    assert.deepEqual(namesOf(chain), ['/leaf.vdi']);
    assert.deepEqual(chain.end, {
      kind: 'missing',
      reason: 'missing',
      written: id('1'),
      name: id('1'),
      message: `no image nearby is known as "${id('1')}", which is the parent`,
    });
    assert.match(chain.layers[0]?.findings[0]?.advice ?? '', /into the folder of the image/);
    assert.deepEqual(disk.openFiles, ['/leaf.vdi']);
  });

  it('is missing, not refused, where what lies nearby is of another format', () => {
    const disk = new MemoryDisk()
      .put('/leaf.vdi', child())
      .put('/other.vdi', buildQcow2({ size: SIZE }).image.toBytes());
    const { end } = open(disk, '/leaf.vdi');
    assert.deepEqual([end.kind, disk.openFiles], ['missing', ['/leaf.vdi']]);
  });

  it('is missing where nothing can be looked for', () => {
    const disk = new MemoryDisk().put('/leaf.vdi', child()).put('/base.vdi', parent());
    const { codecs } = disk.environment;
    const chain = openChain({ codecs, gate: { open: (...of) => disk.open(...of) } }, disk.leaf('/leaf.vdi'));
    assert.equal(chain.end.kind, 'missing');
  });

  it('that can not be used is told of', () => {
    const disk = new MemoryDisk().put('/leaf.vdi', child()).put('/base.vdi', parent().slice(0, 100));
    const { end } = open(disk, '/leaf.vdi');
    assert(end.kind !== 'base');
    assert.deepEqual([end.kind, end.reason, end.name], ['refused', 'unreadable', '/base.vdi']);
  });

  it('is a cycle only where an image stands on itself, not where it is merely found again', () => {
    const ring = new MemoryDisk()
      .put('/a.vdi', child({ uuid: id('1'), modification: id('2'), parent: id('3'), parentModification: id('4') }))
      .put('/b.vdi', child({ modification: id('4') }));
    const chain = open(ring, '/a.vdi');
    assert.deepEqual([namesOf(chain), chain.end.kind], [['/a.vdi', '/b.vdi'], 'cycle']);
    assert.deepEqual(ring.openFiles, ['/a.vdi', '/b.vdi']);
    // One that was written to since is the same image all the same.
    const self = new MemoryDisk().put('/a.vdi', child({ uuid: id('1'), modification: id('9') }));
    assert.equal(open(self, '/a.vdi').end.kind, 'cycle');
  });
});

describe('a parent with several places', () => {
  const SMALL = 1 << 20;
  const leaf = buildQcow2({ size: SMALL, clusterBits: 9, backing: 'written', backingFormat: 'vdi' }).image.toBytes();
  const path = (name: string): FileReference['target'] => ({ kind: 'path', path: name, relativeTo: 'image' });
  const expects = [{ what: 'UUID', value: id('1'), severity: 'error' } as const];
  /** Opens the leaf as if it said more of its parent than a qcow2 can. */
  const openAs = (disk: MemoryDisk, more: Partial<FileReference>): Chain =>
    openChain(disk.put('/leaf', leaf).environment, disk.leaf('/leaf'), {
      parent: (_, written) => ({ ...written, ...more }),
    });

  it('is taken from the first that is there', () => {
    const disk = new MemoryDisk().put('/second', parent()).put('/third', parent());
    const chain = openAs(disk, { elsewhere: [path('second'), path('third')] });
    assert.deepEqual(namesOf(chain), ['/leaf', '/second']);
    assert.deepEqual(disk.asked, ['/written', '/second']);
  });

  it('is taken from the first where it is what it should be', () => {
    const disk = new MemoryDisk().put('/written', parent({ uuid: id('8') })).put('/second', parent());
    const chain = openAs(disk, { elsewhere: [path('second')], expects });
    assert.deepEqual([namesOf(chain), linkFindings(chain)], [['/leaf', '/second'], []]);
    assert.deepEqual(disk.openFiles, ['/leaf', '/second']);
  });

  it('is the first that there is, and has changed, where none is what it should be', () => {
    const disk = new MemoryDisk().put('/second', parent({ uuid: id('8') })).put('/third', parent({ uuid: id('9') }));
    const chain = openAs(disk, { elsewhere: [path('second'), path('third')], expects });
    assert.deepEqual([namesOf(chain), linkFindings(chain)], [['/leaf', '/second'], ['parent-changed error']]);
    assert.deepEqual(disk.openFiles, ['/leaf', '/second']);
  });

  it('without anything to be known by has changed, too', () => {
    const disk = new MemoryDisk().put('/written', new Uint8Array(SMALL));
    const chain = openAs(disk, { format: 'raw', expects });
    assert.deepEqual(linkFindings(chain), ['parent-changed error']);
    assert.match(chain.layers[0]?.findings[0]?.message ?? '', /it has no UUID/);
  });

  it('that are all empty is missing at the first, and refused where one of them can not be used', () => {
    const elsewhere = [path('second'), path('third')];
    const missing = openAs(new MemoryDisk(), { elsewhere }).end;
    assert.deepEqual(missing.kind === 'missing' && missing.name, '/written');
    const refused = openAs(new MemoryDisk().put('/third', new Uint8Array(512)), { elsewhere }).end;
    assert.deepEqual(refused.kind === 'refused' && refused.name, '/third');
  });
});

describe('a file that is several layers', () => {
  const image = buildQcow2({ size: 1 << 20, clusterBits: 9, backing: 'a', backingFormat: 'qcow2' }).image.toBytes();

  it('is a layer for each state, and stands on itself only in the same one', () => {
    const states = ['newer', 'older', 'newer'];
    const disk = new MemoryDisk().put('/a', image);
    const chain = openChain(disk.environment, disk.leaf('/a'), {
      parent: (_, written) => ({ ...written, state: states.shift() }),
    });
    assert.deepEqual([namesOf(chain), chain.end.kind], [['/a', '/a', '/a'], 'cycle']);
    assert.deepEqual(disk.openFiles, ['/a', '/a', '/a']);
  });
});
