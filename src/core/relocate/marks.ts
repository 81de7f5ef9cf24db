import { ascii, text as plainText, u16be, u16le, u32be, u32le } from '../bytes';
import type { Origin, TrialDisk } from './trialDisk';
import { partOf } from './trialDisk';
import type { Volume } from './volumes';

/**
 * What a file system, or what stands in its place, is known by, wherever it writes that: two places of one disk name the
 * same. Every length and number is an image's word: what leads off the volume is passed over, and of many only a few are
 * looked at.
 */
export interface Mark {
  /** Where its volume begins on the disk; what is about the whole disk has 0. */
  readonly volume: number;
  /** "ext4 file system" */
  readonly kind: string;
  /** Equal wherever it is the same one. */
  readonly id: string;
  /** Equal wherever it is the same state of it, where it writes all places anew each time. */
  readonly state?: string | undefined;
  /** Numbers that only ever grow, each compared with the same one of another moment. */
  readonly moment?: readonly number[] | undefined;
  /** "the copy of its superblock in block group 3" */
  readonly where: string;
  readonly origin: Origin;
}

/** Copies of one thing that are looked at. */
const MAX_COPIES = 12;

/** A little-endian number of 64 bits; Infinity where it is no safe integer. */
export function u64le(bytes: Uint8Array, at: number): number {
  const value = u32le(bytes, at + 4) * 2 ** 32 + u32le(bytes, at);
  return Number.isSafeInteger(value) ? value : Infinity;
}

function u64be(bytes: Uint8Array, at: number): number {
  const value = u32be(bytes, at) * 2 ** 32 + u32be(bytes, at + 4);
  return Number.isSafeInteger(value) ? value : Infinity;
}

const hex = (bytes: Uint8Array, at: number, length: number): string =>
  [...bytes.subarray(at, at + length)].map((byte) => byte.toString(16).padStart(2, '0')).join('');

type Reader = (volume: TrialDisk) => readonly Omit<Mark, 'volume'>[];

export function marksOf(disk: TrialDisk, { start, length }: Volume): Mark[] {
  const volume = partOf(disk, start, length);
  for (const reader of READERS) {
    const marks = reader(volume);
    if (marks.length > 0) return marks.map((mark) => ({ volume: start, ...mark }));
  }
  return [];
}

/** Linux, fs/ext4/ext4.h, struct ext4_super_block; the copies are those of `sparse_super`. */
const ext: Reader = (volume) => {
  const first = extAt(volume, 1024);
  if (!first) return [];
  const { bytes, kind } = first;
  const blockSize = 1024 * 2 ** Math.min(6, u32le(bytes, 0x18));
  const perGroup = u32le(bytes, 0x20);
  const firstBlock = u32le(bytes, 0x14);
  // When it was last written, and how much in all.
  const moment = [u32le(bytes, 0x30), u64le(bytes, 0x178)];
  const marks: Omit<Mark, 'volume'>[] = [{ kind, id: first.id, moment, where: 'its superblock', origin: first.origin }];
  if (perGroup === 0) return marks;
  for (const group of extCopies(volume.size / (perGroup * blockSize))) {
    const copy = extAt(volume, (firstBlock + group * perGroup) * blockSize);
    if (!copy || u16le(copy.bytes, 0x5a) !== group) continue;
    marks.push({ kind, id: copy.id, where: `the copy of its superblock in block group ${group}`, origin: copy.origin });
  }
  return marks;
};

function extAt(
  volume: TrialDisk,
  at: number,
): { bytes: Uint8Array; origin: Origin; id: string; kind: string } | undefined {
  const piece = volume.read(at, 1024);
  if (!piece || u16le(piece.bytes, 0x38) !== 0xef53) return undefined;
  const { bytes, origin } = piece;
  const [compatible, incompatible] = [u32le(bytes, 0x5c), u32le(bytes, 0x60)];
  const kind = (incompatible & 0x40) !== 0 ? 'ext4' : (compatible & 4) !== 0 ? 'ext3' : 'ext2';
  return { bytes, origin, id: hex(bytes, 0x68, 16), kind: `${kind} file system` };
}

/** Groups 1 and powers of 3, 5 and 7; without `sparse_super` there are more. */
function extCopies(groups: number): number[] {
  const all = new Set<number>([1]);
  for (const base of [3, 5, 7]) for (let power = base; power < groups; power *= base) all.add(power);
  return [...all]
    .sort((a, b) => a - b)
    .filter((group) => group < groups)
    .slice(0, MAX_COPIES);
}

/** XFS Algorithms & Data Structures, "Superblocks": each allocation group begins with a copy. */
const xfs: Reader = (volume) => {
  const first = volume.read(0, 512);
  if (!first || ascii(first.bytes, 0, 4) !== 'XFSB') return [];
  const group = u32be(first.bytes, 0x54) * u32be(first.bytes, 4);
  const groups = u32be(first.bytes, 0x58);
  const kind = 'XFS file system';
  const marks = [{ kind, id: hex(first.bytes, 0x20, 16), where: 'its superblock', origin: first.origin }];
  if (group === 0) return marks;
  for (let index = 1; index < Math.min(groups, MAX_COPIES); index += 1) {
    const copy = volume.read(index * group, 512);
    if (!copy || ascii(copy.bytes, 0, 4) !== 'XFSB') continue;
    const where = `the copy of its superblock in allocation group ${index}`;
    marks.push({ kind, id: hex(copy.bytes, 0x20, 16), where, origin: copy.origin });
  }
  return marks;
};

