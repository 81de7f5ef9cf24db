import { Kind, NOBODY, Use } from '../core/model';
import type { Pixels } from '../core/model';
import type { Rgb } from './color';
import type { Pattern } from './map/mapcolors';
import type { Palette } from './palette';

/** How a use of the file's space is called and drawn; its colour alone never tells it. */
interface UseLook {
  readonly name: string;
  readonly color: keyof Palette['uses'];
  /** Lined like compressed data, hollow like what reads as zero. */
  readonly kind?: Kind;
  readonly pattern?: Pattern;
}

/** By `Use`. */
const LOOKS: Readonly<Record<Use, UseLook>> = {
  [Use.Free]: { name: 'free', color: 'data' },
  [Use.Leaked]: { name: 'leaked', color: 'leaked', pattern: 'hatched' },
  [Use.Header]: { name: 'header', color: 'header' },
  [Use.L1]: { name: 'L1 table', color: 'l1' },
  [Use.L2]: { name: 'L2 tables', color: 'l2' },
  [Use.Refcounts]: { name: 'refcounts', color: 'refcounts' },
  [Use.Data]: { name: 'data', color: 'data' },
  [Use.Compressed]: { name: 'compressed data', color: 'data', kind: Kind.Compressed },
  [Use.Preallocated]: { name: 'preallocated', color: 'data', kind: Kind.ZeroAllocated },
  [Use.SnapshotTables]: { name: 'snapshot tables', color: 'snapshotTables' },
  [Use.SnapshotData]: { name: 'snapshot data', color: 'snapshotData' },
  [Use.Bitmaps]: { name: 'bitmaps', color: 'bitmaps' },
  [Use.Encryption]: { name: 'encryption', color: 'encryption' },
  [Use.Contested]: { name: 'claimed twice', color: 'wrong', pattern: 'crossed' },
  [Use.Uncounted]: { name: 'not counted', color: 'wrong', pattern: 'hatched' },
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
export const useColors = ({ uses }: Palette): Rgb[] => ALL.map(({ color }) => uses[color]);

const DETAILS: Readonly<Partial<Record<number, string>>> = {
  [Use.Free]: 'Nothing refers to it: the next write may put data here.',
  [Use.Leaked]: 'Counted as used, though nothing refers to it: space that is lost until the image is repaired.',
  [Use.Header]: 'Version, sizes, features, and the places of all else.',
  [Use.L1]: 'The first of the two tables that lead from the guest’s disk to places in this file.',
  [Use.L2]: 'The second of the two tables that lead from the guest’s disk to places in this file.',
  [Use.Refcounts]: 'How often each cluster of this file is used.',
  [Use.Data]: 'What the guest has written.',
  [Use.Compressed]: 'What the guest has written, compressed.',
  [Use.Preallocated]: 'Kept for a part of the disk that reads as zero.',
  [Use.SnapshotTables]: 'The list of internal snapshots, and tables that only they use.',
  [Use.SnapshotData]: 'Data that only internal snapshots use: deleting them frees it.',
  [Use.Bitmaps]: 'Which parts of the disk changed, kept for backups.',
  [Use.Encryption]: 'The LUKS header and its key material.',
  [Use.Contested]: 'More than one claims this place: written by one, it is wrong for the others.',
  [Use.Uncounted]: 'In use, yet not counted as used: the next write may take it for free.',
};

/** What a use means, in a sentence. */
export const useDetail = (owner: number): string => DETAILS[owner === NOBODY ? Use.Free : owner] ?? '';

/** Cells of a file's map with the kinds as which their uses are drawn. */
export const drawnAsUses = (pixels: Pixels): Pixels =>
  ({ ...pixels, kind: Uint8Array.from(pixels.owner, (owner) => (owner === NOBODY ? Kind.Absent : useKind(owner))) });
