import { ascii, u16be, u16le, u32be, u32le } from './bytes';
import type { ProbeInput } from './formats/driver';
import { foreignFormat } from './formats/foreign';
import { DRIVERS } from './formats/registry';
import { descriptorNameOf } from './formats/vmdk/names';
import type { Signature } from './signature';
import { matchSignature } from './signature';

/** What a file is, by its content and, where bytes alone don't tell, its name. */
export type Sniffed =
  /** A format that a driver opens. `found` names what is on it, where that is known. */
  | { readonly kind: 'image'; readonly format: string; readonly found: string }
  /** A disk image of a format that is not read here. */
  | { readonly kind: 'foreign-image'; readonly found: string }
  | { readonly kind: 'other'; readonly found: string; readonly text: boolean };

const OTHERS: readonly Signature[] = [
  { found: 'a PNG picture', at: 0, bytes: '\x89PNG\r\n\x1a\n' },
  { found: 'a JPEG picture', at: 0, bytes: '\xff\xd8\xff' },
  { found: 'a GIF picture', at: 0, bytes: 'GIF8' },
  { found: 'a PDF document', at: 0, bytes: '%PDF-' },
  { found: 'a ZIP archive (or an Office document, a JAR, a .vsix …)', at: 0, bytes: 'PK\x03\x04' },
  { found: 'gzip-compressed data: unpack it first', at: 0, bytes: '\x1f\x8b' },
  { found: 'xz-compressed data: unpack it first', at: 0, bytes: '\xfd7zXZ\0' },
  { found: 'zstd-compressed data: unpack it first', at: 0, bytes: '\x28\xb5\x2f\xfd' },
  { found: 'bzip2-compressed data: unpack it first', at: 0, bytes: 'BZh' },
  { found: 'a 7-Zip archive', at: 0, bytes: '7z\xbc\xaf\x27\x1c' },
  { found: 'a tar archive in which no disk was found', at: 257, bytes: 'ustar' },
  { found: 'an ELF program or library', at: 0, bytes: '\x7fELF' },
  { found: 'an SQLite database', at: 0, bytes: 'SQLite format 3\0' },
];

/** What a raw disk may begin with: a partition table or a file system. Offsets within the first 4 KiB. */
const FILE_SYSTEMS: readonly Signature[] = [
  { found: 'an XFS file system', at: 0, bytes: 'XFSB' },
  { found: 'an NTFS file system', at: 3, bytes: 'NTFS    ' },
  { found: 'an exFAT file system', at: 3, bytes: 'EXFAT   ' },
  { found: 'an LVM physical volume', at: 0x218, bytes: 'LVM2 001' },
  { found: 'an LVM physical volume', at: 0x18, bytes: 'LVM2 001' },
  { found: 'a SquashFS file system', at: 0, bytes: 'hsqs' },
  { found: 'an HFS+ file system', at: 1024, bytes: 'H+' },
  { found: 'an HFSX file system', at: 1024, bytes: 'HX' },
  { found: 'swap space', at: 4086, bytes: 'SWAPSPACE2' },
];

const RAW_NAME = /\.(?:img|raw|dd|iso|bin)$/i;
const EXT_MAGIC_AT = 1024 + 56;

/** @param fileName the file's own name, for what no bytes tell: `.img`, or none of an extension as oVirt's volumes */
export function sniff(input: ProbeInput, fileName: string): Sniffed {
  const { head, size } = input;
  if (size === 0) return { kind: 'other', found: 'an empty file', text: false };
  const driver = DRIVERS.find((candidate) => candidate.id !== 'raw' && candidate.probe(input));
  if (driver) return { kind: 'image', format: driver.id, found: driver.title };
  const foreign = foreignFormat(input);
  if (foreign !== undefined) return { kind: 'foreign-image', found: foreign };
  const disk = onRawDisk(head);
  if (disk !== undefined) return { kind: 'image', format: 'raw', found: disk };
  const other = matchSignature(head, OTHERS);
  if (other !== undefined) return { kind: 'other', found: other, text: false };
  if (looksLikeText(head)) return { kind: 'other', found: 'text', text: true };
  if (RAW_NAME.test(fileName) || isVolumeName(fileName))
    return { kind: 'image', format: 'raw', found: 'a raw disk with nothing known at its start' };
  if (descriptorNameOf(fileName) !== undefined)
    return { kind: 'image', format: 'raw', found: 'by its name, data of a VMware disk' };
  return { kind: 'other', found: 'data of no kind known here', text: false };
}

/** oVirt names a volume by its UUID, with no extension. */
const isVolumeName = (name: string): boolean => /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(name);

function onRawDisk(head: Uint8Array): string | undefined {
  if (head.length >= 1024 && ascii(head, 512, 8) === 'EFI PART') return 'a disk with a GPT';
  const fileSystem = matchSignature(head, FILE_SYSTEMS);
  if (fileSystem !== undefined) return fileSystem;
  if (head.length > EXT_MAGIC_AT + 1 && u16le(head, EXT_MAGIC_AT) === 0xef53)
    return 'an ext2, ext3 or ext4 file system';
  if (head.length >= 512 && u16be(head, 510) === 0x55aa) return bootSector(head);
  return undefined;
}

/** Both an MBR and a FAT volume end their first sector with 55 AA; a FAT has a sane BIOS parameter block. */
function bootSector(head: Uint8Array): string | undefined {
  const bytesPerSector = u16le(head, 11);
  if ([512, 1024, 2048, 4096].includes(bytesPerSector) && (head[16] === 1 || head[16] === 2))
    return 'a FAT file system';
  const partitions = [446, 462, 478, 494].map((at) => ({
    status: head[at] ?? 0,
    type: head[at + 4] ?? 0,
    sectors: u32le(head, at + 12),
  }));
  const sane = partitions.every(({ status }) => status === 0 || status === 0x80);
  return sane && partitions.some(({ type, sectors }) => type !== 0 && sectors !== 0)
    ? 'a disk with an MBR partition table'
    : sane
      ? 'a disk with a boot sector'
      : undefined;
}

function looksLikeText(head: Uint8Array): boolean {
  if (u32be(head, 0) === 0) return false;
  return head.every(
    (byte) => byte >= 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d || byte === 0x0c || byte === 0x1b,
  );
}
