import type { ChainFigures } from './fixtures';
import { totalReads } from './reads';
import type { Bound, Figure, Row, Section, Unit } from './sections';
import { figure, mebibytes } from './sections';

/** Of a read on slow storage, milliseconds. */
const LATENCY = 2;
const MIB = 2 ** 20;

/** The aims are A's; on the others no ratio may be worse than half of what A's is. */
const AIM = {
  toPlain: 2,
  toQemu: 30,
  mapToQemu: 10,
  peak: 256 * MIB,
  facts: 50,
  coarse: 150,
  cells: 4,
  trace: 1,
  reads: 1.5,
} as const;

type Measure = (chain: ChainFigures) => Figure | null;

/** All that was measured on the chains, a column each. */
export function chainSection(chains: readonly ChainFigures[]): Section {
  const a = chains.find(({ name }) => name === 'A');
  const rowOf = (what: string, measured: Measure, aim?: string): Row => ({ what, aim, figures: chains.map(measured) });
  const ms = (what: string, value: (chain: ChainFigures) => number, aim?: { atMost: number; of?: string }): Row =>
    rowOf(
      what,
      (chain) => figure(value(chain), 'ms', appliesTo(chain, aim) ? { atMost: aim?.atMost } : {}),
      aim && `${aim.of ? `${aim.of} ` : ''}≤ ${aim.atMost} ms`,
    );
  /** A ratio that has an aim on A, and elsewhere one that follows from A's own. */
  const ratio = (what: string, of: (chain: ChainFigures) => number | undefined, bound: Bound): Row => {
    const atA = a && of(a);
    return rowOf(
      what,
      (chain) => optional(of(chain), '×', chain.name === 'A' ? bound : halfAsGood(bound, atA)),
      bound.atMost === undefined ? `A ≥ ${bound.atLeast}, others ≥ A’s / 2` : `A ≤ ${bound.atMost}, others ≤ A’s × 2`,
    );
  };
  return {
    title: 'Chains of metadata',
    columns: chains.map(({ name, what }) => `${name}: ${what}`),
    rows: [
      rowOf('L2 tables', ({ tableBytes }) => mebibytes(tableBytes)),
      rowOf('ranges in the map, millions', ({ ranges }) => figure(ranges / 1e6, '')),
      ms('plain read of the tables', ({ plainRead }) => plainRead),
      rowOf('qemu-img map to a file', ({ qemuMap }) => optional(qemuMap, 'ms')),
      ms('owners, kinds and accounting ready', ({ ready }) => ready),
      ratio('… of the plain read’s time', ({ ready, plainRead }) => ready / plainRead, { atMost: AIM.toPlain }),
      ratio('… faster than qemu-img map', ({ ready, qemuMap }) => qemuMap && qemuMap / ready, { atLeast: AIM.toQemu }),
      ms('… per GiB of tables', ({ ready, tableBytes }) => (ready / tableBytes) * 2 ** 30),
      rowOf('… unknown in the end', ({ unknown }) => figure(unknown * 100, '%', { atMost: 0 }), '0 %'),
      ms('vmdisk map to a file', ({ ourMap }) => ourMap),
      ratio('… faster than qemu-img map', ({ ourMap, qemuMap }) => qemuMap && qemuMap / ourMap, {
        atLeast: AIM.mapToQemu,
      }),
      rowOf(
        '… the same to the byte',
        ({ sameMap }) => optional(sameMap === undefined ? undefined : Number(sameMap), '', { atLeast: 1 }),
        '1',
      ),
      rowOf(
        'peak memory over the program’s own',
        ({ peak }) => mebibytes(peak, { atMost: AIM.peak / MIB }),
        '≤ 256 MiB',
      ),
      ms('start of the worker’s thread', ({ thread }) => thread),
      ms('first facts', ({ facts }) => facts, { atMost: AIM.facts, of: 'E' }),
      ms('first coarse picture', ({ coarse }) => coarse, { atMost: AIM.coarse, of: 'A' }),
      ms('cells of a viewport, median', ({ probes }) => probes.cells.median, { atMost: AIM.cells }),
      ms('cells of a viewport, worst', ({ probes }) => probes.cells.worst, { atMost: AIM.cells }),
      ms('trace, warm, median', ({ probes }) => probes.trace.median, { atMost: AIM.trace }),
      ms('read of 4 KiB, warm, median', ({ probes }) => probes.read.median),
      rowOf('reads', ({ reads }) => figure(totalReads(reads).reads, 'reads')),
      rowOf(
        '… of the fewest possible',
        ({ reads, fewestReads }) => figure(totalReads(reads).reads / fewestReads, '×', { atMost: AIM.reads }),
        `≤ ${AIM.reads} ×`,
      ),
      rowOf('… bytes read', ({ reads }) => mebibytes(totalReads(reads).bytes)),
      ms(`ready with ${LATENCY} ms a read, one after the other`, ({ ready, reads }) => {
        return ready + totalReads(reads).reads * LATENCY;
      }),
      ms(`ready with ${LATENCY} ms a read, threads at a time`, ({ ready, reads }) => {
        return ready + Math.max(0, ...reads.map((thread) => thread.reads)) * LATENCY;
      }),
    ],
  };
}

const appliesTo = ({ name }: ChainFigures, aim: { readonly of?: string } | undefined): boolean =>
  aim !== undefined && (aim.of ?? name) === name;

function optional(measured: number | undefined, unit: Unit, bound: Bound = {}): Figure | null {
  return measured === undefined ? null : figure(measured, unit, bound);
}

function halfAsGood({ atMost, atLeast }: Bound, atA: number | undefined): Bound {
  if (atA === undefined) return {};
  return { atMost: atMost && atA * 2, atLeast: atLeast && atA / 2 };
}
