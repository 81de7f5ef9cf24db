import { type FormatRecipe, MIB } from './recipe';

const plain: FormatRecipe = {
  name: 'plain',
  branch: 'clusters of the default size, allocated here and there, some of zeros',
  leaf: 'plain.qed',
  make(shop) {
    shop.create('plain.qed', 'qed', 8 * MIB);
    shop.io('plain.qed', 'qed', 'write -P 1 0 64k', 'write -P 2 3M 200k', 'write -z 5M 128k');
  },
};

export const RECIPES: readonly FormatRecipe[] = [plain];
