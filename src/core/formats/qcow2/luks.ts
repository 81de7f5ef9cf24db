import { ascii, readUpTo, text, u16be, u32be } from '../../bytes';
import type { ByteSource, Finding } from '../../model';
import type { Qcow2Header } from './header';

/**
 * LUKS On-Disk Format Specification 1.2.3, "The partition header"; docs/interop/qcow2.rst, "Full disk encryption header
 * pointer".
 */
const MAGIC = 'LUKS\xba\xbe';
const HEADER_BYTES = 592;
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

/** Reads how a LUKS image is encrypted; what can't be read is a finding, since the map does not depend on it. */
export function readLuks(
  source: ByteSource,
  header: Qcow2Header,
): { luks: LuksInfo | undefined; findings: readonly Finding[] } {
  if (header.encryption !== 'luks') return { luks: undefined, findings: [] };
  const broken = (message: string, offset?: number): { luks: undefined; findings: readonly Finding[] } => ({
    luks: undefined,
    findings: [
      {
        code: 'luks-header',
        severity: 'error',
        message,
        offset,
        advice: 'Without its LUKS header the content can never be decrypted.',
      },
    ],
  });
  if (header.luksOffset === undefined)
    return broken('the image is encrypted with LUKS and does not say where its LUKS header is');
  const bytes = readUpTo(source, header.luksOffset, HEADER_BYTES);
  if (bytes.length < HEADER_BYTES) return broken('the file ends inside the LUKS header', header.luksOffset);
  if (ascii(bytes, 0, MAGIC.length) !== MAGIC)
    return broken('there is no LUKS header where the image says it has one', header.luksOffset);
  const version = u16be(bytes, MAGIC.length);
  if (version !== 1)
    return broken(`the LUKS header is of version ${version}, of which QEMU knows nothing`, header.luksOffset);
  return { luks: decode(bytes), findings: [] };
}

function decode(bytes: Uint8Array): LuksInfo {
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

function slot(bytes: Uint8Array, at: number): LuksSlot {
  const place = { 'key-offset': u32be(bytes, at + 40) * SECTOR };
  if (u32be(bytes, at) !== SLOT_ACTIVE) return { active: false, ...place };
  return { active: true, iters: u32be(bytes, at + 4), ...place, stripes: u32be(bytes, at + 44) };
}

function split(value: string, separator: string): [string, string] {
  const at = value.indexOf(separator);
  return at < 0 ? [value, ''] : [value.slice(0, at), value.slice(at + 1)];
}
