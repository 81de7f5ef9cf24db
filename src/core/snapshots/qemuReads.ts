import type { ChainLayer, Fact } from '../model';

/** Why QEMU does not read an image as it is meant to be read, and what to do about that. */
export interface Misread {
  readonly why: string;
  readonly advice: string;
}

const MIB = 1 << 20;
const COPY = 'Make a copy that QEMU reads, and go on with that: vmdisk convert -O qcow2.';

type Told = Pick<ChainLayer, 'identity' | 'layer'>;

/**
 * Whether QEMU may be given an image to read, as the parent of a qcow2 or to merge from. It takes some for what they are
 * not, silently, and refuses others (block/*.c, QEMU 10; measured with qemu-img 10).
 * @returns undefined where it reads it as we do
 */
export function misread({ identity, layer }: Told): Misread | undefined {
  if (identity.archive) {
    return { why: 'it is inside an archive, which QEMU does not look into', advice: COPY };
  }
  const why = RULES[layer.format]?.(layer, identity.path);
  if (why === undefined) return undefined;
  return { why, advice: layer.format === 'luks' ? DECRYPT : COPY };
}

const DECRYPT =
  'QEMU would ask for its key each time. Where it is the guest that encrypts its own disk, name its format: raw.';

type Rule = (layer: Told['layer'], path: string) => string | undefined;

const RULES: Readonly<Record<string, Rule>> = {
  // block/qed.c, qed_check_table_offset: the table's end overflows where a table has one cluster.
  qed: (layer) =>
    valueOf(layer, 'Table size') === valueOf(layer, 'Cluster size') && valueOf(layer, 'Table size') !== undefined
      ? 'QEMU opens no QED whose tables have one cluster'
      : undefined,
  // block/vdi.c, vdi_open: a link to a parent, other block sizes and other versions are refused.
  vdi: (layer) => {
    if (isDifferencing(layer)) return 'QEMU opens no differencing VDI';
    if (layer.grain !== MIB) return 'QEMU opens a VDI only where its blocks have 1 MiB';
    if (valueOf(layer, 'Version') !== '1.1') return 'QEMU opens a VDI only of version 1.1';
    if (valueOf(layer, 'Extra bytes of each block') !== undefined)
      return 'QEMU opens no VDI whose blocks have extra bytes';
    return told(layer, VDI_FINDINGS);
  },
  // block/vpc.c knows neither parents nor the bitmaps of sectors that say what is theirs, and the copy of the footer alone.
  vpc: (layer) => {
    if (isDifferencing(layer)) {
      return 'QEMU takes no notice of the parent of a differencing VHD, and would read wrong data without a word';
    }
    if (valueOf(layer, 'Disk type') === 'dynamic' && layer.grain < SMALLEST_WITH_BITMAP) {
      return 'QEMU takes blocks of less than 4 KiB to have no bitmap, and would read wrong data without a word';
    }
    return told(layer, VPC_FINDINGS);
  },
  // block/vhdx.c: differencing is not supported; vhdx_parse_log refuses a log that it may not replay.
  vhdx: (layer) => {
    if (isDifferencing(layer)) return 'QEMU opens no differencing VHDX';
    if (valueOf(layer, 'Entries of the log to replay') !== undefined) {
      return 'its log is still to be replayed, and QEMU opens it only for writing then';
    }
    return told(layer, VHDX_FINDINGS);
  },
  // block/vmdk.c: the kinds of descriptors that vmdk_open_desc_file takes.
  vmdk: (layer) => {
    if (valueOf(layer, 'Type') === 'custom') return 'QEMU does not open VMDKs of its kind';
    return told(layer, VMDK_FINDINGS);
  },
  // block/parallels.c opens one image, and knows no bundle.
  parallels: (layer, path) =>
    layer.parent || layer.files || /\.xml$/i.test(path) || hasFinding(layer, 'bundle-layer')
      ? 'QEMU opens single images of Parallels, and no bundle'
      : told(layer, PARALLELS_FINDINGS),
  luks: (layer) =>
    valueOf(layer, 'Version') === 2
      ? 'QEMU does not know LUKS of version 2, and takes the cipher text for the disk'
      : 'it is encrypted by itself, and what is written to an overlay would not be',
};

/** block/vpc.c, vpc_open: a bit for each sector, in whole bytes. */
const SMALLEST_WITH_BITMAP = 4096;

/** Why QEMU does not read an image of which a driver has found this, by the finding's code. */
type Reasons = Readonly<Record<string, string>>;

const VDI_FINDINGS: Reasons = {
  'parent-ignored': 'QEMU opens no VDI that names a parent, whatever its type',
  unaligned: 'QEMU opens no VDI whose block map or data begins inside a sector',
  'sector-size': 'QEMU opens a VDI only where its sectors have 512 bytes',
};
const VPC_FINDINGS: Reasons = {
  'footer-copy': 'QEMU reads the copy of its footer alone, which is damaged',
  'footer-copies-differ': 'QEMU reads the copy of its footer alone, which says something else',
};
const VHDX_FINDINGS: Reasons = {
  'region-table-copy': 'QEMU reads the first of its region tables alone, and one of them is damaged',
};
const MISSING_EXTENT = 'a file of it is not there or may not be opened, and QEMU opens it only with all of them';
const VMDK_FINDINGS: Reasons = {
  'device-disk': 'it is a device and no file',
  'create-type': 'QEMU does not open VMDKs of its kind',
  'bare-extent': 'it is a part of a disk, whose descriptor is another file',
  'redundant-directory': 'QEMU reads the first of its grain directories alone, which is damaged',
  'extent-missing': MISSING_EXTENT,
  'extent-refused': MISSING_EXTENT,
  'extent-device': 'a part of it is a device and no file',
  'extent-unusable': 'a file of it is damaged, and QEMU opens it only with all of them',
  'extent-type': 'QEMU does not open extents of its kind',
};
const BROKEN_EXTENSION = 'QEMU opens no Parallels image whose format extension is damaged or not known to it';
const PARALLELS_FINDINGS: Reasons = {
  'extension-past-end': BROKEN_EXTENSION,
  'extension-magic': BROKEN_EXTENSION,
  'extension-checksum': BROKEN_EXTENSION,
  'extension-feature': BROKEN_EXTENSION,
  bitmap: 'QEMU opens no Parallels image with a dirty bitmap that is damaged',
};

const told = ({ findings }: Told['layer'], reasons: Reasons): string | undefined =>
  findings
    .map(({ code }) => (Object.hasOwn(reasons, code) ? reasons[code] : undefined))
    .find((why) => why !== undefined);

const hasFinding = ({ findings }: Told['layer'], code: string): boolean => findings.some((each) => each.code === code);

const isDifferencing = (layer: Told['layer']): boolean =>
  layer.parent !== undefined || [valueOf(layer, 'Type'), valueOf(layer, 'Disk type')].includes('differencing');

const valueOf = ({ facts }: Told['layer'], name: string): Fact['value'] | undefined =>
  facts.find(({ label }) => label === name)?.value;
