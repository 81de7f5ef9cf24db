import assert from 'node:assert/strict';
import type { Chain } from '../../../../../src/core';
import { openChain } from '../../../../../src/core';
import type { SparseImage } from '../../../../fixtures/build/index';
import type { VhdLocator, VhdParent, VhdSpec } from '../../../../fixtures/build/vhd';
import { buildVhd, mendChecksum, utf16, uuidBytes } from '../../../../fixtures/build/vhd';
import { MemoryDisk } from '../../../../support/memory';

const MIB = 2 ** 20;
const COMMON: VhdSpec = { size: MIB, blockSize: 512 * 1024 };
const NO_UUID = new Uint8Array(16);

const text = (value: string): Uint8Array => Uint8Array.from(value, (letter) => letter.charCodeAt(0));
const little = (platform: string, name: string): VhdLocator => ({ platform, bytes: utf16(name, 'little') });

/** A disk of a child in /vm, with whatever lies around it. */
function around(parent: VhdParent): MemoryDisk {
  const { image } = buildVhd({ ...COMMON, type: 'differencing', uuid: uuidBytes(2), parent });
  return new MemoryDisk().put('/vm/child.avhd', image);
}

const base = (uuid = 1, timeStamp = 5): SparseImage => buildVhd({ ...COMMON, uuid: uuidBytes(uuid), timeStamp }).image;

const open = (disk: MemoryDisk): Chain => openChain(disk.environment, disk.leaf('/vm/child.avhd'));
const paths = ({ layers }: Chain): readonly string[] => layers.map(({ identity }) => identity.path);
const codes = ({ layers }: Chain): readonly string[] =>
  layers.flatMap(({ findings }) => findings.map(({ code, severity }) => `${code} ${severity}`));

