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
    // QEMU makes the other blocks PAYLOAD_BLOCK_ZERO.
    const map = handMap(8 * MIB, [
      [0, MIB, 'zero'],
      [MIB, MIB, 'data', 0, first + MIB],
      [2 * MIB, 3 * MIB, 'zero'],
      [5 * MIB, MIB, 'data', 0, first],
      [6 * MIB, 2 * MIB, 'zero'],
    ]);
    return { map };
  },
};

export const RECIPES: readonly FormatRecipe[] = [dynamic];
