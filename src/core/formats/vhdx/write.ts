import { Kind } from '../../model';
import type { WriteRule } from '../parts/part';
import { writesBlocks } from '../parts/part';

/**
 * What is written to a disk with sector bitmaps is not copied from its parent: the bitmap says which sectors of a block are
 * there ([MS-VHDX] 2.4). A block of any other disk is new where it is not in the file.
 */
export const writesSectors: WriteRule = (of) => {
  const { kind, hostOffset, unitStart, unitEnd } = of;
  if (kind !== Kind.Absent) return writesBlocks(of);
  if (hostOffset !== undefined) return { effect: 'in-place', bytes: 0, reason: 'its block is there' };
  return { effect: 'allocate', bytes: unitEnd - unitStart };
};
