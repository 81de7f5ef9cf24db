import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildChain, CHAINS, writeChainLayer } from './inputs/chains';
import type { Reading, Refresh } from './measures/refresh';
import { measure } from './programs';
import { emptyCounters } from './reads';
import type { Row, Section, Unit } from './sections';
import { figure, headline, mebibytes } from './sections';
import { median } from './statistics';
import type { World } from './world';

/** A's leaf once more, where it may be changed: opened, changed in one table, opened again. */
export async function measureRefresh(world: World): Promise<Section> {
  const spec = CHAINS[0]!;
  const { files } = await buildChain(world.cache, spec);
  const leaf = join(world.out, 'live.qcow2');
  const counters = join(world.out, 'reads');
  const refreshes: Refresh[] = [];
  try {
    for (let round = 0; round < world.rounds; round += 1) {
      console.error(`refresh: round ${round + 1} of ${world.rounds}`);
      rmSync(leaf, { force: true });
      writeChainLayer(leaf, spec, 0, files[1]);
      emptyCounters(counters);
      refreshes.push(measure('refresh', [world.worker, leaf], counters));
    }
  } finally {
    rmSync(leaf, { force: true });
  }
  const both = (of: (reading: Reading) => number): [number, number] => [
    median(refreshes.map(({ first }) => of(first))),
    median(refreshes.map(({ again }) => of(again))),
  ];
  const bytes = both((reading) => reading.bytes);
  return {
    title: 'Refresh of A after one table of its leaf changed',
    columns: ['first open', 'again'],
    rows: [
      pair(
        'ready',
        both(({ time }) => time),
        'ms',
      ),
      pair(
        'reads',
        both(({ reads }) => reads),
        'reads',
      ),
      headline({ what: 'bytes read', figures: bytes.map((count) => mebibytes(count)) }),
    ],
  };
}

const pair = (what: string, values: readonly number[], unit: Unit): Row => ({
  what,
  figures: values.map((value) => figure(value, unit)),
});
