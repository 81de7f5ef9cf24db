import { Random } from '../../fixtures/build/random';

/** How a layer's clusters lie on the disk; shares are of 1, lengths in clusters. */
export type PatternSpec =
  /** Runs of allocated clusters and gaps between them, both of geometric length; `mean` is that of the runs. */
  | { readonly kind: 'runs'; readonly share: number; readonly mean: number }
  /** Allocated and not, in turn: no two clusters belong together. */
  | { readonly kind: 'alternate' }
  /** Only a share of the L2 tables exists; within those, runs as above. */
  | { readonly kind: 'clustered'; readonly tables: number; readonly share: number; readonly mean: number };

/**
 * Fills `allocated` with 1 for each cluster of the next L2 table that is allocated, 0 for the others.
 * Tables are asked for in guest order, each once. @returns whether any is
 */
export type Pattern = (allocated: Uint8Array) => boolean;

export function patternOf(spec: PatternSpec, seed: number): Pattern {
  const random = new Random(seed);
  switch (spec.kind) {
    case 'alternate':
      return (allocated) => {
        for (let i = 0; i < allocated.length; i += 1) allocated[i] = i & 1;
        return true;
      };
    case 'runs':
      return runs(random, spec.share, spec.mean);
    case 'clustered': {
      const within = runs(random, spec.share, spec.mean);
      return (allocated) => {
        if (uniform(random) < spec.tables) return within(allocated);
        allocated.fill(0);
        return false;
      };
    }
  }
}

/** A number in `[0, 1)`. */
const uniform = (random: Random): number => random.next() / 2 ** 32;

/** At least 1, `mean` on average. */
function geometric(random: Random, mean: number): number {
  if (mean <= 1) return 1;
  return 1 + Math.floor(Math.log(1 - uniform(random)) / Math.log(1 - 1 / mean));
}

/** A run goes on in the next table where it does not end in this. */
function runs(random: Random, share: number, mean: number): Pattern {
  const meanGap = (mean * (1 - share)) / share;
  let inRun = uniform(random) < share;
  let left = geometric(random, inRun ? mean : meanGap);
  return (allocated) => {
    let any = false;
    for (let at = 0; at < allocated.length;) {
      if (left === 0) {
        inRun = !inRun;
        left = inRun ? geometric(random, mean) : gap(random, meanGap);
      }
      const end = Math.min(allocated.length, at + left);
      allocated.fill(inRun ? 1 : 0, at, end);
      any ||= inRun && end > at;
      left -= end - at;
      at = end;
    }
    return any;
  };
}

/** A mean gap below one cluster means that runs touch now and then: none has no length. */
function gap(random: Random, mean: number): number {
  return mean >= 1 ? geometric(random, mean) : Number(uniform(random) < mean);
}
