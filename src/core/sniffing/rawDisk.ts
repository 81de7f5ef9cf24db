import { ascii, u16be, u16le, u32le } from '../bytes';
import type { ProbeInput } from '../formats/driver';
import type { Signature } from '../signature';
import { matchSignature } from '../signature';

/** What a raw disk may begin with: a partition table or a file system. Offsets within the first 4 KiB. */
const FILE_SYSTEMS: readonly Signature[] = [
  { found: 'an XFS file system', at: 0, bytes: 'XFSB' },
  { found: 'an NTFS file system', at: 3, bytes: 'NTFS    ' },
  { found: 'an exFAT file system', at: 3, bytes: 'EXFAT   ' },
  { found: 'a ReFS file system', at: 3, bytes: 'ReFS\0\0\0\0' },
  { found: 'an LVM physical volume', at: 0x218, bytes: 'LVM2 001' },
  { found: 'an LVM physical volume', at: 0x18, bytes: 'LVM2 001' },
  { found: 'a SquashFS file system', at: 0, bytes: 'hsqs' },
  { found: 'an HFS+ file system', at: 1024, bytes: 'H+' },
  { found: 'an HFSX file system', at: 1024, bytes: 'HX' },
  { found: 'an APFS container', at: 32, bytes: 'NXSB' },
  { found: 'swap space', at: 4086, bytes: 'SWAPSPACE2' },
];

const EXT_MAGIC_AT = 1024 + 56;

/** ECMA-119, 6.2.1: volume descriptors begin at the sixteenth sector of 2048 bytes; the first names the standard. */
const ISO_AT = 16 * 2048 + 1;
/** The superblock of Btrfs is at 64 KiB; its magic 64 bytes in (Btrfs on-disk format, "Superblock"). */
const BTRFS_AT = 0x10040;

/** What a disk is as it stands, by what it begins with. @throws DiskError `io` */
export function onRawDisk(input: ProbeInput): string | undefined {
  const { head } = input;
  const isIso = readsAs(input, ISO_AT, 'CD001');
  if (head.length >= 1024 && ascii(head, 512, 8) === 'EFI PART') return hybrid(isIso, 'a disk with a GPT');
  const fileSystem = matchSignature(head, FILE_SYSTEMS);
  if (fileSystem !== undefined) return fileSystem;
  if (head.length > EXT_MAGIC_AT + 1 && u16le(head, EXT_MAGIC_AT) === 0xef53)
    return 'an ext2, ext3 or ext4 file system';
  const boot = head.length >= 512 && u16be(head, 510) === 0x55aa ? bootSector(head) : undefined;
  if (isIso || boot !== undefined) return hybrid(isIso, boot);
  return readsAs(input, BTRFS_AT, '_BHRfS_M') ? 'a Btrfs file system' : undefined;
}

/** What boots from a USB stick and from a disc has a partition table in front of its ISO 9660 file system. */
function hybrid(isIso: boolean, table: string | undefined): string | undefined {
  if (!isIso) return table;
  return `a CD or DVD (ISO 9660)${table === undefined ? '' : `, which is ${table} as well`}`;
}

const readsAs = ({ at }: ProbeInput, position: number, bytes: string): boolean =>
  ascii(at(position, bytes.length), 0, bytes.length) === bytes;

/** Both an MBR and a FAT volume end their first sector with 55 AA; a FAT has a sane BIOS parameter block. */
function bootSector(head: Uint8Array): string | undefined {
  const bytesPerSector = u16le(head, 11);
  if ([512, 1024, 2048, 4096].includes(bytesPerSector) && (head[16] === 1 || head[16] === 2))
    return 'a FAT file system';
  const partitions = mbrPartitions(head);
  const sane = partitions.every(({ status }) => status === 0 || status === 0x80);
  return sane && partitions.some(({ type, sectors }) => type !== 0 && sectors !== 0)
    ? 'a disk with an MBR partition table'
    : sane
      ? 'a disk with a boot sector'
      : undefined;
}

interface MbrPartition {
  readonly status: number;
  readonly type: number;
  readonly first: number;
  readonly sectors: number;
}

const mbrPartitions = (head: Uint8Array): readonly MbrPartition[] =>
  [446, 462, 478, 494].map((at) => ({
    status: head[at] ?? 0,
    type: head[at + 4] ?? 0,
    first: u32le(head, at + 8),
    sectors: u32le(head, at + 12),
  }));

/** Of a GPT: where its first entry is, in most of them, and the sizes of both (UEFI 2.10, 5.3). */
const GPT_ENTRIES_AT = 1024;
const GPT_ENTRY_BYTES = 128;

/**
 * An image of another format in a partition of the disk: somebody wrote it onto a disk instead of what is in it.
 * @returns where, and which format
 * @throws DiskError `io`
 */
export function imageWithin(input: ProbeInput): { readonly at: number; readonly format: string } | undefined {
  for (const at of partitionStarts(input.head)) {
    if (readsAs(input, at, 'QFI\xfb')) return { at, format: 'qcow2' };
    if (readsAs(input, at, 'KDMV')) return { at, format: 'VMDK' };
    if (readsAs(input, at, 'vhdxfile')) return { at, format: 'VHDX' };
    if (readsAs(input, at + 0x40, '\x7f\x10\xda\xbe')) return { at, format: 'VDI' };
  }
  return undefined;
}

/** Where partitions begin, of those whose entries are in the first 4 KiB. */
function partitionStarts(head: Uint8Array): readonly number[] {
  if (head.length < 1024 || u16be(head, 510) !== 0x55aa) return [];
  if (ascii(head, 512, 8) !== 'EFI PART') {
    return mbrPartitions(head).flatMap(({ first, sectors }) => (sectors === 0 ? [] : [first * 512]));
  }
  const starts: number[] = [];
  for (let at = GPT_ENTRIES_AT; at + GPT_ENTRY_BYTES <= head.length; at += GPT_ENTRY_BYTES) {
    const first = u32le(head, at + 32) + u32le(head, at + 36) * 2 ** 32;
    if (first > 0 && Number.isSafeInteger(first * 512)) starts.push(first * 512);
  }
  return starts;
}
