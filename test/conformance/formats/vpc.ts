import { type FormatRecipe, MIB } from './recipe';

const dynamic: FormatRecipe = {
  name: 'dynamic',
  branch: 'a dynamic disk as QEMU makes it, of the size that its footer tells',
  leaf: 'disk.vhd',
  others: ['libvhdi'],
  make(shop) {
    shop.create('disk.vhd', 'vpc', 8 * MIB, { subformat: 'dynamic', force_size: 'on' });
    shop.io('disk.vhd', 'vpc', 'write -P 1 5M 64k', 'write -P 2 1M 64k');
  },
};

export const RECIPES: readonly FormatRecipe[] = [dynamic];
