import type { ChainFigures } from './fixtures';
import { totalReads } from './reads';
import type { Bound, Figure, Row, Section, Unit } from './sections';
import { aimOf, figure, headline, mebibytes } from './sections';

/** Of a read on slow storage, milliseconds. */
const LATENCY = 2;
const GIB = 2 ** 30;

type Value = (chain: ChainFigures) => number | undefined;

interface Aim extends Bound {
  /** The one chain that it is for; without it all. */
  readonly of?: string;
}

/** All that was measured on the chains, a column each. */
export function chainSection(chains: readonly ChainFigures[]): Section {
  const rows = [...comparison(chains), ...waiting(chains), ...slowStorage(chains)];
  return { title: 'Chains of metadata', columns: chains.map(({ name, what }) => `${name}: ${what}`), rows };
}

/** How long it takes beside the plain read and beside qemu-img, and in how much memory. */
function comparison(chains: readonly ChainFigures[]): Row[] {
  const a = chains.find(({ name }) => name === 'A');
  /** A ratio that has an aim on A; on the others it may not be worse than half of what it is there. */
  const ratio = (what: string, value: Value, bound: Bound): Row => {
    const atA = a && value(a);
    const aim =
      bound.atMost === undefined ? `A ≥ ${bound.atLeast}, others ≥ A’s / 2` : `A ≤ ${bound.atMost}, others ≤ A’s × 2`;
    const of = (chain: ChainFigures): Bound => (chain.name === 'A' ? bound : halfAsGood(bound, atA));
    return { what, aim, figures: chains.map((chain) => whole(chain, optional(value(chain), '×', of(chain)))) };
  };
  const perGib: Value = ({ ready, tableBytes }) => (ready / tableBytes) * GIB;
  const atA = a && perGib(a);
  return [
    headline({ what: 'L2 tables', figures: chains.map(({ tableBytes }) => mebibytes(tableBytes)) }),
    headline(row(chains, 'ranges in the map, millions', ({ ranges }) => ranges / 1e6, '')),
    headline(row(chains, 'plain read of the tables', ({ plainRead }) => plainRead)),
    headline(row(chains, 'qemu-img map to a file', ({ qemuMap }) => qemuMap)),
    headline(row(chains, 'owners, kinds and accounting ready', ({ ready }) => ready)),
    headline(ratio('… of the plain read’s time', ({ ready, plainRead }) => ready / plainRead, { atMost: 2 })),
    headline(ratio('… faster than qemu-img map', ({ ready, qemuMap }) => qemuMap && qemuMap / ready, { atLeast: 30 })),
    {
      ...row(chains, '… per GiB of tables, whatever the disk’s size', perGib, 'ms', {
        atMost: atA && atA * 2,
        of: 'B',
      }),
      aim: 'B ≤ A’s × 2',
    },
    row(chains, '… of the disk unknown in the end', ({ unknown }) => unknown * 100, '%', { atMost: 0 }),
    headline(row(chains, 'vmdisk map to a file', ({ ourMap }) => ourMap)),
    headline(
      ratio('… faster than qemu-img map', ({ ourMap, qemuMap }) => qemuMap && qemuMap / ourMap, { atLeast: 10 }),
    ),
    row(
      chains,
      '… the same to the byte: 1',
      ({ sameMap }) => (sameMap === undefined ? undefined : Number(sameMap)),
      '',
      { atLeast: 1 },
    ),
    headline(row(chains, 'peak memory over the program’s own', ({ peak }) => peak / 2 ** 20, 'MiB', { atMost: 256 })),
    row(chains, '… of vmdisk map', ({ mapPeak }) => mapPeak / 2 ** 20, 'MiB', { atMost: 256 }),
  ];
}

/** What a person waits for. */
function waiting(chains: readonly ChainFigures[]): Row[] {
  return [
    row(chains, 'start of the worker’s thread', ({ thread }) => thread),
    headline(row(chains, 'first facts', ({ facts }) => facts, 'ms', { atMost: 50, of: 'E' })),
    headline(row(chains, 'first coarse picture', ({ coarse }) => coarse, 'ms', { atMost: 150, of: 'A' })),
    row(chains, 'cells of a viewport, median', ({ probes }) => probes.cells.median, 'ms', { atMost: 4 }),
    headline(row(chains, 'cells of the slowest viewport', ({ probes }) => probes.cells.worst, 'ms', { atMost: 4 })),
    row(chains, '… in the slowest single call', ({ probes }) => probes.slowestCall),
    row(chains, 'trace, warm, median', ({ probes }) => probes.trace.median, 'ms', { atMost: 1 }),
    row(chains, 'read of 4 KiB, warm, median', ({ probes }) => probes.readAgain.median),
  ];
}

/** Reads until all is ready, and how long that takes where each of them does. */
function slowStorage(chains: readonly ChainFigures[]): Row[] {
  const share: Value = ({ reads, fewestReads }) => totalReads(reads).reads / fewestReads;
  const ofFewest = row(chains, 'reads, of the fewest possible', share, '×', { atMost: 1.5 });
  const inTurn: Value = ({ ready, reads }) => ready + totalReads(reads).reads * LATENCY;
  const atOnce: Value = ({ ready, reads }) => ready + Math.max(0, ...reads.map((thread) => thread.reads)) * LATENCY;
  return [
    row(chains, 'reads', ({ reads }) => totalReads(reads).reads, 'reads'),
    headline({ ...ofFewest, figures: ofFewest.figures.map((judged, i) => whole(chains[i]!, judged)) }),
    row(chains, 'bytes read', ({ reads }) => totalReads(reads).bytes / 2 ** 20, 'MiB'),
    row(chains, `ready with ${LATENCY} ms a read, one after the other`, inTurn),
    row(chains, `ready with ${LATENCY} ms a read, threads at a time`, atOnce),
  ];
}

function row(chains: readonly ChainFigures[], what: string, value: Value, unit: Unit = 'ms', aim: Aim = {}): Row {
  const { atMost, atLeast, of } = aim;
  const bound = aimOf(aim, unit);
  return {
    what,
    aim: bound && `${of ?? ''} ${bound}`.trim(),
    figures: chains.map((chain) => {
      return optional(value(chain), unit, (of ?? chain.name) === chain.name ? { atMost, atLeast } : {});
    }),
  };
}

/** An aim is not met by showing a part of the disk sooner. */
function whole({ unknown }: ChainFigures, judged: Figure | null): Figure | null {
  return judged?.met && unknown > 0 ? { ...judged, met: false } : judged;
}

function optional(measured: number | undefined, unit: Unit, bound: Bound = {}): Figure | null {
  return measured === undefined ? null : figure(measured, unit, bound);
}

function halfAsGood({ atMost, atLeast }: Bound, atA: number | undefined): Bound {
  if (atA === undefined) return {};
  return { atMost: atMost && atA * 2, atLeast: atLeast && atA / 2 };
}
