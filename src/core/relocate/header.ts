import { readPadded, u32be, u64be } from '../bytes';
import { EXTENSION, readHeader } from '../formats/qcow2/header';
import type { Qcow2Header } from '../formats/qcow2/header';
import { LIMITS } from '../formats/qcow2/limits';
import type { ByteSource } from '../model';

/**
 * The header's cluster of a qcow2 image, as far as writing its parent's name anew changes it: docs/interop/qcow2.rst,
 * "Header" and "Header extensions".
 */

/** Longest name that QEMU writes or reads, in bytes. */
export const MAX_NAME_BYTES = LIMITS.maxBackingNameBytes;
/** What QEMU's header has (block/qcow2.h, QCowHeader); it makes a shorter one of version 3 that long. */
const HEADER_BYTES = { 2: 72, 3: 112 } as const;
const EXTENSION_BYTES = 8;
/** QEMU names the features that it knows where clusters have at least so many bytes: eight of them, 48 bytes each. */
const NAMES_FEATURES_FROM = 4096;
const FEATURE_NAMES_BYTES = EXTENSION_BYTES + 8 * 48;

const padded = (bytes: number): number => Math.ceil(bytes / 8) * 8;

/** The first cluster of an image, shorter only where its file is. @throws DiskError where it is no qcow2 image that can be read */
export function headerCluster(source: ByteSource): { readonly header: Qcow2Header; readonly bytes: Uint8Array } {
  const header = readHeader(source);
  const bytes = new Uint8Array(Math.min(2 ** header.clusterBits, source.size));
  readPadded(source, bytes, 0);
  return { header, bytes };
}

/**
 * Bytes that there are for the parent's name in the header's cluster once QEMU has written it anew (block/qcow2.c,
 * qcow2_update_header): behind the header and all extensions, and never more than `MAX_NAME_BYTES`.
 */
export function roomForName(cluster: Uint8Array, header: Qcow2Header, format: string): number {
  const clusterSize = 2 ** header.clusterBits;
  const kept = extensionsOf(cluster, header)
    .filter(({ type }) => type !== EXTENSION.backingFormat && type !== EXTENSION.featureNames)
    .reduce((sum, { length }) => sum + EXTENSION_BYTES + padded(length), 0);
  const own = padded(Math.max(HEADER_BYTES[header.version], header.headerLength));
  const names = header.version === 3 && clusterSize >= NAMES_FEATURES_FROM ? FEATURE_NAMES_BYTES : 0;
  const taken = own + kept + names + EXTENSION_BYTES + padded(format.length) + EXTENSION_BYTES;
  return Math.max(0, Math.min(MAX_NAME_BYTES, clusterSize - taken));
}

/** What is another one in the second of two headers, beside the parent's name and format; empty where nothing is. */
export function changedBesideParent(before: Uint8Array, after: Uint8Array): readonly string[] {
  const fields = u32be(before, 4) === 3 ? [...FIELDS, ...FIELDS_OF_3] : FIELDS;
  const changed = fields.filter(({ at, length }) => !sameBytes(before, after, at, length)).map(({ what }) => what);
  const [a, b] = [readHeader(memory(before)), readHeader(memory(after))];
  if (a.compression !== b.compression) changed.push('compression');
  if (keptExtensions(before, a) !== keptExtensions(after, b)) changed.push('extensions');
  return changed;
}

/** Fields that QEMU writes as they were. The autoclear features are not among these: it clears those it does not know. */
const FIELDS: readonly { readonly what: string; readonly at: number; readonly length: number }[] = [
  { what: 'version', at: 0, length: 8 },
  { what: 'cluster size and disk size', at: 20, length: 12 },
  { what: 'encryption', at: 32, length: 4 },
  { what: 'L1 table', at: 36, length: 12 },
  { what: 'reference counts', at: 48, length: 12 },
  { what: 'snapshot table', at: 60, length: 12 },
];
/** Of version 3 alone. */
const FIELDS_OF_3: typeof FIELDS = [
  { what: 'features', at: 72, length: 16 },
  { what: 'width of reference counts', at: 96, length: 4 },
];

function sameBytes(a: Uint8Array, b: Uint8Array, at: number, length: number): boolean {
  for (let i = at; i < at + length; i += 1) if (a[i] !== b[i]) return false;
  return true;
}

/** Extensions that are kept as they are, as one text; bitmaps are not, since QEMU stores these anew when it closes. */
function keptExtensions(cluster: Uint8Array, header: Qcow2Header): string {
  const rewritten: ReadonlySet<number> = new Set([EXTENSION.backingFormat, EXTENSION.featureNames, EXTENSION.bitmaps]);
  return extensionsOf(cluster, header)
    .filter(({ type }) => !rewritten.has(type))
    .map(({ type, data }) => `${type}:${data.join(',')}`)
    .join(';');
}

interface Extension {
  readonly type: number;
  readonly length: number;
  readonly data: Uint8Array;
}

function extensionsOf(cluster: Uint8Array, header: Qcow2Header): Extension[] {
  const found: Extension[] = [];
  const nameAt = u64be(cluster, 8, 'offset of the backing file name', 8);
  const end = Math.min(nameAt === 0 ? cluster.length : nameAt, cluster.length);
  for (let at = header.headerLength; at + EXTENSION_BYTES <= end && found.length < LIMITS.maxHeaderExtensions;) {
    const type = u32be(cluster, at);
    const length = u32be(cluster, at + 4);
    if (type === EXTENSION.end || at + EXTENSION_BYTES + length > end) break;
    found.push({ type, length, data: cluster.subarray(at + EXTENSION_BYTES, at + EXTENSION_BYTES + length) });
    at += EXTENSION_BYTES + padded(length);
  }
  return found;
}

/** A header's cluster as a file of its own. */
export function memory(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    readInto: (target, position) => {
      target.set(bytes.subarray(position, position + target.length));
    },
    close: () => undefined,
  };
}
