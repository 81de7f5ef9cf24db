import { setU32be, setU64be, utf8Bytes } from '../../bytes';
import { DiskError } from '../../errors';
import { EXTENSION, FEATURE_NAME_BYTES, INCOMPATIBLE, MAGIC } from '../../formats/qcow2/header';
import { LIMITS } from '../../formats/qcow2/limits';
import { formatBytes } from '../../units';
import { REFCOUNT_ORDER } from './layout';

/** docs/interop/qcow2.rst, "Header" and "Additional fields": up to the compression type, padded; version 2 ends sooner. */
const HEADER_BYTES = { 2: 72, 3: 112 } as const;
const COMPRESSION_BIT = 2 ** INCOMPATIBLE.indexOf('compression');
const EXTENDED_L2_BIT = 2 ** INCOMPATIBLE.indexOf('extended-l2');
const COMPRESSION_TYPE = { zlib: 0, zstd: 1 } as const;
/** Type and length of an extension; also the mark of their end, eight zero bytes. */
const EXTENSION_HEADER_BYTES = 8;

/** "Feature name table": type (0 incompatible, 1 compatible, 2 autoclear), bit, and what QEMU calls it. */
const FEATURE_NAMES: readonly (readonly [type: number, bit: number, name: string])[] = [
  [0, 0, 'dirty bit'],
  [0, 1, 'corrupt bit'],
  [0, 2, 'external data file'],
  [0, 3, 'compression type'],
  [0, 4, 'extended L2 entries'],
  [1, 0, 'lazy refcounts'],
  [2, 0, 'bitmaps'],
  [2, 1, 'raw external data'],
];

export interface HeaderFields {
  readonly version: 2 | 3;
  readonly clusterBits: number;
  readonly guestSize: number;
  readonly l1Entries: number;
  readonly l1Offset: number;
  readonly refcountTableOffset: number;
  readonly refcountTableClusters: number;
  /** What version 3 can say. */
  readonly compression?: 'zlib' | 'zstd';
  readonly extendedL2?: boolean;
  /** The parent, as it is to be written. */
  readonly backing?: { readonly name: string; readonly format: string } | undefined;
}

/**
 * The header, its extensions and the parent's name: what stands at the start of the first cluster.
 * @throws DiskError `limit` when the name does not fit
 */
export function headerBytes(fields: HeaderFields): Uint8Array {
  const { version, backing } = fields;
  const name = utf8Bytes(backing?.name ?? '');
  const extensions = backing ? [extension(EXTENSION.backingFormat, utf8Bytes(backing.format))] : [];
  // Nothing depends on the names of features; in clusters of 512 bytes there is no room for them.
  const names = extension(EXTENSION.featureNames, featureNames());
  if (version === 3 && lengthOf(version, [...extensions, names]) + name.length <= 2 ** fields.clusterBits) {
    extensions.push(names);
  }
  const nameAt = lengthOf(version, extensions);
  assertFits(name.length, nameAt, fields.clusterBits);
  const bytes = new Uint8Array(nameAt + name.length);
  fixedFields(bytes, fields);
  if (version === 3) additionalFields(bytes, fields);
  let at: number = HEADER_BYTES[version];
  for (const each of extensions) {
    bytes.set(each, at);
    at += each.length;
  }
  if (backing) {
    setU64be(bytes, 8, nameAt);
    setU32be(bytes, 16, name.length);
    bytes.set(name, nameAt);
  }
  return bytes;
}

function fixedFields(bytes: Uint8Array, fields: HeaderFields): void {
  setU32be(bytes, 0, MAGIC);
  setU32be(bytes, 4, fields.version);
  setU32be(bytes, 20, fields.clusterBits);
  setU64be(bytes, 24, fields.guestSize);
  setU32be(bytes, 36, fields.l1Entries);
  setU64be(bytes, 40, fields.l1Offset);
  setU64be(bytes, 48, fields.refcountTableOffset);
  setU32be(bytes, 56, fields.refcountTableClusters);
}

function additionalFields(bytes: Uint8Array, { compression = 'zlib', extendedL2 = false }: HeaderFields): void {
  // zlib is what an image without the bit has; the type may only be another one with it.
  setU64be(bytes, 72, (compression === 'zlib' ? 0 : COMPRESSION_BIT) + (extendedL2 ? EXTENDED_L2_BIT : 0));
  setU32be(bytes, 96, REFCOUNT_ORDER);
  setU32be(bytes, 100, HEADER_BYTES[3]);
  bytes[104] = COMPRESSION_TYPE[compression];
}

/** docs/interop/qcow2.rst, "Header extensions": data is filled up to whole words of eight bytes. */
function extension(type: number, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(EXTENSION_HEADER_BYTES + Math.ceil(data.length / 8) * 8);
  setU32be(bytes, 0, type);
  setU32be(bytes, 4, data.length);
  bytes.set(data, EXTENSION_HEADER_BYTES);
  return bytes;
}

function featureNames(): Uint8Array {
  const bytes = new Uint8Array(FEATURE_NAMES.length * FEATURE_NAME_BYTES);
  FEATURE_NAMES.forEach(([type, bit, name], index) => {
    const at = index * FEATURE_NAME_BYTES;
    bytes[at] = type;
    bytes[at + 1] = bit;
    bytes.set(utf8Bytes(name), at + 2);
  });
  return bytes;
}

/** Of the header with its extensions and the mark of their end. */
const lengthOf = (version: 2 | 3, extensions: readonly Uint8Array[]): number =>
  extensions.reduce<number>((sum, { length }) => sum + length, HEADER_BYTES[version]) + EXTENSION_HEADER_BYTES;

function assertFits(length: number, at: number, clusterBits: number): void {
  const clusterSize = 2 ** clusterBits;
  const room = Math.min(LIMITS.maxBackingNameBytes, clusterSize - at);
  if (length <= room) return;
  const advice = 'Put the two nearer to each other in the tree of folders, or give their folders shorter names';
  throw new DiskError(
    'limit',
    room < LIMITS.maxBackingNameBytes
      ? `the name of the parent has ${length} bytes, and the header has room for ${room} with clusters of ${formatBytes(clusterSize)}`
      : `the name of the parent has ${length} bytes; a header holds at most ${room}`,
    {},
    room < LIMITS.maxBackingNameBytes ? `${advice}; larger clusters have more room.` : `${advice}.`,
  );
}
