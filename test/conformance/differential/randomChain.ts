import { qemuImg } from '../../support/qemu';
import { SECTOR, type Workshop } from '../../support/workshop';
import { diskSize, Life, tolerantly } from './life';

const KIB = 1024;
const MIB = 1024 * KIB;
const MAX_SIZE = 12 * MIB;
const AES = { 'encrypt.format': 'aes' } as const;
const LUKS = { 'encrypt.format': 'luks', 'encrypt.iter-time': 10 } as const;

/**
 * Makes a chain of which everything is drawn: depth, sizes, cluster sizes, versions, compression, encryption,
 * subclusters, data files, refcount widths, preallocation, what is written, and what happens to it afterwards: see
 * `Life`, and commits and rebases.
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
    layer(shop, image, below, size, images.length === depth - 1);
    size = diskSize(shop, image);
    images.push(image);
  }
  rearrange(shop, images);
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

function layer(shop: Workshop, image: string, below: string | undefined, size: number, last: boolean): void {
  const { draw } = shop;
  const old = draw.chance(0.15);
  const extended = !old && draw.chance(0.35);
  const dataFile = !old && draw.chance(0.15);
  const cluster = 2 ** draw.between(extended ? 14 : 9, 21);
  const refcountBits = old ? 16 : draw.pick([1, 2, 4, 8, 16, 32, 64]);
  const options: Record<string, string | number> = { cluster_size: cluster };
  if (old) options['compat'] = '0.10';
  else {
    if (extended) options['extended_l2'] = 'on';
    options['compression_type'] = draw.pick(['zlib', 'zstd']);
    options['refcount_bits'] = refcountBits;
    if (draw.chance(0.3)) options['lazy_refcounts'] = 'on';
  }
  if (dataFile) options['data_file'] = image.replace('.qcow2', '.data');
  if (below === undefined && draw.chance(0.2)) options['preallocation'] = draw.pick(['metadata', 'falloc', 'full']);
  // What stands on an encrypted image needs its passphrase to be opened.
  const secret = last && draw.chance(0.15) ? 'correct horse' : undefined;
  if (secret !== undefined) Object.assign(options, draw.pick(old ? [AES] : [AES, LUKS]));
  const backing = below !== undefined && draw.chance(0.15) ? shop.path(below) : below;
  shop.qcow2(image, {
    size,
    options,
    ...(backing !== undefined && { backing, backingFormat: formatOf(backing) }),
    ...(secret !== undefined && { secret }),
  });
  if (dataFile) shop.files.set(String(options['data_file']), 'dense');
  const unit = extended && draw.chance(0.5) ? cluster / 32 : SECTOR;
  const compress = !dataFile && secret === undefined;
  shop.scribble(image, { size, cluster, unit, operations: draw.between(0, 24), compress, noiseBudget: 32 * KIB });
  const life = new Life(shop, image, { cluster, unit, old, compress, dataFile, refcountBits });
  if (draw.chance(0.6)) life.live(draw.between(1, 8));
}

const formatOf = (image: string): string => (image.endsWith('.raw') ? 'raw' : 'qcow2');

/** Moves the content of a layer into the one below it, or puts the leaf on another one. */
function rearrange(shop: Workshop, images: readonly string[]): void {
  const { draw } = shop;
  const plain = images.filter((image) => formatOf(image) === 'qcow2' && !shop.secrets.has(image));
  const upper = plain.filter((image) => image !== images[0]);
  if (upper.length > 0 && draw.chance(0.2)) {
    const keep = draw.chance(0.4) ? ['-d'] : [];
    tolerantly(() => qemuImg(shop.folder, 'commit', '-q', ...keep, '-f', 'qcow2', draw.pick(upper)));
  }
  const leaf = images.at(-1) ?? '';
  if (images.length > 2 && plain.includes(leaf) && draw.chance(0.2)) {
    const target = draw.pick(['', ...images.slice(0, -2)]);
    const format = target === '' ? [] : ['-F', formatOf(target)];
    tolerantly(() => qemuImg(shop.folder, 'rebase', '-q', '-f', 'qcow2', '-b', target, ...format, leaf));
  }
}
