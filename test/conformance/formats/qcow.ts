import { type FormatRecipe, MIB } from './recipe';

const plain: FormatRecipe = {
  name: 'plain',
  branch: 'clusters of the default size, allocated here and there, the last one cut by the disk’s end',
  leaf: 'plain.qcow',
  others: ['libqcow'],
  make(shop) {
    shop.create('plain.qcow', 'qcow', 8 * MIB + 512);
    shop.io('plain.qcow', 'qcow', 'write -P 1 0 4k', 'write -P 2 3M 100k', 'write -P 3 8M 512');
  },
};

export const RECIPES: readonly FormatRecipe[] = [plain];
