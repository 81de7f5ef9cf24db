import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { qemuVersion } from '../support/qemu';
import { chainSection } from './chainSection';
import { measureConvert } from './convert';
import type { ChainFigures, OwnPeaks } from './fixtures';
import { measureChain, ownPeaks } from './fixtures';
import { measureFormats } from './formatSection';
import { buildChain, CHAINS } from './inputs/chains';
import { describeMachine } from './machine';
import { measureRandomReads } from './randomReads';
import { measureRefresh } from './refreshSection';
import { measureSample } from './sample';
import type { Section } from './sections';
import { measureSweep } from './sweep';
import { measureWorks } from './works';
import type { World } from './world';

/**
 * All of the bench that needs no browser. Writes `{ date, machine, quick, rounds, failed, chains, sections }` as JSON.
 *   node main.js --cache FOLDER --out FOLDER --dist FOLDER --sample IMAGE --result FILE
 *     [--rounds N] [--quick] [--only NAME,NAME…]
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      cache: { type: 'string', default: '' },
      out: { type: 'string', default: '' },
      dist: { type: 'string', default: '' },
      sample: { type: 'string', default: '' },
      result: { type: 'string', default: '' },
      rounds: { type: 'string', default: '' },
      quick: { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
    },
  });
  const { cache, out, dist, quick } = values;
  const world: World = {
    cache,
    out,
    quick,
    worker: join(dist, 'worker.js'),
    cli: join(dist, 'cli.js'),
    rounds: Number(values.rounds || (quick ? 1 : 5)),
    dataSize: (quick ? 1 : 8) * 2 ** 30,
    qemu: qemuVersion() !== undefined,
  };
  if (!(world.rounds >= 1)) throw new RangeError(`${values.rounds} is no number of rounds`);
  const only = values.only === '' ? undefined : values.only.split(',');
  const wanted = (name: string): boolean => only?.includes(name) ?? true;
  mkdirSync(out, { recursive: true });

  const sections: Section[] = [];
  const chains: ChainFigures[] = [];
  const failed: string[] = [];
  /** What fails takes nothing with it that was measured before, and is told. */
  const part = async (name: string, run: () => Promise<Section | undefined> | Section): Promise<void> => {
    if (!wanted(name)) return;
    console.error(`${name}…`);
    try {
      const section = await run();
      if (section) sections.push(section);
    } catch (error) {
      console.error(`${name} failed:`, error);
      failed.push(name);
      process.exitCode = 1;
    }
  };
  await part('sample', () => measureSample(world, values.sample));
  let own: OwnPeaks | undefined;
  for (const spec of CHAINS) {
    await part(spec.name, async () => {
      own ??= await ownPeaks(world);
      chains.push(await measureChain(world, spec, own));
      return undefined;
    });
  }
  if (chains.length > 0) sections.push(chainSection(chains));
  await part('sweep', () => measureSweep(world));
  await part('formats', () => measureFormats(world));
  await part('refresh', () => measureRefresh(world));
  await part('convert', () => measureConvert(world));
  await part('reads', () => measureRandomReads(world));
  await part('works', () => measureWorks(world));

  // What is drawn in a browser is measured elsewhere.
  const a = wanted('drawing') ? await buildChain(world.cache, CHAINS[0]!) : undefined;
  const result = {
    date: new Date().toISOString(),
    machine: describeMachine(),
    quick,
    rounds: world.rounds,
    failed,
    leafOfA: a?.files[0],
    chains,
    sections,
  };
  writeFileSync(values.result, JSON.stringify(result));
}

void main();
