import { qemuImg } from '../../support/qemu';
import { setIncompatible } from '../../support/qcow2Patch';
import { SECTOR } from '../../support/workshop';
import { KIB, MIB, type Recipe, REFCOUNT_BITS } from './recipe';

export const version2: Recipe = {
  name: 'version-2',
  about: 'compat=0.10: no zero clusters; discards with and without a backing file; over raw and over version 3',
  build(shop) {
    const size = MIB + 3 * SECTOR;
    const parts = [[0, shop.draw.text(16 * KIB)], [300 * KIB, shop.draw.text(4 * KIB)]] as const;
    shop.raw('base.raw', 700 * KIB + SECTOR, parts, 'dense');
    const options = { compat: '0.10' };
    shop.qcow2('alone.qcow2', { size, options });
    shop.qcow2('middle.qcow2', { size, backing: 'base.raw', backingFormat: 'raw', options });
    shop.qcow2('new.qcow2', { size: size + 99 * SECTOR, backing: 'middle.qcow2' });
    shop.qcow2('leaf.qcow2', { backing: 'new.qcow2', options: { ...options, cluster_size: 4096 } });
    for (const image of ['alone.qcow2', 'middle.qcow2', 'new.qcow2']) {
      shop.scribble(image, { size, cluster: 64 * KIB, operations: 12, compress: true, noiseBudget: KIB });
    }
    shop.scribble('leaf.qcow2', { size, cluster: 4096, operations: 24, compress: true, noiseBudget: KIB });
  },
};

export const discards: Recipe = {
  name: 'discards',
  about: 'discards and zero writes with and without unmap, version 2 and 3, over data below',
  build(shop) {
    const size = MIB;
    shop.qcow2('base.qcow2', { size });
    shop.io('base.qcow2', 'write -P 1 0 768k');
    for (const compat of ['0.10', '1.1']) {
      for (const backing of ['base.qcow2', undefined]) {
        const image = `v${compat === '1.1' ? 3 : 2}-${backing ? 'over' : 'alone'}.qcow2`;
        shop.qcow2(image, { size, options: { compat }, ...(backing && { backing }) });
        shop.io(image, 'write -P 2 0 512k', 'write -c -P 3 512k 64k', 'write -c -P 3 576k 64k');
        shop.io(image, 'discard 64k 64k', 'write -z 128k 64k', 'write -z -u 192k 64k', 'discard 512k 64k');
        shop.io(image, 'write -z 640k 64k', 'write -z -u 704k 64k', 'discard 768k 64k', 'write -z 256k 4k');
        shop.io(image, 'write -z 576k 64k', 'write -P 4 128k 4k', 'write -P 4 192k 4k');
      }
    }
  },
};

/** Freed clusters between others, a number of clusters that fills no whole byte of refcounts, and not one to spare. */
export const refcountWidths: Recipe = {
  name: 'refcount-widths',
  about: 'refcounts of 1 to 64 bits, counted to tell whether the file lacks space: by just enough, or not quite',
  build(shop) {
    const cluster = 4 * KIB;
    const [data, tables, freed] = [28, 5, 3];
    for (const bits of REFCOUNT_BITS) {
      for (const [name, missing] of [['enough', 3], ['not-quite', 2]] as const) {
        const image = `bits-${bits}-${name}.qcow2`;
        const options = { cluster_size: cluster, refcount_bits: bits, preallocation: 'metadata' };
        shop.qcow2(image, { size: data * cluster, options });
        shop.io(image, ...[2, 5, 6].map((index) => `discard ${index * cluster} ${cluster}`));
        shop.files.set(image, [[0, (data + tables - freed - missing) * cluster]]);
      }
    }
  },
};

export const facts: Recipe = {
  name: 'facts',
  about: 'what info tells: bitmaps, lazy refcounts, the dirty and the corrupt bit, an empty disk',
  build(shop) {
    const size = 5 * MIB;
    shop.qcow2('bitmaps.qcow2', { size });
    shop.io('bitmaps.qcow2', 'write -P 1 0 65536');
    qemuImg(shop.folder, 'bitmap', '--add', '-g', '65536', 'bitmaps.qcow2', 'daily');
    qemuImg(shop.folder, 'bitmap', '--add', '--disable', '-g', '1M', 'bitmaps.qcow2', 'woche ä');
    shop.io('bitmaps.qcow2', 'write -P 2 1M 65536');
    shop.qcow2('lazy.qcow2', { size, options: { lazy_refcounts: 'on' } });
    shop.io('lazy.qcow2', 'write -P 3 65536 65536');
    for (const flag of ['dirty', 'corrupt'] as const) {
      shop.qcow2(`${flag}.qcow2`, { size, options: flag === 'dirty' ? { lazy_refcounts: 'on' } : {} });
      shop.io(`${flag}.qcow2`, 'write -P 3 65536 65536');
      shop.patch(`${flag}.qcow2`, (bytes) => { setIncompatible(bytes, flag); });
    }
    shop.qcow2('empty.qcow2', { size: 0 });
    shop.qcow2('on-empty.qcow2', { size: 128 * KIB, backing: 'empty.qcow2' });
  },
};

export const encrypted: Recipe = {
  name: 'encrypted',
  about: 'LUKS and AES: the map has no offsets',
  build(shop) {
    const size = 512 * KIB;
    const cipher = { 'encrypt.cipher-alg': 'aes-128', 'encrypt.cipher-mode': 'cbc', 'encrypt.ivgen-alg': 'plain64' };
    const luks = { 'encrypt.iter-time': 10, ...cipher };
    for (const [format, more] of [['aes', {}], ['luks', luks]] as const) {
      const image = `${format}.qcow2`;
      const options = { 'encrypt.format': format, cluster_size: 4096, ...more };
      shop.qcow2(image, { size, secret: 'correct horse', options });
      shop.io(image, 'write -P 1 0 4096', 'write -z 4096 4096', 'write -P 1 16384 8192', 'write -z 16384 4096');
      shop.io(image, 'write -z -u 20480 4096', 'write -P 2 102400 512');
    }
  },
};
