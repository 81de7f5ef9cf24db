import { ascii, text, u16be, u32be } from '../../bytes';
import type { Fact } from '../../model';

/** LUKS On-Disk Format Specification 1.2.3, "The partition header". */
export const LUKS_MAGIC = 'LUKS\xba\xbe';
/** Of version 1. */
export const HEADER_BYTES = 592;
const KEY_SLOTS = 8;
const KEY_SLOT_AT = 208;
const KEY_SLOT_BYTES = 48;
const SLOT_ACTIVE = 0x00ac71f3;
const SECTOR = 512;

/** How the content is encrypted, in the words of `qemu-img info` (qapi/crypto.json, QCryptoBlockInfoLUKS). */
export interface LuksInfo {
  /** `aes-256`: the cipher and the bits of its key. */
  readonly 'cipher-alg': string;
  readonly 'cipher-mode': string;
  readonly 'ivgen-alg': string;
  readonly 'ivgen-hash-alg'?: string;
  readonly 'hash-alg': string;
  readonly 'detached-header': false;
  readonly uuid: string;
  /** Offsets count from the start of the LUKS header. */
  readonly 'payload-offset': number;
  readonly 'master-key-iters': number;
  readonly slots: readonly LuksSlot[];
}

export interface LuksSlot {
  readonly active: boolean;
  readonly iters?: number;
  readonly 'key-offset': number;
  readonly stripes?: number;
}

/** The version that a LUKS header says it has; undefined where there is none. */
export const luksVersion = (bytes: Uint8Array): number | undefined =>
  bytes.length >= LUKS_MAGIC.length + 2 && ascii(bytes, 0, LUKS_MAGIC.length) === LUKS_MAGIC
    ? u16be(bytes, LUKS_MAGIC.length)
    : undefined;

/** @param bytes a header of version 1, all of it */
export function decodeLuks1(bytes: Uint8Array): LuksInfo {
  const field = (at: number, length: number): string => text(bytes.subarray(at, at + length));
  const [mode, iv] = split(field(40, 32), '-');
  const [ivAlgorithm, ivHash] = split(iv, ':');
  // XTS splits its key in two, each as long as the cipher's.
  const keyBits = (u32be(bytes, 108) * 8) / (mode === 'xts' ? 2 : 1);
  return {
    'cipher-alg': `${field(8, 32)}-${keyBits}`,
    'cipher-mode': mode,
    'ivgen-alg': ivAlgorithm,
    ...(ivHash === '' ? {} : { 'ivgen-hash-alg': ivHash }),
    'hash-alg': field(72, 32),
    'detached-header': false,
    uuid: field(168, 40),
    'payload-offset': u32be(bytes, 104) * SECTOR,
    'master-key-iters': u32be(bytes, 164),
    slots: Array.from({ length: KEY_SLOTS }, (_, index) => slot(bytes, KEY_SLOT_AT + index * KEY_SLOT_BYTES)),
  };
}

/** For a person to read. */
export function luks1Facts(luks: LuksInfo): Fact[] {
  const hash = luks['ivgen-hash-alg'];
  const iv = `${luks['ivgen-alg']}${hash === undefined ? '' : `:${hash}`}`;
  const used = luks.slots.filter(({ active }) => active).length;
  return [
    { label: 'Encryption', value: `LUKS (${luks['cipher-alg']}-${luks['cipher-mode']}, ${iv})` },
    { label: 'Key slots', value: `${used} of ${luks.slots.length} in use` },
    { label: 'Key derivation', value: `PBKDF2 with ${luks['hash-alg']}` },
    { label: 'LUKS id', value: luks.uuid },
  ];
}

function slot(bytes: Uint8Array, at: number): LuksSlot {
  const place = { 'key-offset': u32be(bytes, at + 40) * SECTOR };
  if (u32be(bytes, at) !== SLOT_ACTIVE) return { active: false, ...place };
  return { active: true, iters: u32be(bytes, at + 4), ...place, stripes: u32be(bytes, at + 44) };
}

function split(value: string, separator: string): [string, string] {
  const at = value.indexOf(separator);
  return at < 0 ? [value, ''] : [value.slice(0, at), value.slice(at + 1)];
}
