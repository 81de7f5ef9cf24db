import assert from 'node:assert/strict';
import { crc32 as zlibCrc32 } from 'node:zlib';
import { contentEvidence } from '../../../../src/core';
import { crc32, crc32c } from '../../../../src/core/crc';
import type { TrialDisk } from '../../../../src/core/relocate/trialDisk';
import { Draw } from '../../../support/random';

const MIB = 2 ** 20;
const SIZE = 64 * MIB;

/** The overlay holds the ranges `[start, end)` that are given, with these bytes. */
interface Held {
  readonly at: number;
  readonly bytes: Uint8Array;
}

function disks(below: Uint8Array, held: readonly Held[]): readonly [TrialDisk, TrialDisk] {
  const whole = below.slice();
  for (const { at, bytes } of held) whole.set(bytes, at);
  const holds = (byte: number): boolean => held.some(({ at, bytes }) => byte >= at && byte < at + bytes.length);
  const disk = (content: Uint8Array, own: (byte: number) => boolean): TrialDisk => ({
    size: content.length,
    read: (offset, length) => {
      if (offset < 0 || length <= 0 || !Number.isSafeInteger(offset) || offset + length > content.length)
        return undefined;
      const [first, last] = [own(offset), own(offset + length - 1)];
      const origin = first !== last ? 'both' : first ? 'overlay' : 'below';
      return { bytes: content.slice(offset, offset + length), origin };
    },
  });
  return [disk(whole, holds), disk(below, () => false)];
}

const verdict = (below: Uint8Array, held: readonly Held[]): 'for' | 'against' | 'open' => {
  const evidence = contentEvidence(...disks(below, held));
  if (evidence.some(({ decides, weight }) => decides === true && weight < 0)) return 'against';
  return evidence.some(({ decides, weight }) => decides === true && weight > 0) ? 'for' : 'open';
};

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const put = (bytes: Uint8Array, at: number, text: string): void => {
  bytes.set(Buffer.from(text, 'latin1'), at);
};

/** Blocks of 4 KiB, 8 MiB in a group: copies of the superblock in groups 1, 3, 5 and 7. */
function ext4(disk: Uint8Array, uuid: number, start = 0): void {
  for (const group of [0, 1, 3, 5, 7]) {
    const at = start + (group === 0 ? 1024 : group * 8 * MIB);
    if (at + 1024 > disk.length) break;
    const block = view(disk.subarray(at, at + 1024));
    block.setUint32(0x18, 2, true);
    block.setUint32(0x20, 2048, true);
    block.setUint16(0x38, 0xef53, true);
    block.setUint16(0x5a, group, true);
    block.setUint32(0x60, 0x40, true);
    block.setUint32(0x30, 1000, true);
    disk.fill(uuid, at + 0x68, at + 0x78);
  }
}

function xfs(disk: Uint8Array, uuid: number): void {
  for (let group = 0; group < 4; group += 1) {
    const at = group * 16 * MIB;
    put(disk, at, 'XFSB');
    const block = view(disk.subarray(at, at + 512));
    block.setUint32(4, 4096);
    block.setUint32(0x54, 4096);
    block.setUint32(0x58, 4);
    disk.fill(uuid, at + 0x20, at + 0x30);
  }
}

function ntfs(disk: Uint8Array, serial: number): void {
  for (const at of [0, SIZE - 512]) {
    put(disk, at + 3, 'NTFS    ');
    const block = view(disk.subarray(at, at + 512));
    block.setUint16(11, 512, true);
    block.setUint32(0x28, SIZE / 512 - 1, true);
    disk.fill(serial, at + 0x48, at + 0x50);
    block.setUint16(510, 0xaa55, true);
  }
}

function gpt(disk: Uint8Array, guid: number): void {
  const last = SIZE / 512 - 1;
  for (const [own, other] of [
    [1, last],
    [last, 1],
  ] as const) {
    const header = disk.subarray(own * 512, own * 512 + 512);
    put(header, 0, 'EFI PART');
    const words = view(header);
    words.setUint32(8, 0x10000, true);
    words.setUint32(12, 92, true);
    words.setUint32(24, own, true);
    words.setUint32(32, other, true);
    header.fill(guid, 56, 72);
    words.setUint32(72, 2, true);
    words.setUint32(80, 128, true);
    words.setUint32(84, 128, true);
    words.setUint32(16, 0, true);
    words.setUint32(16, zlibCrc32(header.subarray(0, 92)), true);
  }
}

