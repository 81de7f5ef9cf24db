import assert from 'node:assert/strict';
import { readDomainMetadata } from '../../../../src/core/platforms/ovirt/domain';
import type { ReadMeta, VolumeMeta } from '../../../../src/core/platforms/ovirt/meta';
import { readMeta } from '../../../../src/core/platforms/ovirt/meta';
import { parseOvf } from '../../../../src/core/platforms/ovirt/ovf';
import { tarFiles } from '../../../../src/core/platforms/ovirt/tar';
import { makeOvf, uuidOf } from '../../../fixtures/platforms/domain';
import { makeTar, tarHeader } from '../../../fixtures/platforms/tar';
import { MemoryFiles } from './memoryFiles';

const BLANK = '00000000-0000-0000-0000-000000000000';
const V5 = {
  CAP: '46137344',
  CTIME: '1557522135',
  DESCRIPTION: '',
  DISKTYPE: 'DATA',
  DOMAIN: uuidOf('d'),
  FORMAT: 'COW',
  GEN: '3',
  IMAGE: uuidOf('i'),
  LEGALITY: 'LEGAL',
  PUUID: uuidOf('p'),
  SEQ: '2',
  TYPE: 'SPARSE',
  VOLTYPE: 'LEAF',
};
const read = (values: Readonly<Record<string, string | undefined>>, end = 'EOF\n'): ReadMeta => {
  const lines = Object.entries(values).flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}\n`]));
  return readMeta(Buffer.from(lines.join('') + end));
};
const meta = (values: Readonly<Record<string, string | undefined>>): VolumeMeta => {
  const found = read(values);
  return found.kind === 'meta' ? found.meta : assert.fail(JSON.stringify(found));
};

describe('a volume’s .meta', () => {
  it('of version 5 is read', () => {
    assert.deepEqual(read(V5), {
      kind: 'meta',
      oddities: [],
      meta: {
        capacity: 46_137_344,
        made: 1_557_522_135_000,
        alias: undefined,
        description: undefined,
        diskType: 'DATA',
        domain: uuidOf('d'),
        image: uuidOf('i'),
        parent: uuidOf('p'),
        format: 'COW',
        legality: 'LEGAL',
        role: 'LEAF',
        generation: 3,
        sequence: 2,
      },
    });
  });

  it('of version 3 and 4 has its size in blocks, and no generation', () => {
    const without = { CAP: undefined, GEN: undefined, SEQ: undefined };
    const old = meta({ ...V5, ...without, SIZE: '90112', MTIME: '0', POOL_UUID: '', PUUID: BLANK });
    assert.deepEqual([old.capacity, old.generation, old.sequence, old.parent], [46_137_344, 0, 0, undefined]);
  });

  it('that was converted has both sizes: bytes count', () => {
    assert.equal(meta({ ...V5, SIZE: '1' }).capacity, 46_137_344);
  });

  it('has the disk’s name in JSON, perhaps encoded', () => {
    const description = (json: unknown): readonly (string | undefined)[] => {
      const { alias, description: text } = meta({ ...V5, DESCRIPTION: JSON.stringify(json) });
      return [alias, text];
    };
    const hex = (text: string): string => Buffer.from(text, 'utf16le').toString('hex');
    assert.deepEqual(description({ DiskAlias: 'web', DiskDescription: 'data' }), ['web', 'data']);
    assert.deepEqual(description({ DiskAlias: hex('Größe'), DiskDescription: 'data', Enc: 1 }), ['Größe', 'data']);
    assert.deepEqual(description({ DiskAlias: 'web', DiskDescription: hex('größer 💾'), Enc: 2 }), [
      'web',
      'größer 💾',
    ]);
    assert.deepEqual(description({ DiskAlias: hex('ä'), DiskDescription: hex('ö'), Enc: '3' }), ['ä', 'ö']);
    assert.deepEqual(description({ DiskAlias: 'no hex', Enc: 1 }), [undefined, undefined]);
    assert.deepEqual(description({ DiskAlias: 5, DiskDescription: ['x'], Enc: {} }), [undefined, undefined]);
  });

  it('of an old domain has a plain description, and of none a broken one', () => {
    assert.equal(meta({ ...V5, DESCRIPTION: 'my disk' }).description, 'my disk');
    assert.equal(meta({ ...V5, DESCRIPTION: '{"DiskAlias":"cut o' }).description, undefined);
  });

  it('that was cleared says so', () => {
    assert.deepEqual(readMeta(Buffer.from(`NONE=${'#'.repeat(502)}\nEOF\n`)), { kind: 'cleared' });
  });

  it('without its end is odd, without its parent broken', () => {
    const odd = read(V5, '');
    assert(odd.kind === 'meta' && odd.oddities.join().includes('not closed by EOF'));
    assert.equal(read({ ...V5, PUUID: undefined }).kind, 'broken');
    assert.equal(readMeta(new Uint8Array()).kind, 'broken');
    assert.equal(readMeta(new Uint8Array(512).fill(0xff)).kind, 'broken');
  });

  it('takes no number that is none, or too large', () => {
    for (const CAP of ['', '-1', '1e9', '0x10', '99999999999999999999', '9007199254740993']) {
      const { capacity } = meta({ ...V5, CAP });
      assert.equal(capacity, undefined, CAP);
    }
    assert.equal(meta({ ...V5, CAP: undefined, SIZE: '9007199254740991' }).capacity, undefined);
    assert.equal(meta({ ...V5, CTIME: '999999999999999' }).made, undefined);
  });

  it('is one line of bounded text, whatever is in it', () => {
    const json = JSON.stringify({ DiskAlias: `a\u202eb\u0007c\nd ${'x'.repeat(200)}` });
    const { alias } = meta({ ...V5, DESCRIPTION: json });
    assert.equal(alias, `a\ufffdb\ufffdc d ${'x'.repeat(192)}…`);
  });
});

describe('a domain’s metadata', () => {
  const files = new MemoryFiles({});
  // The checksum of "A=1" and "B=2" one after the other: printf 'A=1B=2' | sha1sum
  const right = '427b9406ba3a6c76b80bb671a9e40b8326143378';

  it('fits its checksum in whatever order its lines are', () => {
    const fits = (text: string): boolean | undefined => readDomainMetadata(Buffer.from(text), files).checksumFits;
    assert.equal(fits(`A=1\nB=2\n_SHA_CKSUM=${right}\n`), true);
    assert.equal(fits(`B=2\n_SHA_CKSUM=${right}\nA=1\n`), true);
    assert.equal(fits(`A=1\nB=3\n_SHA_CKSUM=${right}\n`), false);
    assert.equal(fits(`A=1\nB=2\n_SHA_CKSUM=${right.slice(1)}\n`), false);
    assert.equal(fits('A=1\nB=2\n'), undefined);
  });
});

describe('a tar archive', () => {
  const names = (bytes: Uint8Array): string[] =>
    [...tarFiles(bytes)].map(({ name, bytes: { length } }) => `${name} ${length}`);

  it('gives its files', () => {
    const archive = makeTar({ 'info.json': '{}', 'a.ovf': 'x'.repeat(513), empty: '' });
    assert.deepEqual(names(archive), ['info.json 2', 'a.ovf 513', 'empty 0']);
    assert.equal(Buffer.from([...tarFiles(archive)][1]?.bytes ?? []).toString(), 'x'.repeat(513));
    // As a volume holds it: with anything behind the end.
    assert.deepEqual(names(Buffer.concat([archive, Buffer.alloc(2048, 7)])).length, 3);
  });

  it('ends where it does not add up', () => {
    const good = makeTar({ one: '1' }).subarray(0, 1024);
    const after = (header: Uint8Array): string[] => names(Buffer.concat([good, header, Buffer.alloc(1024)]));
    const broken = tarHeader('two', 1);
    broken[0] = 0x21;
    assert.deepEqual(after(broken), ['one 1'], 'a checksum that is wrong');
    assert.deepEqual(after(tarHeader('two', '77777777777\0')), ['one 1'], '8 GiB in 1 KiB');
    assert.deepEqual(after(tarHeader('two', '-0000000001\0')), ['one 1'], 'a negative size');
    assert.deepEqual(after(tarHeader('two', '\x80\0\0\0\0\0\0\x01\0\0\0\0')), ['one 1'], 'a size in base 256');
    assert.deepEqual(names(good.subarray(0, 700)), ['one 1']);
    assert.deepEqual(names(good.subarray(0, 300)), []);
    assert.deepEqual(names(new Uint8Array(5000)), []);
  });

  it('of nothing but headers is not read for ever', () => {
    const header = tarHeader('x', 0);
    const many = Buffer.alloc(512 * 20_000);
    for (let at = 0; at < many.length; at += 512) header.copy(many, at);
    assert.equal(names(many).length, 10_000);
  });
});

describe('an OVF', () => {
  it('tells disks and snapshots', () => {
    const ovf = parseOvf(
      makeOvf({
        name: 'web & <b>',
        disks: [['i', 'v', 's', 'Disk "1"']],
        snapshots: [['s', 'REGULAR', 'before\nupgrade', '2024/03/12 10:11:12']],
      }),
    );
    assert.equal(ovf?.vm, 'web & <b>');
    assert.deepEqual(ovf.disks, [
      { volume: uuidOf('v'), image: uuidOf('i'), snapshot: uuidOf('s'), alias: 'Disk "1"' },
    ]);
    assert.deepEqual(
      [...ovf.snapshots],
      [[uuidOf('s'), { type: 'REGULAR', description: 'before upgrade', date: Date.UTC(2024, 2, 12, 10, 11, 12) }]],
    );
  });

  it('is nothing that is no OVF', () => {
    for (const text of ['', 'text', '<a/>', '<Envelope>', '<Envelope></Envelop>', '{}', '\0\0']) {
      assert.equal(parseOvf(text), undefined, text);
    }
  });

  it('without what it should have tells less', () => {
    assert.deepEqual(parseOvf('<Envelope/>'), { vm: undefined, disks: [], snapshots: new Map(), previewed: false });
    const odd = parseOvf('<Envelope><Section><Disk/><Disk diskId="X" fileRef="a/"/></Section></Envelope>');
    assert.deepEqual(odd?.disks, []);
  });
});
