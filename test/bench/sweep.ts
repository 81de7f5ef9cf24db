import type { ChainSpec } from './inputs/chains';
import { buildChain, CHAINS, SWEEP, TINY } from './inputs/chains';
import type { OpenFigures } from './measures/open';
import { measure } from './programs';
import type { Row, Section } from './sections';
import { figure, mebibytes } from './sections';
import { median, slope } from './statistics';
import type { World } from './world';

const ROUNDS = 3;
const DEPTHS = [1, 4, 16];
const SLOPE_AIM = 1.05;

interface Point {
  readonly what: string;
  readonly bytes: number;
  /** Milliseconds until all is ready. */
  readonly time: number;
  /** Whether all of the map was there then. */
  readonly whole: boolean;
}

/** How the time grows with size, layers and fragmentation; A's own chain adds its depths at a terabyte. */
export async function measureSweep(world: World): Promise<Section> {
  const fixed = await measureDepths(world, TINY, [1]);
  const costs = fixed[0]!.time;
  const points: Point[] = [];
  for (const spec of [...SWEEP, ...CHAINS.filter(({ name }) => name === 'A')]) {
    const depths = DEPTHS.filter((depth) => depth <= spec.layers.length);
    points.push(...(await measureDepths(world, spec, depths)));
  }
  const rows = points.map(({ what, bytes, time }): Row => {
    return { what, figures: [mebibytes(bytes), figure(time, 'ms'), figure(time / (bytes / 2 ** 20), 'ms')] };
  });
  const logs = points.map(({ bytes, time }) => [Math.log(bytes), Math.log(Math.max(0.1, time - costs))] as const);
  const grows = figure(slope(logs), '', { atMost: SLOPE_AIM });
  // An aim is not met by showing a part of the disk sooner.
  const judged = points.every(({ whole }) => whole) ? grows : { ...grows, met: false };
  return {
    title: 'Sweep: size, layers, fragmentation',
    columns: ['L2 tables', 'ready', 'per MiB'],
    rows: [
      ...rows,
      { what: 'fixed costs (1 GiB, 1 layer), taken off below', figures: [null, figure(costs, 'ms'), null] },
      {
        what: 'slope of log(time) by log(bytes)',
        aim: `≤ ${SLOPE_AIM}`,
        headline: true,
        figures: [null, judged, null],
      },
    ],
  };
}

/** The upper layers are left out for a chain that is less deep: each file is the leaf of its own. */
async function measureDepths(world: World, spec: ChainSpec, depths: readonly number[]): Promise<Point[]> {
  console.error(`sweep: ${spec.name}`);
  const { files } = await buildChain(world.cache, spec);
  const chains = depths.map((depth) => files.slice(files.length - depth));
  const opened = chains.map((): OpenFigures[] => []);
  const bytes = chains.map((chain) => measure('plainRead', chain).bytes);
  for (let round = 0; round < (world.quick ? 1 : ROUNDS); round += 1) {
    chains.forEach(([leaf], i) => opened[i]!.push(measure('open', [world.worker, leaf!])));
  }
  return depths.map((depth, i) => ({
    what: `${spec.what}, depth ${depth}`,
    bytes: bytes[i]!,
    time: median(opened[i]!.map(({ ready }) => ready)),
    whole: opened[i]!.every(({ unknown }) => unknown === 0),
  }));
}
