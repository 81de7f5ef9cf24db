import { ascii, bigU64be, readUpTo, u16be, u32be } from '../../bytes';
import { DiskError } from '../../errors';
import type { ByteSource, Finding } from '../../model';
import { CUT_SHORT } from '../advice';
import { isSound } from './checksum';
import { uuidOf } from './identity';

export const FOOTER_BYTES = 512;
const COOKIE = 'conectix';
const CHECKSUM_AT = 64;

/** Specification, "Hard Disk Footer Format": the disk types that are not reserved. */
export const DISK_TYPE = { fixed: 2, dynamic: 3, differencing: 4 } as const;
export type DiskType = keyof typeof DISK_TYPE;

const TYPE_OF: ReadonlyMap<number, DiskType> = new Map(
  Object.entries(DISK_TYPE).map(([name, code]) => [code, name as DiskType]),
);

const FEATURE_TEMPORARY = 1;

export interface Footer {
  readonly type: DiskType;
  readonly temporary: boolean;
  /** Where the dynamic disk header stands in the file; of a fixed disk it says nothing. */
  readonly dataOffset: bigint;
  /** Seconds since 2000; of when the image was made, or last changed by those who keep it up to date. */
  readonly timeStamp: number;
  /** Four characters as they are: `vpc `, `win ` … */
  readonly creator: string;
  readonly creatorVersion: string;
  /** `Wi2k`, `Mac ` */
  readonly creatorHost: string;
  /** Bytes, as big as the disk was when it was made. */
  readonly originalSize: bigint;
  readonly currentSize: bigint;
  readonly geometry: Geometry;
  readonly uuid: string;
  readonly savedState: boolean;
}

export interface Geometry {
  readonly cylinders: number;
  readonly heads: number;
  readonly sectorsPerTrack: number;
}

/** The footer of an image, and what was wrong with the two that it has. */
export interface FoundFooter {
  readonly footer: Footer;
  /** Where the footer at the end begins, or would: of a fixed disk its data ends there. */
  readonly end: number;
  readonly findings: readonly Finding[];
}

/**
 * A footer in a file, whole, and whether its checksum holds. Versions before Virtual PC 2004 left its last byte away, a
 * reserved one: it is taken as the zero that it was.
 */
export interface FooterBytes {
  readonly at: number;
  readonly bytes: Uint8Array;
  readonly sound: boolean;
}

/** @param tail the last bytes of a file, @param size of that file @returns undefined where it ends in no footer */
export function footerAtEnd(tail: Uint8Array, size: number): FooterBytes | undefined {
  for (const length of [FOOTER_BYTES, FOOTER_BYTES - 1]) {
    const found = footerIn(tail.subarray(Math.max(0, tail.length - length)), size - length);
    if (found) return found;
  }
  return undefined;
}

/** @param head the first bytes of a file @returns undefined where it begins with no footer */
export const footerAtStart = (head: Uint8Array): FooterBytes | undefined => footerIn(head.subarray(0, FOOTER_BYTES), 0);

function footerIn(bytes: Uint8Array, at: number): FooterBytes | undefined {
  if (bytes.length < FOOTER_BYTES - 1 || ascii(bytes, 0, COOKIE.length) !== COOKIE) return undefined;
  const whole = new Uint8Array(FOOTER_BYTES);
  whole.set(bytes);
  return { at, bytes: whole, sound: isSound(whole, CHECKSUM_AT) };
}

export const typeOf = ({ bytes }: FooterBytes): DiskType | undefined => TYPE_OF.get(u32be(bytes, 60));

/** Where the dynamic disk header is said to stand. */
export const dataOffsetOf = ({ bytes }: FooterBytes): bigint => bigU64be(bytes, 16);

/**
 * Finds the footer of an image. The one at its end counts: what a fixed disk begins with is the guest's to write, so a
 * copy there says nothing against an end that is sound. Of other disks the copy stands in where the end is gone, can't be
 * read, or has a wrong checksum.
 * @throws DiskError when neither can be used
 */
export function readFooter(source: ByteSource): FoundFooter {
  const { size } = source;
  const tail = attempt(source, Math.max(0, size - FOOTER_BYTES));
  const atEnd = footerAtEnd(tail.bytes, size);
  const copy = footerAtStart(attempt(source, 0).bytes);
  if (atEnd?.sound === true) {
    const findings = typeOf(atEnd) === 'fixed' ? contradiction(copy) : copyFindings(atEnd, copy);
    return { footer: parse(atEnd), end: atEnd.at, findings };
  }
  if (copy?.sound !== true || typeOf(copy) === 'fixed') throw tail.error ?? unusable(atEnd, copy, size);
  const problem = atEnd
    ? 'the checksum of the footer at the end of the file is wrong'
    : tail.error
      ? `the footer at the end of the file can't be read (${tail.error.message})`
      : 'the file does not end with a footer';
  return { footer: parse(copy), end: atEnd?.at ?? size, findings: [copyWasUsed(problem, atEnd?.at ?? size)] };
}

