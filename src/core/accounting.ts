import type { Accounting, LayerAccount, OwnershipMap } from './model';
import { Kind, NOBODY } from './model';
import type { ScannedLayer } from './ownership';

type Sums = { -readonly [K in keyof LayerAccount]: LayerAccount[K] };

/**
 * Adds up who owns what. `layers` are those the map was resolved from; the answer's `layers` are indexed by depth.
 * A broken entry counts as data: the layer claims that range.
 */
export function account(map: OwnershipMap, layers: readonly ScannedLayer[]): Accounting {
  const depths = Math.max(0, ...layers.map(({ depth }) => depth + 1));
  const sums: Sums[] = Array.from({ length: depths }, () => ({
    owned: 0,
    ownedData: 0,
    ownedZero: 0,
    ownedCompressed: 0,
    shadowed: 0,
  }));
  let nobody = 0;
  let unknown = 0;
  for (let i = 0; i < map.count; i += 1) {
    const bytes = (map.start[i + 1] ?? 0) - (map.start[i] ?? 0);
    const owner = map.owner[i] ?? NOBODY;
    const sum = sums[owner];
    if (!sum) {
      if (owner === NOBODY) nobody += bytes;
      else unknown += bytes;
      continue;
    }
    sum.owned += bytes;
    const kind = map.kind[i];
    if (kind === Kind.Compressed) sum.ownedCompressed += bytes;
    else if (kind === Kind.Zero || kind === Kind.ZeroAllocated) sum.ownedZero += bytes;
    else sum.ownedData += bytes;
  }
  const guestSize = layers[0]?.guestSize ?? 0;
  for (const layer of layers) {
    const sum = sums[layer.depth];
    if (sum) sum.shadowed = allocatedWithin(layer, guestSize) - sum.owned;
  }
  return { guestSize, nobody, unknown, layers: sums };
}

function allocatedWithin({ runs }: ScannedLayer, end: number): number {
  if (!runs) return 0;
  let bytes = 0;
  for (let i = 0; i < runs.count && (runs.start[i] ?? 0) < end; i += 1) {
    const kind = runs.kind[i];
    if (kind !== Kind.Absent && kind !== Kind.Unknown)
      bytes += Math.min(runs.start[i + 1] ?? end, end) - (runs.start[i] ?? 0);
  }
  return bytes;
}
