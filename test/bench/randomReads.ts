import { buildDataChain, STORED } from './inputs/dataChains';
import type { Probes, Spread } from './measures/open';
import { measure } from './programs';
import type { Bound, Row, Section } from './sections';
import { aimOf, figure } from './sections';
import type { World } from './world';

const TRACE_AIM = 1;

/** What an inspector and an explorer of the guest's files ask for, on chains that hold data. */
export async function measureRandomReads(world: World): Promise<Section> {
  const probed: Probes[] = [];
  for (const stored of STORED) {
    const image = await buildDataChain(world.cache, stored, world.dataSize);
    const { probes } = measure('open', [world.worker, image, 'probe']);
    if (probes) probed.push(probes);
  }
  const rowOf = (what: string, of: (probes: Probes) => Spread, bound: Bound = {}): Row => ({
    what,
    aim: aimOf(bound, 'ms'),
    figures: probed.map((probes) => figure(of(probes).median, 'ms', bound)),
  });
  return {
    title: 'Random reads, in the worker, medians',
    columns: STORED,
    rows: [
      rowOf('trace, warm', ({ trace }) => trace, { atMost: TRACE_AIM }),
      rowOf('4 KiB, for the first time', ({ readFirst }) => readFirst),
      rowOf('4 KiB, once more', ({ readAgain }) => readAgain),
    ],
  };
}
