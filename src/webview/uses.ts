import { Kind, NOBODY, Use } from '../core/model';
import type { Pixels } from '../core/model';
import type { Rgb } from './color';
import type { Pattern } from './map/mapcolors';
import type { ColorId, Palette } from './palette';

/** How a use of the file's space is called and drawn; its colour alone never tells it. */
interface UseLook {
  readonly name: string;
  readonly color: ColorId;
  /** Lined like compressed data, hollow like what reads as zero. */
  readonly kind?: Kind;
  readonly pattern?: Pattern;
}

/** By `Use`. What no format has beside another shares its colour. */
const LOOKS: Readonly<Record<Use, UseLook>> = {
  [Use.Free]: { name: 'free', color: 'vmDisk.fileData' },
  [Use.Leaked]: { name: 'leaked', color: 'vmDisk.fileLeaked', pattern: 'hatched' },
  [Use.Header]: { name: 'header', color: 'vmDisk.fileHeader' },
  [Use.L1]: { name: 'L1 table', color: 'vmDisk.fileL1' },
  [Use.L2]: { name: 'L2 tables', color: 'vmDisk.fileL2' },
  [Use.Refcounts]: { name: 'refcounts', color: 'vmDisk.fileRefcounts' },
  [Use.Data]: { name: 'data', color: 'vmDisk.fileData' },
  [Use.Compressed]: { name: 'compressed data', color: 'vmDisk.fileData', kind: Kind.Compressed },
  [Use.Preallocated]: { name: 'preallocated', color: 'vmDisk.fileData', kind: Kind.ZeroAllocated },
  [Use.SnapshotTables]: { name: 'snapshot tables', color: 'vmDisk.fileSnapshotTables' },
  [Use.SnapshotData]: { name: 'snapshot data', color: 'vmDisk.fileSnapshotData' },
  [Use.Bitmaps]: { name: 'bitmaps', color: 'vmDisk.fileBitmaps' },
  [Use.Encryption]: { name: 'encryption', color: 'vmDisk.fileEncryption' },
  [Use.Contested]: { name: 'claimed twice', color: 'vmDisk.invalid', pattern: 'crossed' },
  [Use.Uncounted]: { name: 'counted too low', color: 'vmDisk.invalid', pattern: 'hatched' },
  [Use.Unknown]: { name: 'not told', color: 'vmDisk.unknown', pattern: 'hatched' },
  [Use.BlockTables]: { name: 'block tables', color: 'vmDisk.fileL2' },
  [Use.SectorBitmaps]: { name: 'sector bitmaps', color: 'vmDisk.fileBitmaps' },
  [Use.Log]: { name: 'log', color: 'vmDisk.fileSnapshotTables' },
  [Use.Copies]: { name: 'copies of tables', color: 'vmDisk.fileRefcounts' },
};

/** The looks in the order of `Use`. */
const ALL = Object.values(LOOKS);

const lookOf = (use: number): UseLook => ALL[use] ?? LOOKS[Use.Free];

/** The owner of a cell of the file's map is a use, or nobody where the file is free. */
export const useName = (owner: number): string => lookOf(owner === NOBODY ? Use.Free : owner).name;

export const useKind = (use: number): Kind => lookOf(use).kind ?? Kind.Data;

export const usePattern = (use: number): Pattern | undefined => lookOf(use).pattern;

/** Patterns by use, as the map takes them. */
export const USE_PATTERNS: readonly (Pattern | undefined)[] = ALL.map(({ pattern }) => pattern);

/** Colours by use, as the map takes them. */
export const useColors = ({ own }: Palette): Rgb[] => ALL.map(({ color }) => own[color]);

const DETAILS: Readonly<Partial<Record<number, string>>> = {
  [Use.Leaked]: 'Counted as used, though nothing refers to it: space that is lost until the image is repaired.',
  [Use.L1]: 'Where the L2 tables are.',
  [Use.L2]: 'Where in this file each cluster of the guest’s disk is.',
  [Use.Refcounts]: 'How often each cluster of this file is used.',
  [Use.Preallocated]: 'Kept for a part of the disk that reads as zero.',
  [Use.SnapshotTables]: 'The list of internal snapshots, and tables that only they use.',
  [Use.SnapshotData]: 'Data that only internal snapshots use: deleting them frees it.',
  [Use.Bitmaps]: 'Which parts of the disk changed, kept for backups.',
  [Use.Contested]: 'More than one claims this place: written by one, it is wrong for the others.',
  [Use.Uncounted]: 'Used more often than it is counted: a write may take it for free, or write to what is shared.',
  [Use.BlockTables]: 'Where in this file each block of the guest’s disk is.',
  [Use.SectorBitmaps]: 'Which sectors of a block this layer has itself.',
  [Use.Log]: 'Changes of tables that are not carried out yet.',
  [Use.Copies]: 'Copies of headers and tables, for when the first ones are broken.',
  [Use.Unknown]: 'The check broke off before this place, or the file is in too many pieces to keep them all.',
};

/** What a use means that its name does not tell, in a sentence. */
export const useDetail = (owner: number): string | undefined => DETAILS[owner];

/** Cells of a file's map with the kinds as which their uses are drawn. */
export const drawnAsUses = (pixels: Pixels): Pixels =>
  ({ ...pixels, kind: Uint8Array.from(pixels.owner, (owner) => (owner === NOBODY ? Kind.Absent : useKind(owner))) });
