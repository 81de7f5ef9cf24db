import { ascii, u16le, u32le } from '../bytes';
import { crc32 } from '../crc';
import type { Mark } from './marks';
import { u64le } from './marks';
import type { TrialDisk } from './trialDisk';

/** A part of the disk that may hold a file system, bytes. */
export interface Volume {
  readonly start: number;
  readonly length: number;
}

/** What the partition tables of a disk say. */
export interface Partitions {
  /** What the disk is known by, each place where it stands. */
  readonly marks: readonly Mark[];
  /** The whole disk where there is no partition table. */
  readonly volumes: readonly Volume[];
  /** Undefined where there is no partition table. */
  readonly table: 'GPT' | 'MBR' | undefined;
}

const SECTOR_SIZES = [512, 4096] as const;
const MAX_PARTITIONS = 256;
const MAX_LOGICAL = 64;

/** @see UEFI specification 2.10, 5 "GUID Partition Table (GPT) Disk Layout" */
export function partitionsOf(disk: TrialDisk): Partitions {
  for (const sector of SECTOR_SIZES) {
    const found = gpt(disk, sector);
    if (found) return found;
  }
  return mbr(disk) ?? { marks: [], volumes: [{ start: 0, length: disk.size }], table: undefined };
}

interface GptHeader {
  readonly guid: string;
  readonly backup: number;
  readonly entriesAt: number;
  readonly entries: number;
  readonly entryBytes: number;
  readonly mark: Mark;
}

function gpt(disk: TrialDisk, sector: number): Partitions | undefined {
  const first = gptHeader(disk, sector, sector, 'its first GPT');
  // The copy stands in the last sector; where the disk was made larger since, where the first one says.
  const last = gptHeader(disk, sector, first ? first.backup : disk.size - sector, "its GPT's copy at the end");
  const header = first ?? last;
  if (!header) return undefined;
  const marks = [first, last].flatMap((each) => (each ? [each.mark] : []));
  return { marks, volumes: gptVolumes(disk, sector, header), table: 'GPT' };
}

function gptHeader(disk: TrialDisk, sector: number, at: number, where: string): GptHeader | undefined {
  const piece = disk.read(at, 512);
  if (!piece || ascii(piece.bytes, 0, 8) !== 'EFI PART') return undefined;
  const { bytes, origin } = piece;
  const length = u32le(bytes, 12);
  if (length < 92 || length > 512) return undefined;
  const summed = bytes.slice(0, length);
  summed.fill(0, 16, 20);
  if ((crc32(0xffff_ffff, summed) ^ 0xffff_ffff) >>> 0 !== u32le(bytes, 16)) return undefined;
  const guid = hexOf(bytes.subarray(56, 72));
  return {
    guid,
    backup: u64le(bytes, 32) * sector,
    entriesAt: u64le(bytes, 72) * sector,
    entries: Math.min(MAX_PARTITIONS, u32le(bytes, 80)),
    entryBytes: u32le(bytes, 84),
    mark: { volume: 0, kind: 'partition table (GPT)', id: guid, state: String(u32le(bytes, 88)), where, origin },
  };
}

function gptVolumes(disk: TrialDisk, sector: number, { entriesAt, entries, entryBytes }: GptHeader): Volume[] {
  if (entryBytes < 128 || entryBytes > 1024) return [];
  const volumes: Volume[] = [];
  for (let index = 0; index < entries; index += 1) {
    const entry = disk.read(entriesAt + index * entryBytes, 128)?.bytes;
    if (!entry) break;
    if (entry.subarray(0, 16).every((byte) => byte === 0)) continue;
    const [start, end] = [u64le(entry, 32) * sector, (u64le(entry, 40) + 1) * sector];
    if (start > 0 && end > start && start < disk.size) volumes.push({ start, length: end - start });
  }
  return volumes;
}

const EXTENDED: ReadonlySet<number> = new Set([0x05, 0x0f, 0x85]);
const PROTECTIVE = 0xee;

function mbr(disk: TrialDisk): Partitions | undefined {
  const piece = disk.read(0, 512);
  if (!piece || u16le(piece.bytes, 510) !== 0xaa55) return undefined;
  const entries = tableOf(piece.bytes);
  const isTable =
    entries.every(({ status }) => status === 0 || status === 0x80) && entries.some(({ type }) => type !== 0);
  if (!isTable || isFat(piece.bytes)) return undefined;
  const volumes: Volume[] = [];
  for (const { type, start, length } of entries) {
    if (length === 0 || type === 0 || type === PROTECTIVE || start >= disk.size) continue;
    if (EXTENDED.has(type)) volumes.push(...logical(disk, start));
    else volumes.push({ start, length });
  }
  // Where nothing but a file system's boot code looks like a table, the file system begins where the disk does.
  if (volumes.length === 0) return undefined;
  const id = hexOf(piece.bytes.subarray(440, 444));
  const kind = 'partition table (MBR)';
  const marks = /^0*$/.test(id) ? [] : [{ volume: 0, kind, id, where: 'its first sector', origin: piece.origin }];
  return { marks, volumes, table: 'MBR' };
}

/** A volume's own first sector ends as a partition table does, and says how large its sectors are. */
const isFat = (bytes: Uint8Array): boolean =>
  [512, 1024, 2048, 4096].includes(u16le(bytes, 11)) &&
  (bytes[16] === 1 || bytes[16] === 2 || ascii(bytes, 3, 4) === 'NTFS');

interface Entry extends Volume {
  readonly status: number;
  readonly type: number;
}

function tableOf(bytes: Uint8Array): Entry[] {
  return [446, 462, 478, 494].map((at) => ({
    status: bytes[at] ?? 0,
    type: bytes[at + 4] ?? 0,
    start: u32le(bytes, at + 8) * 512,
    length: u32le(bytes, at + 12) * 512,
  }));
}

/** Logical partitions: each is told by a table of its own, which leads to the next. */
function logical(disk: TrialDisk, extended: number): Volume[] {
  const volumes: Volume[] = [];
  const seen = new Set<number>();
  for (let at = extended; volumes.length < MAX_LOGICAL && !seen.has(at);) {
    seen.add(at);
    const bytes = disk.read(at, 512)?.bytes;
    if (!bytes || u16le(bytes, 510) !== 0xaa55) break;
    const [own, next] = tableOf(bytes);
    if (own && own.type !== 0 && own.length > 0) volumes.push({ start: at + own.start, length: own.length });
    if (!next || !EXTENDED.has(next.type)) break;
    at = extended + next.start;
  }
  return volumes.filter(({ start }) => start < disk.size);
}

export const hexOf = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
