import { type FormatRecipe, MIB } from './recipe';

const plain: FormatRecipe = {
  name: 'plain',
  branch: 'the extended magic, clusters allocated here and there',
  leaf: 'disk.hds',
  make(shop) {
    shop.create('disk.hds', 'parallels', 8 * MIB);
    shop.io('disk.hds', 'parallels', 'write -P 1 5M 64k', 'write -P 2 1M 64k');
  },
};

export const RECIPES: readonly FormatRecipe[] = [plain];
