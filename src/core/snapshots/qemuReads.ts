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
  // block/vdi.c, vdi_open: a link to a parent, other block sizes and other versions are refused.
  vdi: (layer) => {
    if (isDifferencing(layer)) return 'QEMU opens no differencing VDI';
    if (layer.grain !== MIB) return 'QEMU opens a VDI only where its blocks have 1 MiB';
    if (valueOf(layer, 'Version') !== '1.1') return 'QEMU opens a VDI only of version 1.1';
    if (valueOf(layer, 'Extra bytes of each block') !== undefined)
      return 'QEMU opens no VDI whose blocks have extra bytes';
    return undefined;
  },
  // block/vpc.c knows neither parents nor the bitmaps of sectors that say what is theirs.
  vpc: (layer) =>
    isDifferencing(layer)
      ? 'QEMU takes no notice of the parent of a differencing VHD, and would read wrong data without a word'
      : undefined,
  // block/vhdx.c: differencing is not supported; vhdx_parse_log refuses a log that it may not replay.
  vhdx: (layer) => {
    if (isDifferencing(layer)) return 'QEMU opens no differencing VHDX';
    if (valueOf(layer, 'Entries of the log to replay') !== undefined) {
      return 'its log is still to be replayed, and QEMU opens it only for writing then';
    }
    return undefined;
  },
  // block/vmdk.c: the kinds of descriptors that vmdk_open_desc_file takes, and a parent's CID, which has to be the same.
  vmdk: ({ findings }) => {
    if (findings.some(({ code }) => code === 'device-disk')) return 'it is a device and no file';
    if (findings.some(({ code }) => code === 'create-type')) return 'QEMU does not open VMDKs of its kind';
    if (findings.some(({ code }) => code === 'bare-extent'))
      return 'it is a part of a disk, whose descriptor is another file';
    return undefined;
  },
  // block/parallels.c opens one image, and knows no bundle.
  parallels: ({ parent, files, findings }, path) =>
    parent || files || /\.xml$/i.test(path) || findings.some(({ code }) => code === 'bundle-layer')
      ? 'QEMU opens single images of Parallels, and no bundle'
      : undefined,
  luks: (layer) =>
    valueOf(layer, 'Version') === 2
      ? 'QEMU does not know LUKS of version 2, and takes the cipher text for the disk'
      : 'it is encrypted by itself, and what is written to an overlay would not be',
};

const isDifferencing = (layer: Told['layer']): boolean =>
  layer.parent !== undefined || [valueOf(layer, 'Type'), valueOf(layer, 'Disk type')].includes('differencing');

const valueOf = ({ facts }: Told['layer'], name: string): Fact['value'] | undefined =>
  facts.find(({ label }) => label === name)?.value;
