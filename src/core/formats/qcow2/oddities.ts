import type { Finding, Oddities, Oddity } from '../../model';
import { formatBytes, formatOffset } from '../../units';
import { CUT_SHORT } from '../advice';

/** What may be odd about L2 tables and their entries. */
export type OddityCode =
  'l2-offset' | 'l2-past-end' | 'entry' | 'data-past-end' | 'l1-too-small' | 'tables-exceed-file';

const plural = (count: number, one: string, more = `${one}s`): string => `${count} ${count === 1 ? one : more}`;

/** What is told beside a count. */
interface Told {
  /** Bytes of the disk that so many tables map at most. */
  readonly lost: number;
  /** What the file with the data is called. */
  readonly dataFile: string;
}

interface About {
  readonly severity: Finding['severity'];
  readonly text: (oddity: Oddity, told: Told) => string;
  readonly advice: string;
}

const ABOUT: Readonly<Record<OddityCode, About>> = {
  'l2-offset': {
    severity: 'error',
    text: ({ count, first }) =>
      `${plural(count, 'L2 table')} can't begin in the middle of a cluster (the first for guest byte ${formatOffset(first)}): what is mapped there can't be known`,
    advice: 'Restore the image from a backup; qemu-img check says more.',
  },
  'l2-past-end': {
    severity: 'error',
    text: ({ count, first }, { lost }) =>
      `the file ends before ${plural(count, 'L2 table')} (the first at byte ${first}) or inside: ${lostText(lost)}`,
    advice: CUT_SHORT,
  },
  entry: {
    severity: 'error',
    text: ({ count, first }) =>
      `${plural(count, 'table entry', 'table entries')} can't be true (the first for guest byte ${formatOffset(first)})`,
    advice: 'qemu-img check says more; a VM that reads there gets an I/O error.',
  },
  'data-past-end': {
    severity: 'error',
    text: ({ count, first }, { dataFile }) =>
      `the ${dataFile} ends before ${plural(count, 'piece')} of data (the first for guest byte ${formatOffset(first)}): zeros are read there`,
    advice: CUT_SHORT,
  },
  'l1-too-small': {
    severity: 'error',
    text: ({ first }) => `the L1 table ends at guest byte ${formatOffset(first)}, before the disk does`,
    advice: 'QEMU refuses such an image.',
  },
  'tables-exceed-file': {
    severity: 'error',
    text: ({ first }) =>
      `there are more L2 tables than the file has room for: the map is shown up to guest byte ${formatOffset(first)} and unknown from there`,
    advice: 'Such an image is broken, or made to keep its reader busy.',
  },
};

/** What is said of as much of a disk as tables map that the file has not. @param bytes at most */
export const lostText = (bytes: number): string =>
  `what was in the ${formatBytes(bytes)} of the disk that is mapped there is unknown, and reads as empty`;

/** @param mapped bytes of the disk that so many L2 tables map at most, @param external whether another file holds the data */
export function findingsOf(
  oddities: Oddities,
  mapped: (tables: number) => number,
  external = false,
): readonly Finding[] {
  const dataFile = external ? 'data file' : 'file';
  return [...oddities].flatMap(([code, oddity]) => {
    const about = (ABOUT as Partial<Record<string, About>>)[code];
    if (!about) return [];
    const { severity, advice } = about;
    const lost = mapped(oddity.count);
    const finding = { code, severity, message: about.text(oddity, { lost, dataFile }), advice };
    return [code === 'l2-past-end' ? { ...finding, lost } : finding];
  });
}