/** What there is of a footer's bytes; none where they can't be read. */
function attempt(source: ByteSource, at: number): { readonly bytes: Uint8Array; readonly error?: DiskError } {
  try {
    return { bytes: readUpTo(source, at, FOOTER_BYTES) };
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    return { bytes: new Uint8Array(), error };
  }
}

function copyFindings(used: FooterBytes, copy: FooterBytes | undefined): readonly Finding[] {
  const broken = (code: string, problem: string): readonly Finding[] => [
    {
      code,
      severity: 'warning',
      message: `${problem}: the footer at the end of the file was used`,
      offset: 0,
      advice: 'QEMU reads the copy at the start, others the footer at the end. Convert the image to have both right.',
    },
  ];
  if (!copy) return broken('footer-copy', 'the file does not begin with a copy of its footer');
  if (!copy.sound) return broken('footer-copy', 'the checksum of the copy of the footer at byte 0 is wrong');
  if (copy.bytes.some((byte, at) => byte !== used.bytes[at])) {
    return broken('footer-copies-differ', 'the copy of the footer at byte 0 says something else');
  }
  return [];
}

/**
 * A sound footer of another type in front of a fixed disk: its guest has written it, or the guest of a dynamic disk that lost
 * its end has written the other one. Readers do not agree on which counts.
 */
function contradiction(copy: FooterBytes | undefined): readonly Finding[] {
  const type = copy?.sound === true ? typeOf(copy) : undefined;
  if (type === undefined || type === 'fixed') return [];
  return [
    {
      code: 'footer-copies-differ',
      severity: 'error',
      message: `the footer at the end of the file is of a fixed disk, and there is a sound one of a ${type} disk at byte 0: the one at the end was used`,
      offset: 0,
      advice:
        'QEMU goes by the one at byte 0. A guest can write either: make sure which kind of disk this was made as.',
    },
  ];
}

function copyWasUsed(problem: string, offset: number): Finding {
  return {
    code: 'footer',
    severity: 'error',
    message: `${problem}: its copy at byte 0 was used`,
    offset,
    advice: CUT_SHORT,
  };
}

function unusable(atEnd: FooterBytes | undefined, copy: FooterBytes | undefined, size: number): DiskError {
  if (copy?.sound === true) {
    return new DiskError(
      'corrupt',
      'the footer at byte 0 is of a fixed disk, which has one at its end alone, and there is none',
      { offset: size },
      CUT_SHORT,
    );
  }
  if (!atEnd && !copy) {
    return new DiskError('not-this-format', `this is no VHD image: no footer ("${COOKIE}") ends or begins it`, {
      offset: Math.max(0, size - FOOTER_BYTES),
    });
  }
  const where = atEnd && copy ? 'of both footers, at the end and at byte 0,' : 'of its only footer';
  return new DiskError(
    'corrupt',
    `the checksum ${where} is wrong: nothing that the image says of itself can be relied on`,
    { offset: atEnd?.at ?? 0 },
    'Copy the image anew from where it came.',
  );
}

/** @throws DiskError of a version or type that nobody reads */
function parse({ bytes, at }: FooterBytes): Footer {
  const major = u16be(bytes, 12);
  if (major !== 1) {
    throw new DiskError('unsupported', `version ${major}.${u16be(bytes, 14)} of VHD is not known (1.0 is)`, {
      offset: at + 12,
    });
  }
  const code = u32be(bytes, 60);
  const type = TYPE_OF.get(code);
  if (!type) {
    throw new DiskError(
      'unsupported',
      `disk type ${code} is reserved in VHD (2 fixed, 3 dynamic and 4 differencing are known)`,
      { offset: at + 60 },
    );
  }
  return {
    type,
    temporary: (u32be(bytes, 8) & FEATURE_TEMPORARY) !== 0,
    dataOffset: bigU64be(bytes, 16),
    timeStamp: u32be(bytes, 24),
    creator: ascii(bytes, 28, 4),
    creatorVersion: `${u16be(bytes, 32)}.${u16be(bytes, 34)}`,
    creatorHost: ascii(bytes, 36, 4),
    originalSize: bigU64be(bytes, 40),
    currentSize: bigU64be(bytes, 48),
    geometry: { cylinders: u16be(bytes, 56), heads: bytes[58] ?? 0, sectorsPerTrack: bytes[59] ?? 0 },
    uuid: uuidOf(bytes, 68),
    savedState: (bytes[84] ?? 0) !== 0,
  };
}
