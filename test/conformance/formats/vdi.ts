import { type FormatRecipe, MIB } from './recipe';

const dynamic: FormatRecipe = {
  name: 'dynamic',
  branch: 'a dynamic disk, blocks in another order in the file than on the disk',
  leaf: 'disk.vdi',
  others: ['7-Zip'],
  make(shop) {
    shop.create('disk.vdi', 'vdi', 8 * MIB);
    shop.io('disk.vdi', 'vdi', 'write -P 1 5M 64k', 'write -P 2 1M 64k');
  },
};

export const RECIPES: readonly FormatRecipe[] = [dynamic];
