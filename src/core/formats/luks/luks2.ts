import { ascii, bigU64be, readUpTo, text, u16be, u64be } from '../../bytes';
import { DiskError } from '../../errors';
import type { ByteSource, Finding } from '../../model';
import { LIMITS } from './limits';
import { LUKS_MAGIC, luksVersion } from './luks1';

/** LUKS2 On-Disk Format Specification 1.1.1, section 2.1: the binary header, and where the JSON area behind it begins. */
const SECOND_MAGIC = 'SKUL\xba\xbe';
const BINARY_BYTES = 4096;
const CHECKSUM_AT = 448;
const CHECKSUM_BYTES = 64;

/** What one of the two headers says. */
export interface Luks2Header {
  readonly which: 'first' | 'second';
  readonly sequence: number;
  readonly label: string;
  readonly subsystem: string;
  readonly uuid: string;
  readonly keySlots: readonly Luks2KeySlot[];
  readonly segments: readonly Luks2Segment[];
  /** What the reader of the container must know of, such as `online-reencrypt`. */
  readonly requirements: readonly string[];
}

export interface Luks2KeySlot {
  readonly id: string;
  /** `argon2id`, `pbkdf2` … */
  readonly derivation: string | undefined;
  readonly keyBytes: number | undefined;
}

export interface Luks2Segment {
  readonly id: string;
  /** `crypt`, `linear` … */
  readonly type: string;
  readonly offset: number;
  /** Bytes; undefined where it goes on to the end of the device. */
  readonly size: number | undefined;
  /** `aes-xts-plain64` */
  readonly encryption: string | undefined;
  readonly sectorSize: number | undefined;
  /** `hmac(sha256)` */
  readonly integrity: string | undefined;
}

/** SHA-256, in hexadecimal. */
export type Hash = (bytes: Uint8Array) => string;

/** A header whose JSON could be read, and whether its checksum holds; undefined where that is of another kind than SHA-256. */
interface Candidate {
  readonly header: Luks2Header;
  readonly sound: boolean | undefined;
}

/**
 * Reads both headers of a container and takes the newer one that is sound, as cryptsetup does.
 * @throws DiskError where neither can be used; `io`
 */
export function readLuks2(
  source: ByteSource,
  sha256: Hash,
): { readonly header: Luks2Header; readonly findings: readonly Finding[] } {
  const reader: Reader = (at, which) => attempt({ source, sha256 }, at, which);
  const first = reader(0, 'first');
  const second = first.size === undefined ? secondSomewhere(reader) : reader(first.size, 'second');
  const candidates = [first.candidate, second.candidate].filter((each) => each !== undefined);
  const usable = candidates.filter(({ sound }) => sound !== false);
  const chosen = usable.sort((a, b) => b.header.sequence - a.header.sequence)[0] ?? candidates[0];
  if (!chosen) {
    throw new DiskError(
      'corrupt',
      `neither of the two LUKS headers can be used: of the first, ${first.why ?? 'nothing is known'}`,
      { offset: 0 },
      RESTORE,
    );
  }
  return { header: chosen.header, findings: findingsOf(first, second, chosen) };
}

/** Where the first header's size can't be believed, the second may be at any place that the format allows. */
function secondSomewhere(reader: Reader): Attempt {
  const all = LIMITS.headerSizes.map((at) => reader(at, 'second'));
  return all.find(({ candidate }) => candidate !== undefined) ?? NOWHERE;
}

type Reader = (at: number, which: Luks2Header['which']) => Attempt;

/** What came of reading one of the headers. */
interface Attempt {
  readonly candidate: Candidate | undefined;
  /** What the header says of its own size, where that can be. */
  readonly size: number | undefined;
  /** Why it can't be used, or not be trusted. */
  readonly why: string | undefined;
}

const NOWHERE: Attempt = { candidate: undefined, size: undefined, why: 'there is none where it should be' };

function attempt(
  { source, sha256 }: { readonly source: ByteSource; readonly sha256: Hash },
  at: number,
  which: Luks2Header['which'],
): Attempt {
  const none = (why: string, size?: number): Attempt => ({ candidate: undefined, size, why });
  const binary = readUpTo(source, at, BINARY_BYTES);
  const isThere =
    which === 'first' ? luksVersion(binary) === 2 : ascii(binary, 0, SECOND_MAGIC.length) === SECOND_MAGIC;
  if (!isThere || u16be(binary, LUKS_MAGIC.length) !== 2) return NOWHERE;
  if (binary.length < BINARY_BYTES) return none('the file ends inside it');
  if (bigU64be(binary, 256) !== BigInt(at)) return none('it says that it stands elsewhere');
  const told = bigU64be(binary, 8);
  const size = LIMITS.headerSizes.find((each) => BigInt(each) === told);
  if (size === undefined) return none(`its size, ${told} bytes, is none that the format allows`);
  const bytes = readUpTo(source, at, size);
  if (bytes.length < size) return none('the file ends inside it', size);
  const header = decode(bytes, which, at);
  if (!header) return none('its JSON area can not be read', size);
  const sound = isSound(bytes, sha256);
  return { candidate: { header, sound }, size, why: sound === false ? 'its checksum does not hold' : undefined };
}

