import { mkdirSync } from 'node:fs';
import { SECTOR } from '../../support/workshop';
import { KIB, MIB, type Recipe } from './recipe';

export const dataFile: Recipe = {
  name: 'data-file',
  about: 'external data files: raw and not, with a backing file, preallocated, shorter than the disk',
  build(shop) {
    const size = MIB + 7 * SECTOR;
    mkdirSync(shop.path('sub folder'));
    const make = (name: string, options: Record<string, string | number>, dataFile = `${name}.data`): void => {
      shop.qcow2(`${name}.qcow2`, { size, options: { ...options, data_file: dataFile } });
      shop.files.set(dataFile, 'dense');
      shop.scribble(`${name}.qcow2`, { size, cluster: 64 * KIB, operations: 12 });
    };
    make('plain', {});
    make('raw', { data_file_raw: 'on' });
    make('preallocated', { preallocation: 'metadata' });
    make('extended', { extended_l2: 'on' });
    make('elsewhere', {}, 'sub folder/elsewhere.data');
    shop.io('plain.qcow2', 'write -P 200 0 65536', 'write -P 201 983040 65536');
    shop.raw('base.raw', 300 * KIB, [[0, shop.draw.text(8 * KIB)]], 'dense');
    shop.qcow2('over.qcow2', { size, backing: 'base.raw', backingFormat: 'raw', options: { data_file: 'over.data' } });
    shop.files.set('over.data', 'dense');
    shop.scribble('over.qcow2', { size, cluster: 64 * KIB, operations: 10 });
    shop.qcow2('top.qcow2', { backing: 'over.qcow2' });
    shop.scribble('top.qcow2', { size, cluster: 64 * KIB, operations: 5 });
  },
};

export const dataFileHoles: Recipe = {
  name: 'data-file-holes',
  about: 'the qcow2 file is sparser than its refcounts say, so the data file\'s holes show as zero data',
  build(shop) {
    shop.qcow2('leaf.qcow2', { size: 8 * MIB, options: { cluster_size: '2M', data_file: 'leaf.data' } });
    shop.io('leaf.qcow2', 'write -P 5 4096 4096', 'write -P 6 4M 65536', 'write -z 6M 4096');
    shop.files.set('leaf.qcow2', 'sparse').set('leaf.data', 'sparse');
  },
};