describe('content that fits', () => {
  const empty = (): Uint8Array => new Uint8Array(SIZE);
  const made = (make: (disk: Uint8Array, id: number) => void, id: number): Uint8Array => {
    const disk = empty();
    make(disk, id);
    return disk;
  };
  /** The first 64 KiB of a disk, which an overlay holds of nearly every disk that is in use. */
  const head = (disk: Uint8Array): Held[] => [{ at: 0, bytes: disk.slice(0, 65_536) }];

  for (const [what, make] of [
    [
      'ext4',
      (disk: Uint8Array, id: number) => {
        ext4(disk, id);
      },
    ],
    ['XFS', xfs],
    ['NTFS', ntfs],
    ['GPT', gpt],
  ] as const) {
    it(`${what}: copies elsewhere name what the overlay does, or another one`, () => {
      assert.equal(verdict(made(make, 7), head(made(make, 7))), 'for');
      assert.equal(verdict(made(make, 8), head(made(make, 7))), 'against');
    });

    it(`${what}: what the overlay does not hold at all proves nothing`, () => {
      assert.equal(verdict(made(make, 7), []), 'open');
      assert.equal(verdict(made(make, 7), [{ at: 4 * MIB, bytes: new Uint8Array(65_536).fill(1) }]), 'open');
    });
  }

  it('in a partition is looked for where the table in the overlay says', () => {
    const disk = (uuid: number): Uint8Array => {
      const bytes = empty();
      const words = view(bytes);
      words.setUint16(510, 0xaa55, true);
      bytes[446 + 4] = 0x83;
      words.setUint32(446 + 8, MIB / 512, true);
      words.setUint32(446 + 12, (SIZE - MIB) / 512, true);
      ext4(bytes, uuid, MIB);
      return bytes;
    };
    const held = (bytes: Uint8Array): Held[] => [...head(bytes), { at: MIB, bytes: bytes.slice(MIB, MIB + 65_536) }];
    assert.equal(verdict(disk(7), held(disk(7))), 'for');
    assert.equal(verdict(disk(8), held(disk(7))), 'against');
    assert.match(contentEvidence(...disks(disk(7), held(disk(7))))[0]?.what ?? '', /ext4 file system at 0x10_0000/);
  });

  it('of a later moment than the overlay is against it', () => {
    const later = made((disk, id) => {
      ext4(disk, id);
    }, 7);
    view(later).setUint32(1024 + 0x30, 2000, true);
    assert.equal(
      verdict(
        later,
        head(
          made((disk, id) => {
            ext4(disk, id);
          }, 7),
        ),
      ),
      'against',
    );
  });

  it('that the overlay has written over whole is compared with what it was', () => {
    const held = (id: number): Held[] => {
      const disk = made((bytes, uuid) => {
        ext4(bytes, uuid);
      }, id);
      return [0, 1, 3, 5, 7].map((group) => ({
        at: group * 8 * MIB,
        bytes: disk.slice(group * 8 * MIB, group * 8 * MIB + 4096),
      }));
    };
    assert.equal(
      verdict(
        made((bytes, uuid) => {
          ext4(bytes, uuid);
        }, 7),
        held(7),
      ),
      'for',
    );
    const evidence = contentEvidence(
      ...disks(
        made((bytes, uuid) => {
          ext4(bytes, uuid);
        }, 8),
        held(7),
      ),
    );
    assert.ok(evidence.every(({ weight }) => weight < 0));
  });

  it('is none that makes no sense, however that looks', () => {
    const draw = new Draw(11);
    const make = [
      (disk: Uint8Array) => {
        ext4(disk, 7);
      },
      (disk: Uint8Array) => {
        xfs(disk, 7);
      },
      (disk: Uint8Array) => {
        gpt(disk, 7);
      },
      (disk: Uint8Array) => {
        ntfs(disk, 7);
      },
    ];
    for (let round = 0; round < 60; round += 1) {
      const disk = new Uint8Array(8 * MIB);
      const whole = empty();
      make[round % make.length]?.(whole);
      disk.set(whole.subarray(0, disk.length));
      // Absurd numbers in all fields, at random.
      for (let i = 0; i < 40; i += 1) {
        const at = draw.below(4096);
        disk[at] = draw.pick([0, 1, 0x7f, 0x80, 0xff]);
      }
      contentEvidence(...disks(disk, [{ at: 0, bytes: disk.slice(0, 2048) }]));
    }
  });
});

describe('checksums', () => {
  it('are those of the check values: "123456789"', () => {
    const bytes = Buffer.from('123456789');
    assert.equal((crc32(0xffff_ffff, bytes) ^ 0xffff_ffff) >>> 0, 0xcbf43926);
    assert.equal((crc32c(0xffff_ffff, bytes) ^ 0xffff_ffff) >>> 0, 0xe3069283);
  });
});
