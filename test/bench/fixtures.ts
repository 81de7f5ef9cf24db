import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { QEMU_IMG } from '../support/qemu';
import type { BuiltChain, ChainSpec } from './inputs/chains';
import { buildChain, TINY } from './inputs/chains';
import { countRanges, sameBytes } from './mapFiles';
import type { OpenFigures, Probes } from './measures/open';
import type { PlainRead } from './measures/plainRead';
import { measure, time, timeWithPeak } from './programs';
import type { ThreadReads } from './reads';
import { emptyCounters, readCounters } from './reads';
import { median } from './statistics';
import type { World } from './world';

/** What was measured on one chain: medians, in milliseconds and bytes. */
export interface ChainFigures {
  readonly name: string;
  readonly what: string;
  readonly tableBytes: number;
  /** Entries of its map in JSON. */
  readonly ranges: number;
  readonly plainRead: number;
  readonly thread: number;
  readonly facts: number;
  readonly coarse: number;
  readonly ready: number;
  readonly unknown: number;
  /** Over what the same process has with a tiny image open. */
  readonly peak: number;
  readonly probes: Probes;
  readonly ourMap: number;
  /** Of `vmdisk map`, over what it has on a tiny image. */
  readonly mapPeak: number;
  readonly qemuMap?: number | undefined;
  /** Whether both maps are the same to the byte. */
  readonly sameMap?: boolean | undefined;
  readonly fewestReads: number;
  /** A thread each. */
  readonly reads: readonly ThreadReads[];
}

/** The peaks of programs that have next to nothing to do, bytes. */
export interface OwnPeaks {
  readonly open: number;
  readonly map: number;
}

export async function ownPeaks(world: World): Promise<OwnPeaks> {
  const { files } = await buildChain(world.cache, TINY);
  const leaf = files[0]!;
  const map = join(world.out, 'map-tiny.json');
  const rounds = Array.from({ length: 3 }, () => ({
    open: measure('open', [world.worker, leaf]).peak,
    map: timeWithPeak(world.cli, ['map', '--output', 'json', leaf], map).peak,
  }));
  rmSync(map, { force: true });
  return { open: median(rounds.map(({ open }) => open)), map: median(rounds.map((round) => round.map)) };
}

/**
 * Measures one chain: the plain read, ours and our map in turn, round by round; qemu-img, which takes minutes, once
 * among them.
 */
export async function measureChain(world: World, spec: ChainSpec, own: OwnPeaks): Promise<ChainFigures> {
  const chain = await buildChain(world.cache, spec);
  const maps = { ours: join(world.out, `map-${spec.name}.json`), qemu: join(world.out, `map-${spec.name}.qemu.json`) };
  try {
    return measureBuilt(world, chain, maps, own);
  } finally {
    for (const map of Object.values(maps)) rmSync(map, { force: true });
  }
}

function measureBuilt(
  world: World,
  { spec, files }: BuiltChain,
  maps: { readonly ours: string; readonly qemu: string },
  own: OwnPeaks,
): ChainFigures {
  const leaf = files[0]!;
  const plain: PlainRead[] = [];
  const opened: OpenFigures[] = [];
  const ourMaps: { time: number; peak: number }[] = [];
  let qemuMap: number | undefined;
  for (let round = 0; round < world.rounds; round += 1) {
    console.error(`${spec.name}: round ${round + 1} of ${world.rounds}`);
    plain.push(measure('plainRead', files));
    opened.push(measure('open', [world.worker, leaf]));
    ourMaps.push(timeWithPeak(world.cli, ['map', '--output', 'json', leaf], maps.ours));
    if (world.qemu && !world.quick && round === world.rounds >> 1)
      qemuMap = time(QEMU_IMG, ['map', '--output=json', leaf], { stdout: maps.qemu });
  }
  const counters = join(world.out, 'reads');
  emptyCounters(counters);
  measure('open', [world.worker, leaf], counters);
  const { probes } = measure('open', [world.worker, leaf, 'probe']);
  if (!probes) throw new Error('the probes were left out');
  const medianOf = (pick: (figures: OpenFigures) => number): number => median(opened.map(pick));
  return {
    name: spec.name,
    what: spec.what,
    tableBytes: plain[0]!.bytes,
    ranges: countRanges(maps.ours),
    plainRead: median(plain.map((read) => read.time)),
    thread: medianOf(({ thread }) => thread),
    facts: medianOf(({ facts }) => facts),
    coarse: medianOf(({ coarse }) => coarse),
    ready: medianOf(({ ready }) => ready),
    unknown: medianOf(({ unknown }) => unknown),
    peak: medianOf(({ peak }) => peak) - own.open,
    probes,
    ourMap: median(ourMaps.map((run) => run.time)),
    mapPeak: median(ourMaps.map(({ peak }) => peak)) - own.map,
    qemuMap,
    sameMap: qemuMap === undefined ? undefined : sameBytes(maps.ours, maps.qemu),
    fewestReads: plain[0]!.fewestReads,
    reads: readCounters(counters).filter(({ reads }) => reads > 0),
  };
}