describe('the parent of a differencing VHD', () => {
  it('is looked for from the image, then at absolute places, by the header, and beside the image', () => {
    const disk = around({
      uuid: uuidBytes(1),
      name: 'D:\\header\\named.vhd',
      locators: [
        little('W2ku', 'C:\\absolute\\named.vhd'),
        { platform: 'MacX', bytes: text('file://localhost/mac/named.vhd') },
        little('W2ru', '.\\sub\\relative.vhd'),
        { platform: 'MacX', bytes: text('file://./tap.vhd') },
        { platform: 'Wi2r', bytes: text('old.vhd') },
      ],
    });
    assert.equal(open(disk).end.kind, 'missing');
    assert.deepEqual(disk.asked, [
      '/vm/sub/relative.vhd',
      '/vm/tap.vhd',
      '/vm/old.vhd',
      '/vm/C:\\absolute\\named.vhd',
      '/mac/named.vhd',
      '/vm/D:\\header\\named.vhd',
      '/vm/named.vhd',
    ]);
  });

  it('is found by any of them, of the format that it is', () => {
    for (const locators of [
      [little('W2ru', '..\\base.vhd')],
      [{ platform: 'W2ru', bytes: utf16('..\\base.vhd', 'big') }],
      [{ platform: 'W2ru', bytes: utf16('\ufeff..\\base.vhd\0\0left over', 'little') }],
      [little('Wi2r', '..\\base.vhd')],
      [{ platform: 'Wi2k', bytes: text('../base.vhd') }],
      [little('Wi2k', '..\\base.vhd')],
      [{ platform: 'MacX', bytes: text('file:///base.vhd') }],
      [{ platform: 'MacX', bytes: text('file://localhost/b%61se.vhd') }],
      [],
    ]) {
      const named = locators.length === 0 ? { name: '../base.vhd' } : {};
      const chain = open(around({ uuid: uuidBytes(1), locators, ...named }).put('/base.vhd', base()));
      assert.deepEqual(paths(chain), ['/vm/child.avhd', '/base.vhd']);
      assert.deepEqual([codes(chain), chain.end.kind, chain.layers[1]?.layer.format], [[], 'base', 'vpc']);
    }
  });

  it('may have a name that looks like an escape and is none', () => {
    const disk = around({ uuid: uuidBytes(1), locators: [{ platform: 'MacX', bytes: text('file://./100%.vhd') }] });
    assert.deepEqual(paths(open(disk.put('/vm/100%.vhd', base()))), ['/vm/child.avhd', '/vm/100%.vhd']);
  });

  it('has the names that its characters make, whichever byte is first', () => {
    for (const order of ['big', 'little'] as const) {
      for (const name of ['\u00e4\u20ac.vhd', '\u7236\u4eb2']) {
        const bytes = utf16(order === 'big' ? `\ufeff${name}` : name, order);
        const disk = around({ uuid: uuidBytes(1), locators: [{ platform: 'W2ru', bytes }] });
        assert.deepEqual(paths(open(disk.put(`/vm/${name}`, base()))), ['/vm/child.avhd', `/vm/${name}`]);
      }
    }
  });

  it('is one of those that could be opened where none has the UUID, and the right one where one has', () => {
    const parent = { uuid: uuidBytes(1), locators: [little('W2ru', 'first.vhd'), little('W2ru', 'second.vhd')] };
    const disk = around(parent).put('/vm/first.vhd', base(7)).put('/vm/second.vhd', base(1));
    assert.deepEqual([paths(open(disk))[1], codes(open(disk))], ['/vm/second.vhd', []]);
    disk.put('/vm/second.vhd', base(8));
    assert.deepEqual([paths(open(disk))[1], codes(open(disk))], ['/vm/first.vhd', ['parent-changed error']]);
  });

  it('may have another time stamp, which is a warning, or that of its file', () => {
    const named = { uuid: uuidBytes(1), locators: [little('W2ru', 'base.vhd')] };
    const told = (timeStamp: number): readonly string[] =>
      codes(open(around({ ...named, timeStamp }).put('/vm/base.vhd', base(1, 700_000_000))));
    assert.deepEqual(told(0), []);
    assert.deepEqual(told(700_000_000), []);
    assert.deepEqual(told(700_000_001), ['parent-changed warning']);
    const noted = around({ ...named, timeStamp: 800_000_000 });
    // Seconds since 2000, and milliseconds since 1970.
    noted.put('/vm/base.vhd', { bytes: base(), modified: (800_000_000 + 946_684_800) * 1000 + 999 });
    assert.deepEqual(codes(open(noted)), []);
  });

  it('is taken from beside the image by a name alone, if it has the UUID', () => {
    const parent = { uuid: uuidBytes(1), name: '\\\\server\\share\\base.vhd' };
    const right = open(around(parent).put('/vm/base.vhd', base(1)));
    assert.deepEqual([paths(right)[1], codes(right)], ['/vm/base.vhd', ['parent-guessed warning']]);
    const wrong = open(around(parent).put('/vm/base.vhd', base(2)));
    assert.deepEqual([wrong.layers.length, wrong.end.kind], [1, 'missing']);
  });

  it('without a name is whichever image nearby has the UUID', () => {
    const disk = around({ uuid: uuidBytes(1) })
      .put('/vm/a.vhd', base(3))
      .put('/vm/b.vhd', base(1));
    assert.deepEqual(paths(open(disk)), ['/vm/child.avhd', '/vm/b.vhd']);
  });

  it('without a UUID is a raw disk, whatever it begins with', () => {
    const disk = around({ uuid: NO_UUID, locators: [{ platform: 'MacX', bytes: text('file://./base.img') }] });
    const chain = open(disk.put('/vm/base.img', base()));
    assert.deepEqual([chain.layers[1]?.layer.format, codes(chain)], ['raw', []]);
    const { end } = open(around({ uuid: NO_UUID }));
    assert.deepEqual([end.kind, end.kind === 'refused' && end.reason], ['refused', 'malformed']);
  });

  it('is told of with what is not read', () => {
    const locators = [{ platform: 'Mac ', bytes: new Uint8Array(300) }, little('W2ru', 'base.vhd')];
    const [leaf] = open(around({ uuid: uuidBytes(1), timeStamp: 3, locators })).layers;
    assert.deepEqual(
      leaf?.layer.facts.filter(({ label }) => label.startsWith('Parent')).map(({ label, value }) => [label, value]),
      [
        ['Parent UUID', '2a35404b-5661-6c77-828d-98a3aeb9c4cf'],
        ['Parent time stamp', '2000-01-01 00:00:03 UTC'],
        ['Parent (W2ru)', 'base.vhd'],
        ['Parent (Mac)', '300 bytes that are not read'],
      ],
    );
  });

  it('has no name where a locator lies past the end of the file, or is longer than any path', () => {
    const pokes: readonly (readonly [at: number, value: bigint])[] = [
      [16, 1n << 40n],
      [16, (1n << 64n) - 1n],
    ];
    for (const [at, value] of pokes) {
      const built = buildVhd({
        ...COMMON,
        type: 'differencing',
        parent: { uuid: uuidBytes(1), name: 'base.vhd', locators: [little('W2ru', 'gone.vhd')] },
      });
      built.image.pokeU64(built.header + 576 + at, value);
      mendChecksum(built.image, built.header, 1024);
      const disk = new MemoryDisk().put('/vm/child.avhd', built.image).put('/vm/base.vhd', base());
      const chain = open(disk);
      assert.deepEqual(paths(chain), ['/vm/child.avhd', '/vm/base.vhd']);
      assert.deepEqual(
        chain.layers[0]?.layer.findings.map(({ code }) => code),
        ['parent-locator'],
      );
    }
    const long = { platform: 'W2ru', bytes: utf16('a'.repeat(40_000), 'little') };
    const chain = open(around({ uuid: uuidBytes(1), name: 'base.vhd', locators: [long] }));
    assert.match(chain.layers[0]?.layer.findings[0]?.message ?? '', /80000 bytes at byte \d+, longer than a path/);
  });
});
