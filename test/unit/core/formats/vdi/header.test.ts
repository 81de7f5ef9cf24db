import assert from 'node:assert/strict';
import { DiskError } from '../../../../../src/core';
import { probe } from '../../../../../src/core/formats/registry';
import { readHeader } from '../../../../../src/core/formats/vdi/header';
import { LIMITS } from '../../../../../src/core/formats/vdi/limits';
import type { SparseImage } from '../../../../fixtures/build/index';
import { buildVdi, VDI_MODIFICATION, VDI_UUID } from '../../../../fixtures/build/vdi';
import type { VdiSpec } from '../../../../fixtures/build/vdi';
import { memorySource } from '../../../../support/memory';

const MIB = 2 ** 20;
const PARENT = '01234567-89ab-cdef-0123-456789abcdef';
const PARENT_MODIFICATION = 'fedcba98-7654-3210-fedc-ba9876543210';

const build = (spec: Partial<VdiSpec> = {}): SparseImage => buildVdi({ size: 3 * MIB, ...spec }).image;
const u32 = (value: number): Uint8Array => Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);
const read = (image: SparseImage | Uint8Array): ReturnType<typeof readHeader> => readHeader(memorySource(image));
const codes = (image: SparseImage): readonly string[] =>
  read(image).findings.map(({ code, severity }) => `${code} ${severity}`);

function refused(image: SparseImage | Uint8Array, code: string, offset: number, words: RegExp): void {
  assert.throws(
    () => read(image),
    (error) => {
      assert(error instanceof DiskError);
      assert.deepEqual([error.code, error.offset], [code, offset]);
      assert.match(error.message, words);
      return true;
    },
  );
}

