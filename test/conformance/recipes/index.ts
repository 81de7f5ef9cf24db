import { fiveLayers, fiveLayersRaw, names, namesColon } from './chains';
import { clusterRecipe, compressionRecipe, extendedRecipe } from './clusters';
import { dataFile, dataFileHoles } from './dataFiles';
import { holeThreshold, preallocation, raw, sparseCopy } from './holes';
import { KIB, MIB, type Recipe } from './recipe';
import { snapshots } from './snapshots';
import { discards, encrypted, facts, refcountWidths, version2 } from './versions';

export type { Recipe } from './recipe';

/** What the golden fixtures hold. */
export const RECIPES: readonly Recipe[] = [
  ...Array.from({ length: 13 }, (_, index) => clusterRecipe(9 + index)),
  extendedRecipe(16 * KIB, '16k'),
  extendedRecipe(64 * KIB, '64k'),
  extendedRecipe(256 * KIB, '256k'),
  extendedRecipe(2 * MIB, '2m'),
  compressionRecipe('zlib'),
  compressionRecipe('zstd'),
  dataFile,
  dataFileHoles,
  version2,
  discards,
  refcountWidths,
  facts,
  encrypted,
  preallocation,
  holeThreshold,
  sparseCopy,
  raw,
  fiveLayers,
  fiveLayersRaw,
  snapshots,
  names,
  namesColon,
];
