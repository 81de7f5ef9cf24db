import { dateSnapshots, setVmStateSize } from '../../support/qcow2Patch';
import { qemuImg } from '../../support/qemu';
import { SECTOR } from '../../support/workshop';
import { KIB, type Recipe } from './recipe';

export const snapshots: Recipe = {
  name: 'snapshots',
  about: 'internal snapshots: after resizes both ways, with VM state, over a backing file, of version 2, compressed',
  build(shop) {
    const take = (image: string, name: string): void => {
      qemuImg(shop.folder, 'snapshot', '-c', name, image);
    };
    const resize = (image: string, size: number): void => {
      qemuImg(shop.folder, 'resize', '-q', '--shrink', '-f', 'qcow2', image, String(size));
    };
    const write = (image: string, size: number, cluster: number): void => {
      shop.scribble(image, { size, cluster, operations: 8, compress: true, noiseBudget: KIB });
    };
    const parts = [[0, shop.draw.text(16 * KIB)], [200 * KIB, shop.draw.text(4 * KIB)]] as const;
    shop.raw('base.raw', 400 * KIB + 100, parts, 'dense');
    shop.qcow2('sizes.qcow2', { size: 512 * KIB, backing: 'base.raw', backingFormat: 'raw' });
    write('sizes.qcow2', 512 * KIB, 65536);
    take('sizes.qcow2', 'first');
    resize('sizes.qcow2', 1200 * KIB + SECTOR);
    write('sizes.qcow2', 1200 * KIB + SECTOR, 65536);
    take('sizes.qcow2', 'größer, mit Leerzeichen');
    resize('sizes.qcow2', 300 * KIB);
    write('sizes.qcow2', 300 * KIB, 65536);
    take('sizes.qcow2', 'small');
    resize('sizes.qcow2', 640 * KIB);
    // Small clusters, so that the states have L1 tables of differing lengths.
    shop.qcow2('tables.qcow2', { size: 100 * KIB, options: { cluster_size: 512, compression_type: 'zstd' } });
    write('tables.qcow2', 100 * KIB, 512);
    take('tables.qcow2', 'short');
    resize('tables.qcow2', 800 * KIB);
    write('tables.qcow2', 800 * KIB, 512);
    take('tables.qcow2', 'long');
    write('tables.qcow2', 800 * KIB, 512);
    // VM state stands behind the disk, in the same tables.
    shop.qcow2('vm-state.qcow2', { size: 300 * KIB + SECTOR, options: { cluster_size: 4096 } });
    write('vm-state.qcow2', 300 * KIB, 4096);
    shop.io('vm-state.qcow2', `write -b -s ${shop.pattern(shop.draw.text(20 * KIB))} 0 20480`);
    take('vm-state.qcow2', 'running');
    write('vm-state.qcow2', 300 * KIB, 4096);
    take('vm-state.qcow2', 'off');
    shop.patch('vm-state.qcow2', (bytes) => { setVmStateSize(bytes, 'running', 20_480); });
    shop.qcow2('version-2.qcow2', { size: 512 * KIB, options: { compat: '0.10' } });
    write('version-2.qcow2', 512 * KIB, 65536);
    take('version-2.qcow2', 'old');
    write('version-2.qcow2', 512 * KIB, 65536);
    shop.qcow2('extended.qcow2', { size: 512 * KIB, options: { extended_l2: 'on' }, backing: 'sizes.qcow2' });
    write('extended.qcow2', 512 * KIB, 65536);
    take('extended.qcow2', 'subclusters');
    shop.scribble('extended.qcow2', { size: 512 * KIB, cluster: 65536, unit: 2048, operations: 10 });
    const images = ['sizes.qcow2', 'tables.qcow2', 'vm-state.qcow2', 'version-2.qcow2', 'extended.qcow2'];
    for (const image of images) shop.patch(image, dateSnapshots);
  },
};
