import { qemuImg } from '../support/qemu';
import { SECTOR, type Workshop } from '../support/workshop';

const KIB = 1024;
const MIB = 1024 * KIB;
const MAX_SIZE = 12 * MIB;

/**
 * Makes a chain of which everything is drawn: depth, sizes, cluster sizes, versions, compression, subclusters, data
 * files, refcount widths, preallocation, internal snapshots, and what is written.
 * @returns its images, base first
 */
export function randomChain(shop: Workshop): string[] {
  const { draw } = shop;
  const images: string[] = [];
  const depth = draw.between(1, 5);
  let size = draw.between(64, 4096) * SECTOR;
  if (draw.chance(0.4)) {
    images.push('base.raw');
    rawBase(shop, size - draw.pick([0, 0, 1, 300, 511]));
  }
  while (images.length < depth) {
    const image = `layer-${images.length}.qcow2`;
    const below = images.at(-1);
    if (images.length > 0) size = nextSize(shop, size);
    layer(shop, image, below, size);
    images.push(image);
  }
  return images;
}

function rawBase(shop: Workshop, size: number): void {
  const { draw } = shop;
  const parts: [number, Uint8Array][] = [];
  for (let count = draw.below(5); count > 0; count -= 1) {
    const at = Math.floor(draw.below(size) / 4096) * 4096;
    const length = Math.min(draw.between(1, 4) * 4096, size - at);
    parts.push([at, draw.chance(0.2) ? new Uint8Array(length) : draw.bytes(length)]);
  }
  shop.raw('base.raw', size, parts, draw.chance(0.3) ? 'dense' : 'sparse');
}

function nextSize(shop: Workshop, size: number): number {
  const { draw } = shop;
  const sectors = Math.round((size * draw.pick([1, 1, 0.4, 0.9, 1.1, 1.7])) / SECTOR);
  return Math.min(MAX_SIZE, Math.max(1, sectors) * SECTOR);
}

function layer(shop: Workshop, image: string, below: string | undefined, size: number): void {
  const { draw } = shop;
  const old = draw.chance(0.15);
  const extended = !old && draw.chance(0.35);
  const dataFile = !old && draw.chance(0.15);
  const cluster = 2 ** draw.between(extended ? 14 : 9, 21);
  const options: Record<string, string | number> = { cluster_size: cluster };
  if (old) options['compat'] = '0.10';
  else {
    if (extended) options['extended_l2'] = 'on';
    options['compression_type'] = draw.pick(['zlib', 'zstd']);
    options['refcount_bits'] = draw.pick([1, 2, 4, 8, 16, 32, 64]);
    if (draw.chance(0.1)) options['lazy_refcounts'] = 'on';
  }
  if (dataFile) options['data_file'] = image.replace('.qcow2', '.data');
  if (below === undefined && draw.chance(0.2)) options['preallocation'] = draw.pick(['metadata', 'falloc', 'full']);
  const format = below?.endsWith('.raw') ? 'raw' : 'qcow2';
  const backing = below !== undefined && draw.chance(0.15) ? shop.path(below) : below;
  shop.qcow2(image, { size, options, ...(backing !== undefined && { backing, backingFormat: format }) });
  if (dataFile) shop.files.set(String(options['data_file']), 'dense');
  const unit = extended && draw.chance(0.5) ? cluster / 32 : SECTOR;
  const operations = draw.between(0, 24);
  const scribble = (disk: number): void => {
    shop.scribble(image, { size: disk, cluster, unit, operations, compress: !dataFile, noiseBudget: 32 * KIB });
  };
  scribble(size);
  const countable = !dataFile && options['refcount_bits'] !== 1;
  if (!countable || !draw.chance(0.3)) return;
  qemuImg(shop.folder, 'snapshot', '-c', 'before', image);
  if (!old && draw.chance(0.5)) {
    // Sizes below come back afterwards: the chain was drawn with them.
    qemuImg(shop.folder, 'resize', '-q', '-f', 'qcow2', image, String(size + 3 * cluster));
    scribble(size + 3 * cluster);
    qemuImg(shop.folder, 'snapshot', '-c', 'longer', image);
    qemuImg(shop.folder, 'resize', '-q', '--shrink', '-f', 'qcow2', image, String(size));
  }
  scribble(size);
}
