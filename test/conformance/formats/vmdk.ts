import { type FormatRecipe, MIB } from './recipe';

const monolithicSparse: FormatRecipe = {
  name: 'monolithic-sparse',
  branch: 'one sparse file with its descriptor inside, grains allocated here and there',
  leaf: 'disk.vmdk',
  others: ['libvmdk'],
  make(shop) {
    shop.create('disk.vmdk', 'vmdk', 40 * MIB, { subformat: 'monolithicSparse' });
    shop.io('disk.vmdk', 'vmdk', 'write -P 1 0 64k', 'write -P 2 33M 200k');
  },
};

export const RECIPES: readonly FormatRecipe[] = [monolithicSparse];
