import type { WriteEffect } from '../../model';
import { Kind } from '../../model';
import type { WriteRule } from '../parts/part';
import type { Layout } from './blocks';
import { bitmapSpace } from './blocks';

const BROKEN: WriteEffect = { effect: 'impossible', bytes: 0, reason: 'the table entry is broken' };

/** What a write does by the specification: a block is given space as a whole, then each sector in it has its own bit. */
export const writesSectors =
  (layout: Pick<Layout, 'blockSize'>): WriteRule =>
  ({ kind, hostOffset }) => {
    switch (kind) {
      case Kind.Data:
        return { effect: 'in-place', bytes: 0 };
      case Kind.Zero:
      case Kind.Absent:
      case Kind.ZeroAllocated:
        return hostOffset === undefined
          ? { effect: 'allocate', bytes: layout.blockSize + bitmapSpace(layout) }
          : { effect: 'in-place', bytes: 0, reason: 'its space is kept, its bit is set' };
      default:
        return BROKEN;
    }
  };