describe('the header of a VDI', () => {
  it('is read field by field', () => {
    const header = read(
      build({
        size: 5 * MIB,
        blockSize: 2 * MIB,
        blockExtra: 512,
        parent: PARENT,
        parentModification: PARENT_MODIFICATION,
        blocks: new Map([[1, new Uint8Array(2 * MIB)]]),
        mapOffset: 1024,
        dataOffset: 4096,
        comment: 'made by hand',
      }),
    );
    assert.deepEqual(header, {
      version: '1.1',
      headerEnd: 472,
      title: '<<< Oracle VM VirtualBox Disk Image >>>',
      comment: 'made by hand',
      type: 4,
      guestSize: 5 * MIB,
      blockSize: 2 * MIB,
      blockExtra: 512,
      blocks: 3,
      blocksAllocated: 1,
      mapOffset: 1024,
      dataOffset: 4096,
      uuid: VDI_UUID,
      modification: VDI_MODIFICATION,
      parent: PARENT,
      parentModification: PARENT_MODIFICATION,
      findings: [],
    });
  });

  it('without the second geometry is as good, and so is the oldest, whose map follows the header', () => {
    assert.deepEqual(codes(build({ headerSize: 384 })), []);
    assert.equal(read(build({ headerSize: 384 })).headerEnd, 456);
    const header = read(build({ version: 'first', parent: PARENT, comment: 'old' }));
    const { version, headerEnd, mapOffset, dataOffset, uuid, modification, parent, parentModification, comment } =
      header;
    assert.equal(headerEnd, 420);
    assert.deepEqual(
      [version, mapOffset, dataOffset, uuid, modification, parent, parentModification, comment, header.guestSize],
      ['0.2', 420, 432, VDI_UUID, VDI_MODIFICATION, PARENT, undefined, 'old', 3 * MIB],
    );
    assert.deepEqual(header.findings, []);
  });

  it('tells the format, whatever the line of text says that the file begins with', () => {
    const image = build().poke(0, new TextEncoder().encode('<<< QEMU VM Virtual Disk Image >>>\n\0'));
    assert.equal(probe(memorySource(image)).id, 'vdi');
    assert.equal(probe(memorySource(build({ version: 'first' }))).id, 'vdi');
    assert.equal(probe(memorySource(image.poke(64, [0]))).id, 'raw');
  });

  it('counts a disk in whole sectors, the last one filled up', () => {
    const header = read(build({ size: 2 * MIB + 100 }));
    assert.equal(header.guestSize, 2 * MIB + 512);
    assert.deepEqual(
      header.findings.map(({ code, severity }) => [code, severity]),
      [['partial-sector', 'info']],
    );
  });

  it('may be of a disk of no bytes', () => {
    assert.equal(read(build({ size: 0 })).guestSize, 0);
  });

  it('is refused where nothing can be made of it', () => {
    refused(new Uint8Array(4096), 'not-this-format', 64, /no VDI/);
    refused(build().poke(68, u32(0x00020001)), 'unsupported', 68, /version 2\.1/);
    refused(build().poke(68, u32(0x00000003)), 'unsupported', 68, /version 0\.3/);
    refused(build().truncate(455), 'short-read', 455, /ends inside the VDI header/);
    refused(build({ version: 'first' }).truncate(419), 'short-read', 419, /ends inside/);
    for (const size of [0, 1, 256, 3 * MIB, MIB + 1, 0x80000001]) {
      refused(build().poke(376, u32(size)), 'corrupt', 376, /blocks of \d+ bytes/);
    }
  });

  it('is refused where the disk is larger than its map, or than any map may be', () => {
    // iotest 084 of QEMU: disk_size and blocks_in_image, CVE-2014-0144.
    refused(build().poke(384, u32(2)), 'corrupt', 368, /3 MiB.*2 MiB/);
    refused(build().poke(384, u32(LIMITS.maxBlocks + 1)), 'limit', 384, /536870785 blocks/);
    refused(build().poke(384, u32(0x80000000)), 'limit', 384, /2147483648 blocks/);
    refused(build().poke(384, u32(0xffffffff)), 'limit', 384, /4294967295 blocks/);
    refused(build().poke(368, new Uint8Array(8).fill(0xff)), 'limit', 368, /disk size/);
    refused(build().poke(368, [0, 0, 0, 0, 0, 0, 0, 0x80]), 'limit', 368, /disk size/);
    refused(build().poke(368, [1, 0, 0x30, 0, 0, 0, 0, 0]), 'corrupt', 368, /map is for 3 MiB/);
  });

  it('may be of the largest disk that QEMU knows', () => {
    const size = LIMITS.maxBlocks * MIB;
    const image = build();
    image.poke(384, u32(LIMITS.maxBlocks));
    image.poke(368, new Uint8Array(new BigUint64Array([BigInt(size)]).buffer));
    assert.deepEqual(codes(image), ['data-offset error', 'map-past-end error']);
    assert.equal(read(image).guestSize, size);
  });

  it('tells what VirtualBox or QEMU would refuse, though it can be read', () => {
    const told: readonly (readonly [at: number, bytes: Uint8Array, finding: string, advice: RegExp])[] = [
      [76, u32(0), 'image-type error', /VirtualBox/],
      [76, u32(5), 'image-type error', /VirtualBox/],
      [80, u32(0x302), 'image-flags warning', /VirtualBox/],
      [68, u32(0x00010002), 'version warning', /QEMU/],
      [388, u32(4), 'allocated-count warning', /VirtualBox/],
      [392, new Uint8Array(16), 'uuid-absent warning', /VirtualBox/],
      [408, new Uint8Array(16), 'uuid-absent warning', /VirtualBox/],
      [72, u32(383), 'header-size warning', /VirtualBox/],
      [360, u32(4096), 'sector-size warning', /QEMU/],
      [468, u32(4096), 'geometry-sector-size warning', /VirtualBox/],
      [340, u32(0), 'map-offset error', /VirtualBox/],
      [344, u32(512), 'data-offset error', /VirtualBox/],
      [340, u32(520), 'unaligned warning', /QEMU/],
      [344, u32(1000), 'unaligned warning', /QEMU/],
    ];
    for (const [at, bytes, finding, advice] of told) {
      const { findings } = read(build().poke(at, bytes));
      assert.deepEqual([at, ...findings.map(({ code, severity }) => `${code} ${severity}`)], [at, finding]);
      assert.match(findings[0]?.advice ?? '', advice);
    }
    // The sector size of the second geometry counts only where the header has one.
    assert.deepEqual(codes(build({ headerSize: 384 }).poke(468, u32(7))), []);
  });

  it('tells how much of the disk a map that was cut short does not tell of', () => {
    const cut = build().truncate(512 + 4 + 3);
    const [finding] = read(cut).findings;
    assert.deepEqual([finding?.code, finding?.severity, finding?.lost], ['map-past-end', 'error', 2 * MIB]);
    const whole = build().truncate(512 + 12);
    assert.deepEqual(codes(whole), []);
  });
});