/** The boot sector, with a copy in the last sector of the volume. */
const ntfs: Reader = (volume) => {
  const first = volume.read(0, 512);
  if (!first || ascii(first.bytes, 3, 8) !== 'NTFS    ') return [];
  const kind = 'NTFS file system';
  const marks = [{ kind, id: hex(first.bytes, 0x48, 8), where: 'its boot sector', origin: first.origin }];
  // The count of sectors leaves out the one with the copy.
  const copy = volume.read(u64le(first.bytes, 0x28) * u16le(first.bytes, 11), 512);
  if (copy && ascii(copy.bytes, 3, 8) === 'NTFS    ') {
    marks.push({
      kind,
      id: hex(copy.bytes, 0x48, 8),
      where: 'the copy of its boot sector at its end',
      origin: copy.origin,
    });
  }
  return marks;
};

/** Microsoft's FAT specification 1.03: FAT32 has its serial number at 67, the others at 39; the copy's place at 50. */
const fat: Reader = (volume) => {
  const first = volume.read(0, 512);
  if (!first || u16le(first.bytes, 510) !== 0xaa55) return [];
  const { bytes, origin } = first;
  const is32 = ascii(bytes, 82, 5) === 'FAT32';
  if (!is32 && ascii(bytes, 54, 3) !== 'FAT') return [];
  const serial = is32 ? 67 : 39;
  const kind = 'FAT file system';
  const marks = [{ kind, id: hex(bytes, serial, 4), where: 'its boot sector', origin }];
  const copy = is32 ? volume.read(u16le(bytes, 50) * u16le(bytes, 11), 512) : undefined;
  if (copy && ascii(copy.bytes, 82, 5) === 'FAT32') {
    marks.push({ kind, id: hex(copy.bytes, serial, 4), where: 'the copy of its boot sector', origin: copy.origin });
  }
  return marks;
};

/** btrfs on-disk format, "Superblock": at 64 KiB, with copies at 64 MiB and 256 GiB, all written anew together. */
const btrfs: Reader = (volume) =>
  [2 ** 16, 2 ** 26, 2 ** 38].flatMap((at) => {
    const piece = volume.read(at, 4096);
    if (!piece || ascii(piece.bytes, 0x40, 8) !== '_BHRfS_M') return [];
    const where = at === 2 ** 16 ? 'its superblock' : 'a copy of its superblock';
    const state = hex(piece.bytes, 0x48, 8);
    return [{ kind: 'btrfs file system', id: hex(piece.bytes, 0x20, 16), state, where, origin: piece.origin }];
  });

/** LUKS2 On-Disk Format Specification 1.1.1, 2: two headers, the second as far behind the first as that one is long. */
const luks: Reader = (volume) => {
  const first = volume.read(0, 512);
  if (!first || ascii(first.bytes, 0, 6) !== 'LUKS\xba\xbe') return [];
  const kind = 'LUKS header';
  const marks = [{ kind, id: hex(first.bytes, 168, 36), where: 'it', origin: first.origin }];
  const copy = u16be(first.bytes, 6) === 2 ? volume.read(u64be(first.bytes, 8), 512) : undefined;
  if (copy && ascii(copy.bytes, 0, 6) === 'SKUL\xba\xbe') {
    marks.push({ kind, id: hex(copy.bytes, 168, 36), where: 'its copy', origin: copy.origin });
  }
  return marks;
};

/** Room that is looked through for LVM's text: enough for a few hundred volumes. */
const MAX_LVM_TEXT = 1 << 18;
/** lib/format_text/layout.h of LVM2: the label in one of the first four sectors, then what leads to the text. */
const lvm: Reader = (volume) => {
  for (let sector = 0; sector < 4; sector += 1) {
    const label = volume.read(sector * 512, 512);
    if (!label || ascii(label.bytes, 0, 8) !== 'LABELONE' || ascii(label.bytes, 24, 8) !== 'LVM2 001') continue;
    const at = u32le(label.bytes, 20);
    if (at < 32 || at > 400) continue;
    const id = ascii(label.bytes, at, 32);
    const kind = 'LVM physical volume';
    const marks = [{ kind, id, where: 'its label', origin: label.origin }];
    const text = lvmText(volume, label.bytes, at + 40);
    const named =
      text && [...text.text.matchAll(/id = "([A-Za-z0-9-]{38})"/g)].map(([, found = '']) => found.replaceAll('-', ''));
    if (text && named && named.length > 0) {
      // The text names all physical volumes of its group, among which this one has to be.
      const own = named.includes(id) ? id : (named[0] ?? '');
      marks.push({ kind, id: own, where: 'the text that describes its group', origin: text.origin });
    }
    return marks;
  }
  return [];
};

function lvmText(volume: TrialDisk, label: Uint8Array, areas: number): { text: string; origin: Origin } | undefined {
  // Areas of data end with a pair of zeros, and those of text follow.
  let at = areas;
  while (at + 16 <= label.length && u64le(label, at) !== 0) at += 16;
  const area = at + 24 <= label.length ? u64le(label, at + 16) : 0;
  const header = area === 0 ? undefined : volume.read(area, 512);
  if (!header || ascii(header.bytes, 4, 16) !== ' LVM2 x[5A%r0N*>') return undefined;
  const [offset, length] = [u64le(header.bytes, 40), u64le(header.bytes, 48)];
  const text = length > 0 && length <= MAX_LVM_TEXT ? volume.read(area + offset, length) : undefined;
  return text && { text: plainText(text.bytes), origin: text.origin };
}

const READERS: readonly Reader[] = [luks, lvm, xfs, btrfs, ntfs, ext, fat];
