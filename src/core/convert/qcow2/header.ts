import { setU32be, setU64be } from '../../bytes';
import { EXTENSION, FEATURE_NAME_BYTES, INCOMPATIBLE, MAGIC } from '../../formats/qcow2/header';
import { CLUSTER_BITS, REFCOUNT_ORDER } from './layout';

/** docs/interop/qcow2.rst, "Header" and "Additional fields": up to the compression type, padded. */
const HEADER_BYTES = 112;
const VERSION = 3;
const COMPRESSION_BIT = 2 ** INCOMPATIBLE.indexOf('compression');
const COMPRESSION_TYPE = { zlib: 0, zstd: 1 } as const;

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
  readonly guestSize: number;
  readonly l1Entries: number;
  readonly l1Offset: number;
  readonly refcountTableOffset: number;
  readonly refcountTableClusters: number;
  readonly compression: 'zlib' | 'zstd';
}

/** The header and its extensions: what stands at the start of the first cluster. */
export function headerBytes(fields: HeaderFields): Uint8Array {
  const names = FEATURE_NAMES.length * FEATURE_NAME_BYTES;
  // Type and length of the table of names, and an end marker of eight zero bytes.
  const bytes = new Uint8Array(HEADER_BYTES + 8 + names + 8);
  setU32be(bytes, 0, MAGIC);
  setU32be(bytes, 4, VERSION);
  setU32be(bytes, 20, CLUSTER_BITS);
  setU64be(bytes, 24, fields.guestSize);
  setU32be(bytes, 36, fields.l1Entries);
  setU64be(bytes, 40, fields.l1Offset);
  setU64be(bytes, 48, fields.refcountTableOffset);
  setU32be(bytes, 56, fields.refcountTableClusters);
  // zlib is what an image without the bit has; the type may only be another one with it.
  if (fields.compression !== 'zlib') setU64be(bytes, 72, COMPRESSION_BIT);
  setU32be(bytes, 96, REFCOUNT_ORDER);
  setU32be(bytes, 100, HEADER_BYTES);
  bytes[104] = COMPRESSION_TYPE[fields.compression];
  setU32be(bytes, HEADER_BYTES, EXTENSION.featureNames);
  setU32be(bytes, HEADER_BYTES + 4, names);
  FEATURE_NAMES.forEach(([type, bit, name], index) => {
    const at = HEADER_BYTES + 8 + index * FEATURE_NAME_BYTES;
    bytes[at] = type;
    bytes[at + 1] = bit;
    for (let i = 0; i < name.length; i += 1) bytes[at + 2 + i] = name.charCodeAt(i);
  });
  return bytes;
}