function isSound(bytes: Uint8Array, sha256: Hash): boolean | undefined {
  if (text(bytes.subarray(72, 72 + 32)) !== 'sha256') return undefined;
  const told = bytes.slice(CHECKSUM_AT, CHECKSUM_AT + 32);
  const plain = bytes.slice();
  plain.fill(0, CHECKSUM_AT, CHECKSUM_AT + CHECKSUM_BYTES);
  return sha256(plain) === Array.from(told, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function decode(bytes: Uint8Array, which: Luks2Header['which'], at: number): Luks2Header | undefined {
  const field = (from: number, length: number): string => text(bytes.subarray(from, from + length));
  let json: unknown;
  let sequence: number;
  try {
    json = JSON.parse(text(bytes.subarray(BINARY_BYTES)));
    sequence = u64be(bytes, 16, 'sequence number of the LUKS header', at + 16);
  } catch {
    return undefined;
  }
  return {
    which,
    sequence,
    label: field(24, 48),
    uuid: field(168, 40),
    subsystem: field(208, 48),
    keySlots: entries(json, 'keyslots').slice(0, LIMITS.maxKeySlots).map(keySlot),
    segments: entries(json, 'segments')
      .slice(0, LIMITS.maxSegments)
      .map(segment)
      .filter((each) => each !== undefined),
    requirements: strings(member(member(member(json, 'config'), 'requirements'), 'mandatory')).slice(
      0,
      LIMITS.maxRequirements,
    ),
  };
}

const keySlot = ([id, value]: readonly [string, unknown]): Luks2KeySlot => ({
  id,
  derivation: string(member(member(value, 'kdf'), 'type')),
  keyBytes: number(member(value, 'key_size')),
});

function segment([id, value]: readonly [string, unknown]): Luks2Segment | undefined {
  const offset = decimal(member(value, 'offset'));
  const size = member(value, 'size');
  if (offset === undefined) return undefined;
  return {
    id,
    type: string(member(value, 'type')) ?? 'unknown',
    offset,
    size: size === 'dynamic' ? undefined : decimal(size),
    encryption: string(member(value, 'encryption')),
    sectorSize: number(member(value, 'sector_size')),
    integrity: string(member(member(value, 'integrity'), 'type')),
  };
}

// Of JSON from a stranger each value is asked for what it is.
const member = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;

function entries(json: unknown, name: string): (readonly [string, unknown])[] {
  const value = member(json, name);
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}

const string = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const number = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
const strings = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];

/** Offsets and sizes are decimal numbers in strings (section 3). */
function decimal(value: unknown): number | undefined {
  if (typeof value !== 'string' || !/^\d{1,16}$/.test(value)) return undefined;
  return number(Number(value));
}

const RESTORE = 'Restore the header from its backup: cryptsetup luksHeaderRestore.';
const BACK_UP =
  'Back the header up now (cryptsetup luksHeaderBackup); cryptsetup mends it when it opens the container.';

function findingsOf(first: Attempt, second: Attempt, { header, sound }: Candidate): Finding[] {
  const findings: Finding[] = [];
  const tell = (severity: Finding['severity'], message: string, advice?: string): unknown =>
    findings.push({ code: 'luks-header', severity, message, advice });
  for (const [which, { why }] of [
    ['first', first],
    ['second', second],
  ] as const) {
    if (why === undefined) continue;
    if (which === header.which)
      tell('error', `no LUKS header is sound; what the ${which} says is told: ${why}`, RESTORE);
    else tell('warning', `the ${which} LUKS header is not used: ${why}`, BACK_UP);
  }
  if (sound === undefined) {
    tell('info', 'the checksum of the LUKS header is of a kind that is not known here: it was not verified');
  }
  const sequences = [first, second].map(({ candidate }) => candidate?.header.sequence);
  if (findings.length === 0 && sequences[0] !== sequences[1]) {
    tell('warning', `the two LUKS headers differ: the ${header.which} is newer, and is used`, BACK_UP);
  }
  return findings;
}
