import assert from 'node:assert/strict';
import { isDescriptor, parseDescriptor } from '../../../../../src/core/formats/vmdk/descriptor';
import type { Descriptor } from '../../../../../src/core/formats/vmdk/descriptor';
import { descriptorNameOf } from '../../../../../src/core/formats/vmdk/names';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

const HEAD = ['# Disk DescriptorFile', 'version=1', 'CID=0a1b2c3d', 'parentCID=ffffffff', 'createType="custom"'];
const parse = (...lines: readonly string[]): Descriptor => parseDescriptor(bytes([...HEAD, ...lines].join('\n')));
const messages = ({ findings }: Descriptor): readonly string[] => findings.map(({ message }) => message);

describe('the descriptor of a VMware disk', () => {
  it('is known by its first line, or by what QEMU knows it by', () => {
    const known = [
      '# Disk DescriptorFile\nversion=1\n',
      '\n  # disk descriptorfile\r\n',
      '\ufeff# Disk DescriptorFile\n',
      '# made by hand\n  \nversion=3\r\ncreateType="vmfs"\n',
      'version=1\ncreateType="vmfs"\n',
    ];
    for (const text of known) assert(isDescriptor(bytes(text)), text);
    const others = ['version=1\n', '# settings\nversion=1\nname=x\n', 'version=4\ncreateType="vmfs"\n', '', 'KDMV'];
    for (const text of others) assert(!isDescriptor(bytes(text)), text);
  });

  it('tells what the disk is and where its parts are', () => {
    const told = parse(
      'parentFileNameHint="/vmfs/volumes/a b/base.vmdk"',
      'RW 4192256 SPARSE "disk-s001.vmdk"',
      'RDONLY 100 FLAT "disk-f002.vmdk" 7',
      'NOACCESS 63 ZERO ',
      '  RW   5 VMFS "with = sign.vmdk"  ',
      'ddb.adapterType = "lsilogic"',
      'ddb.empty = ""',
    );
    assert.deepEqual(told.extents, [
      { access: 'RW', size: 4192256 * 512, type: 'SPARSE', name: 'disk-s001.vmdk', offset: 0 },
      { access: 'RDONLY', size: 51200, type: 'FLAT', name: 'disk-f002.vmdk', offset: 3584 },
      { access: 'NOACCESS', size: 63 * 512, type: 'ZERO', name: undefined, offset: 0 },
      { access: 'RW', size: 2560, type: 'VMFS', name: 'with = sign.vmdk', offset: 0 },
    ]);
    assert.deepEqual(
      [told.version, told.createType, told.cid, told.parentCid, told.parentName],
      [1, 'custom', '0a1b2c3d', undefined, '/vmfs/volumes/a b/base.vmdk'],
    );
    assert.deepEqual([told.values.get('ddb.adaptertype'), told.values.get('ddb.empty')], ['lsilogic', '']);
    assert.deepEqual(told.findings, []);
  });

  it('has ids of up to eight digits, and says so where it has none', () => {
    const ids = (cid: string, parent: string): unknown => {
      const told = parseDescriptor(bytes(`# Disk DescriptorFile\nversion=1\n${cid}\n${parent}\n`));
      return [told.cid, told.parentCid, told.findings.length];
    };
    assert.deepEqual(ids('CID=ABC', 'parentCID=0x12'), ['00000abc', '00000012', 0]);
    assert.deepEqual(ids('CID=123456789', 'parentCID=FFFFFFFF'), [undefined, undefined, 1]);
    assert.deepEqual(ids('', 'parentCID=here'), [undefined, undefined, 2]);
  });

  it('counts the first of two values, and nothing in a comment', () => {
    const told = parse('CID=ffffffff', '# parentFileNameHint="no"', 'x.y="1"', 'x.y="2"');
    assert.deepEqual([told.cid, told.parentName, told.values.get('x.y')], ['0a1b2c3d', undefined, '1']);
    assert.equal(parse('parentFileNameHint=""').parentName, undefined);
  });

  it('ends at the first zero byte', () => {
    assert.equal(parse('a="1"\0', 'RW 5 ZERO').extents.length, 0);
  });

  it('is read in the encoding that it says', () => {
    const name = (text: Uint8Array): string | undefined => parseDescriptor(text).extents[0]?.name;
    const lines = [...HEAD, 'encoding="windows-1252"', 'RW 1 FLAT "gr\xfcn.vmdk" 0'].join('\r\n');
    assert.equal(name(latin1(lines)), 'grün.vmdk');
    assert.equal(name(bytes([...HEAD, 'RW 1 FLAT "grün.vmdk" 0'].join('\n'))), 'grün.vmdk');
    const unknown = parseDescriptor(latin1(lines.replace('windows-1252', 'klingon')));
    assert.match(messages(unknown).join(), /encoding that is not known here \(klingon\)/);
    assert.equal(unknown.extents[0]?.name, 'gr\ufffdn.vmdk');
  });

  it('tells of lines that can not be understood, and goes on', () => {
    const told = parse('RW many SPARSE "a"', 'RW 0 SPARSE "b"', 'RW 5', 'RW 6 SPARSE "c"');
    assert.deepEqual(
      told.extents.map(({ name }) => name),
      ['c'],
    );
    assert.equal(told.findings.length, 3);
  });

  it('tells of extents that QEMU refuses', () => {
    // "malformed VMFS extent description line" of iotest 059
    const told = parse('RW 12582912 VMFS "dummy.vmdk" 1', 'RW 8 FLAT "a.vmdk"');
    assert.deepEqual(
      told.extents.map(({ offset }) => offset),
      [512, 0],
    );
    assert.deepEqual(
      messages(told).map((text) => text.replace(/:.*/, '')),
      [
        'an extent says where in its file it begins, which QEMU refuses',
        'an extent does not say where in its file it begins, which QEMU refuses',
      ],
    );
  });

  it('is refused past the limits of its parts', () => {
    const refused: readonly (readonly [string, RegExp])[] = [
      [Array.from({ length: 2049 }, () => 'RW 1 ZERO').join('\n'), /more than 2048 extents/],
      [`RW 1 FLAT "${'n'.repeat(512)}" 0`, /name of an extent has 512 characters/],
      [`parentFileNameHint="${'p'.repeat(1024)}"`, /name of the parent has 1024 characters/],
      ['RW 9007199254740993 FLAT "a" 0', /size of an extent is 9007199254740992 sectors/],
      ['RW 1 FLAT "a" 99999999999999999999', /offset of an extent/],
    ];
    for (const [line, message] of refused)
      assert.throws(() => parse(line), { name: 'DiskError', code: 'limit', message });
    for (const version of ['0', '4', 'x', '']) {
      const text = `# Disk DescriptorFile\nversion=${version}\n`;
      assert.throws(() => parseDescriptor(bytes(text)), { code: 'unsupported', message: /version/ }, version);
    }
  });
});

describe('names of the files of a VMware disk', () => {
  it('lead to the descriptor', () => {
    const names: readonly (readonly [string, string | undefined])[] = [
      ['/x/web-flat.vmdk', 'web.vmdk'],
      ['/x/web-000002-delta.vmdk', 'web-000002.vmdk'],
      ['C:\\vm\\web-s001.VMDK', 'web.VMDK'],
      ['web-f1000.vmdk', 'web.vmdk'],
      ['web-sesparse.vmdk', 'web.vmdk'],
      ['web-rdmp.vmdk', 'web.vmdk'],
      ['web.vmdk', undefined],
      ['web-000001.vmdk', undefined],
      ['flat.vmdk', undefined],
      ['web-flat.raw', undefined],
    ];
    for (const [path, descriptor] of names) assert.equal(descriptorNameOf(path), descriptor, path);
  });
});
