import type { Workshop } from '../../support/workshop';

/**
 * Makes the images of one folder of `test/fixtures/golden`. Every qcow2 or raw file among them becomes a case of its
 * own, opened as a leaf.
 */
export interface Recipe {
  readonly name: string;
  /** What only this fixture shows. */
  readonly about: string;
  build(shop: Workshop): void;
}

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const REFCOUNT_BITS = [16, 1, 2, 4, 8, 32, 64] as const;
