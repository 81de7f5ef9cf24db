/** The numbers of `vmdisk chain`, worked out anew from nothing but qemu-img's maps. */
import assert from 'node:assert/strict';
import type { MapEntry } from '../support/qemu';

export interface ChainOutput {
  readonly guestSize: number;
  readonly end: string;
  readonly nobody: number;
  readonly unknown: number;
  readonly layers: readonly LayerOutput[];
}

export interface LayerOutput {
  readonly depth: number;
  readonly filename: string;
  readonly format: string;
  readonly guestSize: number;
  readonly fileSize: number;
  readonly diskUsage: number;
  readonly grain: number;
  readonly backing: string | null;
  readonly owned: number;
  readonly ownedData: number;
  readonly ownedZero: number;
  readonly ownedCompressed: number;
  readonly shadowed: number;
  readonly findings: readonly { readonly code: string; readonly severity: string; readonly message: string }[];
}

export interface Account {
  owned: number;
  ownedData: number;
  ownedZero: number;
  ownedCompressed: number;
}

export const sizeOf = (map: readonly MapEntry[]): number => map.reduce((sum, { length }) => sum + length, 0);

/** Who owns how much, by a map: an entry that is present belongs to the layer at its depth, the others to nobody. */
export function accountsOf(map: readonly MapEntry[], depths: number): { nobody: number; layers: Account[] } {
  const layers = Array.from({ length: depths }, () => ({ owned: 0, ownedData: 0, ownedZero: 0, ownedCompressed: 0 }));
  let nobody = 0;
  for (const { length, depth, present, data, compressed } of map) {
    const layer = layers[depth];
    assert(layer, `an entry at depth ${depth} of ${depths}`);
    if (!present) {
      nobody += length;
      continue;
    }
    layer.owned += length;
    if (compressed) layer.ownedCompressed += length;
    else if (data) layer.ownedData += length;
    else layer.ownedZero += length;
  }
  return { nobody, layers };
}

/** Bytes of `[0, end)` that a layer's map, made without its backing file, has present. */
export function allocatedBelow(alone: readonly MapEntry[], end: number): number {
  return alone
    .filter(({ present, start }) => present && start < end)
    .reduce((sum, { start, length }) => sum + Math.min(length, end - start), 0);
}

/** @throws AssertionError unless the parts make up the whole, for the chain and for each layer */
export function assertAddsUp(chain: ChainOutput): void {
  const owned = chain.layers.reduce((sum, layer) => sum + layer.owned, 0);
  assert.equal(owned + chain.nobody + chain.unknown, chain.guestSize, 'owned + nobody + unknown = guestSize');
  chain.layers.forEach((layer, depth) => {
    assert.equal(layer.depth, depth, 'layers come newest first');
    const parts = layer.ownedData + layer.ownedZero + layer.ownedCompressed;
    assert.equal(parts, layer.owned, `layer ${depth}: ownedData + ownedZero + ownedCompressed = owned`);
    assert(layer.shadowed >= 0, `layer ${depth}: shadowed is no less than nothing`);
  });
}

/** @throws AssertionError unless a chain that has all its layers counts as the leaf's map does */
export function assertAccountsMatch(chain: ChainOutput, map: readonly MapEntry[]): void {
  const expected = accountsOf(map, chain.layers.length);
  const pick = ({ owned, ownedData, ownedZero, ownedCompressed }: Account): Account => {
    return { owned, ownedData, ownedZero, ownedCompressed };
  };
  assert.equal(chain.guestSize, sizeOf(map), 'guestSize');
  assert.equal(chain.unknown, 0, 'unknown');
  assert.deepEqual(chain.layers.map(pick), expected.layers);
  assert.equal(chain.nobody, expected.nobody, 'nobody');
}
