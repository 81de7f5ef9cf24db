import { forgetBackingFormat, setVirtualSize } from '../../support/qcow2Patch';
import { SECTOR } from '../../support/workshop';
import { KIB, MIB, type Recipe } from './recipe';

export const fiveLayers: Recipe = {
  name: 'five-layers',
  about: 'five layers of differing sizes and clusters; a shorter middle hides what is deeper, the leaf is the longest',
  build(shop) {
    const stack = [
      { image: '0-base.qcow2', size: 900 * KIB, options: { cluster_size: 65536 } },
      { image: '1.qcow2', size: 1300 * KIB + SECTOR, options: { cluster_size: 4096, compression_type: 'zstd' } },
      { image: '2-short.qcow2', size: 333 * KIB + 3 * SECTOR, options: { cluster_size: 1024, refcount_bits: 64 } },
      { image: '3.qcow2', size: 1500 * KIB, options: { cluster_size: 131072, extended_l2: 'on' } },
      { image: '4-leaf.qcow2', size: 2 * MIB + 5 * SECTOR, options: { cluster_size: 32768 } },
    ];
    stack.forEach(({ image, size, options }, index) => {
      const below = stack[index - 1];
      shop.qcow2(image, { size, options, ...(below && { backing: below.image }) });
      const { cluster_size: cluster } = options;
      shop.scribble(image, { size, cluster, operations: 18, compress: true, noiseBudget: 2 * KIB });
    });
  },
};

export const fiveLayersRaw: Recipe = {
  name: 'five-layers-raw',
  about: 'a raw base with holes and an odd size below four layers; image sizes that are no whole sectors',
  build(shop) {
    shop.raw('base.raw', 777_777, [
      [0, shop.draw.text(12 * KIB)],
      [256 * KIB, new Uint8Array(32 * KIB)],
      [756 * KIB, shop.draw.text(777_777 - 756 * KIB)],
    ]);
    const stack = [
      { size: 600 * KIB, cluster: 65536, patched: 600 * KIB - 1 },
      { size: MIB, cluster: 2048 },
      { size: 900 * KIB, cluster: 512 },
      { size: 1200 * KIB, cluster: 65536, patched: 1200 * KIB - 700 },
    ];
    stack.forEach(({ size, cluster, patched }, index) => {
      const image = `layer-${index + 1}.qcow2`;
      const backing = index === 0 ? { backing: 'base.raw', backingFormat: 'raw' } : { backing: `layer-${index}.qcow2` };
      shop.qcow2(image, { size, ...backing, options: { cluster_size: cluster } });
      shop.scribble(image, { size, cluster, operations: 14, compress: true, noiseBudget: KIB });
      if (patched !== undefined) shop.patch(image, (bytes) => { setVirtualSize(bytes, patched); });
    });
  },
};

export const names: Recipe = {
  name: 'names',
  about: 'backing names: other folders, spaces, colons, other scripts, file:, json:, none or odd formats',
  build(shop) {
    const size = 256 * KIB;
    const base = (image: string): void => {
      shop.qcow2(image, { size });
      shop.io(image, `write -P ${shop.nextByte()} 0 65536`);
    };
    const over = (image: string, backing: string, backingFormat = 'qcow2'): void => {
      shop.qcow2(image, { size, backing, backingFormat });
      shop.io(image, `write -P ${shop.nextByte()} 131072 4096`);
    };
    base('base.qcow2');
    shop.raw('base.raw', size, [[0, shop.draw.text(4 * KIB)], [128 * KIB, shop.draw.text(4 * KIB)]], 'dense');
    base('with space.qcow2');
    base('sub folder/bäse 基.qcow2');
    over('relative.qcow2', './base.qcow2');
    over('space.qcow2', 'with space.qcow2');
    over('in-folder.qcow2', 'sub folder/bäse 基.qcow2');
    over('sub folder/up.qcow2', '../base.qcow2');
    over('sub folder/up-down.qcow2', '../sub folder/../with space.qcow2');
    over('sub folder/two-up.qcow2', 'up.qcow2');
    over('on-two-up.qcow2', 'sub folder/two-up.qcow2');
    over('file.qcow2', 'file:base.qcow2');
    const json = (value: unknown): string => `json:${JSON.stringify(value)}`;
    over('json.qcow2', json({ driver: 'qcow2', file: { driver: 'file', filename: 'base.qcow2' } }));
    over('json-dotted.qcow2', json({ driver: 'qcow2', 'file.driver': 'file', 'file.filename': 'base.qcow2' }));
    over('json-raw.qcow2', json({ driver: 'raw', file: { driver: 'file', filename: 'base.raw' } }), 'raw');
    over('json-file.qcow2', json({ driver: 'raw', 'file.filename': 'base.raw' }), 'raw');
    const window = { driver: 'raw', offset: 65536, size: 131072, file: { driver: 'file', filename: 'base.raw' } };
    over('json-window.qcow2', json(window), 'raw');
    over('format-raw.qcow2', 'base.qcow2', 'raw');
    over('format-file.qcow2', 'base.raw', 'file');
    over('no-format.qcow2', 'base.qcow2');
    over('no-format-raw.qcow2', 'base.raw', 'raw');
    for (const image of ['no-format.qcow2', 'no-format-raw.qcow2']) shop.patch(image, forgetBackingFormat);
  },
};

export const namesColon: Recipe = {
  name: 'names-colon',
  about: 'a colon in a backing name, which no file on Windows can have',
  build(shop) {
    shop.qcow2('co:lon.qcow2', { size: 128 * KIB });
    shop.io('co:lon.qcow2', 'write -P 1 0 65536');
    shop.qcow2('sub/up.qcow2', { size: 128 * KIB, backing: '../co:lon.qcow2' });
    shop.qcow2('dot.qcow2', { size: 128 * KIB, backing: './co:lon.qcow2' });
  },
};
