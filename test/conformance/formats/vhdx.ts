import { statSync } from 'node:fs';
import { type FormatRecipe, handMap, MIB } from './recipe';

const dynamic: FormatRecipe = {
  name: 'dynamic',
  branch: 'a dynamic disk, blocks in another order in the file than on the disk',
  leaf: 'disk.vhdx',
  qemu: ['content', 'info', 'check'],
  others: ['libvhdi'],
  because: 'qemu-img map tells one range of data for a whole VHDX',
  make(shop) {
    shop.create('disk.vhdx', 'vhdx', 8 * MIB, { subformat: 'dynamic', block_size: MIB });
    // Blocks are put at the end of the file as they are written to.
    const first = statSync(shop.path('disk.vhdx')).size;
    shop.io('disk.vhdx', 'vhdx', 'write -P 1 5M 64k', 'write -P 2 1M 64k');
    const map = handMap(8 * MIB, [
      [MIB, MIB, 'data', 0, first + MIB],
      [5 * MIB, MIB, 'data', 0, first],
    ]);
    return { map };
  },
};

export const RECIPES: readonly FormatRecipe[] = [dynamic];
