import assert from 'node:assert/strict';
import type { Sniffed } from '../../../src/core';
import { probeInput, sniff } from '../../../src/core';
import { buildQcow2 } from '../../fixtures/build/index';
import { memorySource } from '../../support/memory';

const text = (value: string): Uint8Array => Uint8Array.from(value, (letter) => letter.charCodeAt(0));

/** A file of zeros with some bytes in it. */
function file(size: number, ...parts: readonly (readonly [at: number, bytes: string])[]): Uint8Array {
  const bytes = new Uint8Array(size);
  for (const [at, value] of parts) bytes.set(text(value), at);
  return bytes;
}

const look = (bytes: Uint8Array, name = 'file'): Sniffed => sniff(probeInput(memorySource(bytes)), name);
const told = (bytes: Uint8Array, name?: string): string => {
  const found = look(bytes, name);
  return `${found.kind}${found.kind === 'image' ? ` ${found.format}` : ''}: ${found.found}`;
};

const MBR_ENTRY = '\x80\0\0\0\x83\0\0\0\0\x08\0\0\0\x10\0\0';

describe('what a file is', () => {
  const cases: readonly (readonly [string, Uint8Array, RegExp])[] = [
    ['qcow2', buildQcow2({ size: 512, clusterBits: 9 }).image.toBytes(), /^image qcow2: /],
    ['qcow2 of a version to come', file(512, [0, 'QFI\xfb\0\0\0\x09']), /^image qcow2: /],
    ['qcow1', file(512, [0, 'QFI\xfb\0\0\0\x01']), /^image qcow: .*version 1/],
    ['VMDK', file(1024, [0, 'KDMV']), /^image vmdk: .*VMDK/],
    ['a VMDK descriptor', text('# Disk DescriptorFile\nversion=1\n'), /^image vmdk: .*VMDK/],
    ['VDI', file(1024, [0x40, '\x7f\x10\xda\xbe']), /^image vdi: .*VDI/],
    ['VHDX', file(1024, [0, 'vhdxfile']), /^image vhdx: /],
    ['a dynamic VHD', file(2048, [0, 'conectix']), /^image vpc: .*VHD/],
    ['the word that ends a VHD, and nothing else of it', file(8192 + 512, [8192, 'conectix']), /^other/],
    ['QED', file(1024, [0, 'QED\0']), /^image qed: .*QED/],
    ['Bochs', file(1024, [0, 'Bochs Virtual HD Image\0']), /^foreign-image: .*Bochs/],
    ['cloop', file(1024, [0, '#!/bin/sh\n#V2.0 Format\n']), /^foreign-image: .*cloop/],
    ['DMG', file(4096, [4096 - 512, 'koly']), /^foreign-image: .*DMG/],
    ['Parallels', file(1024, [0, 'WithouFreSpacExt']), /^image parallels: .*Parallels/],
    ['GPT', file(4096, [510, '\x55\xaa'], [446, MBR_ENTRY], [512, 'EFI PART']), /^image raw: .*GPT/],
    ['an MBR', file(4096, [510, '\x55\xaa'], [446, MBR_ENTRY]), /^image raw: .*MBR partition table/],
    ['a boot sector', file(4096, [510, '\x55\xaa']), /^image raw: .*boot sector/],
    ['FAT', file(4096, [510, '\x55\xaa'], [11, '\0\x02\x08\x20\0\x02']), /^image raw: .*FAT/],
    ['ext4', file(4096, [1024 + 56, '\x53\xef']), /^image raw: .*ext4/],
    ['XFS', file(4096, [0, 'XFSB']), /^image raw: .*XFS/],
    ['NTFS', file(4096, [3, 'NTFS    '], [510, '\x55\xaa']), /^image raw: .*NTFS/],
    ['LVM', file(4096, [512, 'LABELONE'], [0x218, 'LVM2 001']), /^image raw: .*LVM/],
    ['swap', file(4096, [4086, 'SWAPSPACE2']), /^image raw: .*swap/],
    ['LUKS', file(4096, [0, 'LUKS\xba\xbe\0\x01']), /^image luks: .*LUKS/],
    ['APFS', file(4096, [32, 'NXSB']), /^image raw: .*APFS/],
    ['Btrfs', file(0x10100, [0x10040, '_BHRfS_M']), /^image raw: .*Btrfs/],
    ['a CD', file(40_000, [32769, 'CD001']), /^image raw: a CD or DVD \(ISO 9660\)$/],
    [
      'a CD that boots from a stick',
      file(40_000, [32769, 'CD001'], [510, '\x55\xaa'], [446, MBR_ENTRY]),
      /^image raw: a CD .*, which is a disk with an MBR partition table as well$/,
    ],
    ['E01', file(100, [0, 'EVF\x09\x0d\x0a\xff\0\x01']), /^other: a forensic image \(EnCase, E01\)/],
    ['AFF', file(100, [0, 'AFF10\r\n\0']), /^other: a forensic image \(AFF\)/],
    ['a PNG', file(100, [0, '\x89PNG\r\n\x1a\n']), /^other: a PNG/],
    ['gzip', file(100, [0, '\x1f\x8b\x08']), /^other: gzip/],
    ['a tar', file(1024, [257, 'ustar']), /^other: a tar/],
    ['text', text('library ieee;\nuse ieee.std_logic_1164.all;\n'), /^other: text/],
    ['noise', Uint8Array.from({ length: 4096 }, (_, i) => (i * 37) & 255), /^other: data of no kind/],
    ['nothing', new Uint8Array(), /^other: an empty file/],
    ['one byte', Uint8Array.of(0), /^other: data/],
  ];
  for (const [name, bytes, expected] of cases) {
    it(name, () => {
      assert.match(told(bytes), expected);
    });
  }

  it('is a raw disk by its name alone where no byte tells', () => {
    const zeros = new Uint8Array(4096);
    assert.match(told(zeros), /^other/);
    for (const name of [
      'disk.img',
      'DISK.RAW',
      'a.dd',
      'b.iso',
      'c.bin',
      '4c3bbd34-1a2b-4c5d-8e9f-0123456789ab',
      'a-flat.vmdk',
      'a-f001.vmdk',
    ]) {
      assert.match(told(zeros, name), /^image raw: /, name);
    }
    for (const name of [
      'img',
      'a.img.txt',
      '4c3bbd34-1a2b-4c5d-8e9f-0123456789ab.meta',
      'x4c3bbd34-1a2b-4c5d-8e9f-0123456789ab',
    ]) {
      assert.match(told(zeros, name), /^other/, name);
    }
  });

  it('is not a raw disk by its name where bytes tell otherwise', () => {
    assert.match(told(file(1024, [0, 'KDMV']), 'disk.img'), /^image vmdk/);
    assert.match(told(file(1024, [0, 'EVF\x09\x0d\x0a\xff\0']), 'disk.img'), /^other/);
    assert.match(told(text('not a disk at all\n'), 'notes.img'), /^other: text/);
  });

  it('is a machine of which the disks are named, where that is what it is', () => {
    const advice = (name: string, content: string): unknown => {
      const found = look(text(content), name);
      assert(found.kind === 'other');
      return `${found.found}: ${found.advice ?? ''}`;
    };
    const disks = [
      'scsi0:0.fileName = "web-000001.vmdk"',
      'ide1:0.fileName = "tools.iso"',
      'sata0:1.fileName="b.vmdk"',
    ];
    assert.equal(
      advice('web.vmx', `config.version = "8"\n${disks.join('\n')}\n`),
      "a VMware machine's settings: Open one of its disks: web-000001.vmdk, b.vmdk.",
    );
    assert.equal(
      advice('web.vbox', '<VirtualBox><HardDisk uuid="{1}" location="web.vdi" format="VDI"/>'),
      "a VirtualBox machine's settings: Open one of its disks: web.vdi.",
    );
    assert.match(
      String(advice('web.ovf', '<References><File ovf:href="web.vmdk" ovf:id="f"/>')),
      /disks: web\.vmdk\.$/,
    );
    assert.match(String(advice('web.vmx', 'nothing = "here"\n')), /they lie beside it/);
    const many = ['a', 'b', 'c', 'd', 'e'].map((name, n) => `scsi0:${n}.fileName = "${name}.vmdk"`).join('\n');
    assert.match(String(advice('web.vmx', many)), /: a\.vmdk, b\.vmdk, c\.vmdk, d\.vmdk, …\.$/);
    assert.match(String(advice('notes.txt', many)), /^text: $/);
  });

  it('is told of a file of any length without a mistake', () => {
    for (let size = 0; size < 700; size += 1) {
      assert.equal(typeof look(new Uint8Array(size).fill(0x55)).found, 'string');
    }
  });

  it('is text only when it is told so', () => {
    const found = look(text('a\tb\r\nc\n'));
    assert(found.kind === 'other' && found.text);
    const other = look(text('a\0b'));
    assert(other.kind === 'other' && !other.text);
  });
});
