/** What the corpus's images of other formats than qcow2 and raw hold, by readers that others wrote. */
import type { Digest } from './formats/contentHash';

export interface CorpusTruth {
  /** As it is opened, below the corpus. */
  readonly image: string;
  /** The driver's id. */
  readonly format: string;
  /** How many images a read may pass. */
  readonly layers: number;
  readonly content: Digest;
  /** Who read it so, all of them the same. */
  readonly judges: string;
  /** Whether `qemu-img map` can be held against ours. */
  readonly qemuMaps: boolean;
}

const DFVFS = 'log2timeline__dfvfs';
const DISC_UTILS = 'DiscUtils__DiscUtils';
const MIB = 2 ** 20;
const EXT2 = 'a6c2f0e39afe6c6ab432ca5465349fcefe8dc944398e97b2d957d3f89dbb5d80';

const truth = (
  image: string,
  format: string,
  judges: string,
  sha256: string,
  { size = 4 * MIB, layers = 1, qemuMaps = false } = {},
): CorpusTruth => ({ image, format, layers, content: { size, sha256 }, judges, qemuMaps });

const ALL_THREE = 'qemu-img 10.0.2, libvhdi 20210425, 7-Zip 26.01';
const MERGED = 'libvhdi 20210425 (the merged image of the corpus), 7-Zip 26.01';
const HDS = `${DFVFS}/hfsplus.hdd/hfsplus.hdd.0.{5fbaabe3-6958-40ff-92a7-860e329aab41}.hds`;
const HFS_PLUS = 'b5d1c3bb34c26e20976ba041e742c7529cce93b9cb00b435ba5c4af3e652a1e1';

export const CORPUS_TRUTHS: readonly CorpusTruth[] = [
  {
    ...truth(`${DISC_UTILS}/xfs5.vhdx`, 'vhdx', ALL_THREE, ''),
    content: {
      size: 10 * 1024 * MIB,
      blocksSha256: 'c1af44767132929e7552eed802ecc40054a57624dde24f6eb4b217e72a97e580',
    },
  },
  {
    // Without its log, as libvhdi reads it, it is all zeros.
    ...truth(`${DISC_UTILS}/vhdx-log-replay.vhdx`, 'vhdx', `${ALL_THREE}, of a copy whose log qemu-img replayed`, ''),
    content: {
      size: 1024 * MIB,
      blocksSha256: 'd9f79b28e84d00bda96070947caa36dace3305d41c727619717de5bd9f386ba2',
    },
  },
  truth(`${DFVFS}/ext2.vhd`, 'vpc', ALL_THREE, '870be7ae16c1fa8faab05c6eb9205dc9a7ae35c5f552c5cf8a267c0bc6a5cb99', {
    size: 4_212_736,
    qemuMaps: true,
  }),
  truth(
    `${DFVFS}/ntfs-dynamic.vhd`,
    'vpc',
    ALL_THREE,
    '8b10b52e3d1e76075d05a5101a6536b9fa8376a5b8f7c22f502d0987d165c876',
    { qemuMaps: true },
  ),
  truth(
    `${DFVFS}/ntfs-fixed.vhd`,
    'vpc',
    ALL_THREE,
    'cd81fade3878f1b2957f1ece168201876bdf4e90c9b30f60c2f232eba5fea76c',
    { qemuMaps: true },
  ),
  truth(
    `${DFVFS}/fat-parent.vhd`,
    'vpc',
    ALL_THREE,
    'bbdb657bc5aa2fde44e2456149f9257a862cb84f4668e338b90e357b0fbdf118',
    { qemuMaps: true },
  ),
  // Not as the corpus's merged image: see MERGED_OTHERWISE.
  truth(
    // The merged image of the corpus is wrong in sector 186, the content of WPSettings.dat: libvhdi takes it from the child,
    // whose bit for it is clear (0xcb in byte 23 of the bitmap), since it does not mask the bits before it.
    `${DFVFS}/fat-differential.vhd`,
    'vpc',
    '7-Zip 26.01',
    'f4b61a33ee2f7e8c19f737792a4107e46340026a9a829e4169b751901cc3ef02',
    {
      layers: 2,
    },
  ),
  truth(`${DFVFS}/ext2.vhdx`, 'vhdx', ALL_THREE, EXT2),
  truth(
    `${DFVFS}/ntfs-dynamic.vhdx`,
    'vhdx',
    ALL_THREE,
    'b92731f8e4bf3532418444d22a9086823a8122569500acd09cd8d2ce20eb98e9',
  ),
  truth(
    `${DFVFS}/fat-parent.vhdx`,
    'vhdx',
    ALL_THREE,
    '2d1954fec68faefe81dd3687282a9b387bf8417f6d2cf0da3825fa1445b64cfb',
  ),
  truth(
    `${DFVFS}/fat-differential.vhdx`,
    'vhdx',
    MERGED,
    'a538161f34bc44c12bf9a542ce9218741c62728723ea18d0e4f6ea92e9f32e93',
    {
      layers: 2,
    },
  ),
  truth(`${DFVFS}/ext2.vmdk`, 'vmdk', 'qemu-img 10.0.2, libvmdk 20200926', EXT2, { qemuMaps: true }),
  truth(HDS, 'parallels', 'qemu-img 10.0.2', HFS_PLUS, { size: 32 * MIB, qemuMaps: true }),
  // Its only image is that file, and all of the disk.
  truth(`${DFVFS}/hfsplus.hdd/DiskDescriptor.xml`, 'parallels', 'qemu-img 10.0.2, by way of its one image', HFS_PLUS, {
    size: 32 * MIB,
  }),
];

/**
 * What libvhdi 20210425, which made the corpus's merged VHD, reads otherwise: it takes this sector from the child, where it
 * is zero, though its bit in the sector bitmap is clear. So 7-Zip and we read the parent's, the content of WPSettings.dat,
 * which Windows begins with the file's length. It takes all other sectors by their bits.
 */
export const MERGED_OTHERWISE = {
  image: `${DFVFS}/fat-differential.vhd`,
  merged: 'merged/fat-vhd-merged.raw',
  parent: `${DFVFS}/fat-parent.vhd`,
  sectors: [186],
} as const;
