import type { Fact, LayerInfo } from '../../model';
import type { Qcow2Parts } from './layer';
import type { Encryption } from './header';
import type { LuksInfo } from '../luks/luks1';
import { luks1Facts } from '../luks/luks1';
import type { Geometry } from './mapping';

/** The header for a person to read. */
export function describe({ header, snapshots, bitmaps, luks }: Qcow2Parts, geometry: Geometry): readonly Fact[] {
  const yes = (label: string, value: boolean): Fact[] => (value ? [{ label, value }] : []);
  return [
    { label: 'Version', value: header.version },
    { label: 'Disk size', value: header.guestSize, unit: 'bytes' },
    { label: 'Cluster size', value: geometry.clusterSize, unit: 'bytes' },
    ...(header.extendedL2
      ? [{ label: 'Subcluster size', value: geometry.subclusterSize, unit: 'bytes' } as const]
      : []),
    { label: 'Compression', value: header.compression },
    { label: 'Reference counts', value: 2 ** header.refcountOrder, unit: 'bits' },
    ...(header.backingName === undefined ? [] : [{ label: 'Backing file', value: header.backingName }]),
    ...(header.backingFormat === undefined ? [] : [{ label: 'Backing format', value: header.backingFormat }]),
    ...(header.dataFileName === undefined
      ? []
      : [{ label: header.rawExternalData ? 'Data file (raw)' : 'Data file', value: header.dataFileName }]),
    ...(header.encryption === 'none' ? [] : encryptionFacts(header.encryption, luks)),
    ...yes('Lazy reference counts', header.lazyRefcounts),
    ...yes('Dirty', header.dirty),
    ...yes('Marked corrupt', header.corrupt),
    ...(snapshots.length === 0 ? [] : [{ label: 'Internal snapshots', value: snapshots.length }]),
    ...(bitmaps.length === 0 ? [] : [{ label: 'Bitmaps', value: bitmaps.length }]),
  ];
}

/** The same as `qemu-img info --output=json` words it (qapi/block-core.json, ImageInfoSpecificQCow2). */
export function qemuInfo({ header, bitmaps, luks }: Qcow2Parts, geometry: Geometry): LayerInfo {
  const data: Record<string, unknown> = {
    compat: header.version === 2 ? '0.10' : '1.1',
    'compression-type': header.compression,
    'refcount-bits': 2 ** header.refcountOrder,
  };
  if (header.version === 3) {
    Object.assign(data, {
      'lazy-refcounts': header.lazyRefcounts,
      corrupt: header.corrupt,
      'extended-l2': header.extendedL2,
    });
  }
  if (header.dataFileName !== undefined) {
    Object.assign(data, { 'data-file': header.dataFileName, 'data-file-raw': header.rawExternalData });
  }
  if (bitmaps.length > 0) data['bitmaps'] = bitmaps;
  if (header.encryption !== 'none') data['encrypt'] = { format: header.encryption, ...luks };
  return {
    'cluster-size': geometry.clusterSize,
    'dirty-flag': header.dirty,
    ...(header.backingName === undefined || header.backingFormat === undefined
      ? {}
      : { 'backing-filename-format': header.backingFormat }),
    ...(header.encryption === 'none' ? {} : { encrypted: true }),
    'format-specific': { type: 'qcow2', data },
  };
}

/** block/qcow2.c and crypto/block-qcow.c: the passphrase itself is the key, the guest's sector number the IV. */
export const AES_FACTS: readonly Fact[] = [
  { label: 'Encryption', value: 'AES (aes-128-cbc, plain64)' },
  { label: 'Key', value: 'the first 16 bytes of the passphrase' },
];

/** How the content is encrypted: what `qemu-img info` tells, and of AES what nothing in the file does. */
function encryptionFacts(method: Encryption, luks: LuksInfo | undefined): readonly Fact[] {
  if (method === 'aes') return AES_FACTS;
  if (!luks) return [{ label: 'Encryption', value: 'LUKS' }];
  return luks1Facts(luks);
}
