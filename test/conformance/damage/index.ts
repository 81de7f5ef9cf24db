import { BITMAPS } from './bitmaps';
import type { Damage } from './damage';
import { ENTRIES } from './entries';
import { UNNOTICED } from './further';
import { LUKS } from './luks';
import { REFCOUNTS } from './refcounts';
import { SNAPSHOTS } from './snapshots';

export type { Damage } from './damage';
export { UNNOTICED };

/** Every image broken on purpose. */
export const DAMAGES: readonly Damage[] = [...ENTRIES, ...REFCOUNTS, ...SNAPSHOTS, ...BITMAPS, ...LUKS, ...UNNOTICED];
