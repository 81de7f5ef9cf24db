import assert from 'node:assert/strict';
import { renameSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type CliResult, runCli, startCli, startCliJson } from '../support/cli';
import type { MapEntry } from '../support/qemu';
import { Draw } from '../support/random';
import { holesOf, unpack } from '../support/sparse';
import { makeTempFolder, removeFolder } from '../support/temp';
import { allocatedBelow, assertAccountsMatch, assertAddsUp, type ChainOutput, sizeOf } from './accounts';
import { type CheckOutput, qemuKeys } from './checks';
import { mapDifferences } from './compare';
import { assertReads } from './content';
import { type Golden, type GoldenMap, goldenNames, readGolden } from './golden';
import { holesAreKnown } from './holes';
import { assertInfo, type Facts } from './info';
import { RECIPES } from './recipes';
import { assertPrintedTrace, assertTraces, type Sample, samplesOf, type TraceOutput } from './traces';

/** Layers that their child opens as something other than they are by themselves, so that their own map says nothing. */
const OPENED_OTHERWISE = ['names/format-raw.qcow2', 'names/json-window.qcow2'];
/** Has data past the end of its file, which is known to be no data even where holes can't be seen: a case between. */
const PAST_THE_END = ['sparse-copy/cut.qcow2'];
const ON_WINDOWS = process.platform === 'win32';

/** A fixture unpacked, with what is true of it here. */
class Unpacked {
  readonly folder = makeTempFolder('golden');
  /** False where the file system or the platform keeps or tells no holes: then ranges count as data. */
  readonly holes: boolean;
  /** True when the holes are there, but not where the fixture has them. */
  readonly otherHoles: boolean;
  private readonly answers = new Map<string, Promise<unknown>>();
  private readonly checks = new Map<string, Promise<CliResult>>();

  constructor(readonly golden: Golden) {
    const states = unpack(golden.pack, this.folder).map((file) => holesOf(this.folder, file));
    this.otherHoles = states.includes('other');
    this.holes = !states.includes('dense') && holesAreKnown();
  }

  image(name: string): GoldenMap {
    const image = this.golden.maps.images[name];
    assert(image, `no golden map of ${name}`);
    return image;
  }

  /** What `map` must say of an image on this machine. */
  expected(name: string): readonly MapEntry[] {
    const { map, dense } = this.image(name);
    return this.holes ? map : (dense ?? map);
  }

  /** Bytes to trace: all of them in this process; one of the last image, by the command line. */
  samples(name: string): { all: readonly Sample[]; one: Sample | undefined } {
    const draw = Draw.named(2, `${this.golden.name}/${name}`);
    const all = samplesOf(this.expected(name), draw);
    const last = name === Object.keys(this.golden.maps.images).at(-1);
    return { all, one: last ? draw.shuffle(all)[0] : undefined };
  }

  /** What a verb prints of an image in the fixture's folder; asked once. */
  run(...args: readonly string[]): Promise<unknown> {
    const key = args.join('\0');
    const answer = this.answers.get(key) ?? startCliJson(args, { cwd: this.folder });
    this.answers.set(key, answer);
    return answer;
  }

  /** What `check` says of an image in the fixture's folder, in its exit code too; asked once. */
  check(image: string): Promise<CliResult> {
    const answer = this.checks.get(image) ?? startCli(['check', '--output', 'json', image], { cwd: this.folder });
    this.checks.set(image, answer);
    return answer;
  }

  /** Starts all that the tests will ask for, since most of the time of each goes into starting a process. */
  async runAll(): Promise<void> {
    const answers = Object.entries(this.golden.maps.images).flatMap(([name, { snapshots = {} }]) => {
      const { one } = this.samples(name);
      return [
        ...['map', 'chain', 'info'].map((verb) => this.run(verb, name)),
        this.check(name),
        ...Object.keys(snapshots).map((id) => this.run('map', '--snapshot', id, name)),
        ...(one ? [this.run('trace', name, String(one.offset))] : []),
      ];
    });
    // Each test tells of its own failure.
    await Promise.allSettled(answers);
  }
}

describe('golden fixtures', () => {
  it('are those of the recipes', () => {
    assert.deepEqual(goldenNames(), RECIPES.map(({ name }) => name).sort());
  });

  for (const name of goldenNames()) {
    const golden = readGolden(name);
    const images = Object.keys(golden.maps.images);
    const about = RECIPES.find((recipe) => recipe.name === name)?.about ?? 'no recipe makes it';

    describe(`${name}: ${about}`, function () {
      let unpacked: Unpacked;
      let folder: string | undefined;

      before(async function () {
        if (ON_WINDOWS && images.some((image) => image.includes(':'))) this.skip();
        unpacked = new Unpacked(golden);
        ({ folder } = unpacked);
        // Neither of the two truths is about such files: a compressing file system, for one, makes holes of its own.
        if (unpacked.otherHoles) this.skip();
        await unpacked.runAll();
      });

      after(() => {
        if (folder !== undefined) removeFolder(folder);
      });

      for (const image of images) {
        it(`map of ${image}`, async function () {
          if (PAST_THE_END.includes(`${name}/${image}`) && !unpacked.holes) this.skip();
          const actual = (await unpacked.run('map', image)) as MapEntry[];
          assert.deepEqual(mapDifferences(actual, unpacked.expected(image)), []);
        });

        for (const [id, expected] of Object.entries(golden.maps.images[image]?.snapshots ?? {})) {
          it(`map of ${image}, snapshot ${id}`, async () => {
            const actual = (await unpacked.run('map', '--snapshot', id, image)) as MapEntry[];
            assert.deepEqual(mapDifferences(actual, expected), []);
          });
        }

        it(`chain of ${image} adds up and counts as its map does`, async () => {
          assertChain(unpacked, image, (await unpacked.run('chain', image)) as ChainOutput);
        });

        it(`info of ${image} has qemu-img's keys`, async () => {
          assertInfo(unpacked.folder, (await unpacked.run('info', image)) as Facts, golden.info[image] ?? {});
        });

        it(`check of ${image} counts as qemu-img does`, async () => {
          const { code, stdout, stderr } = await unpacked.check(image);
          const expected = golden.checks[image];
          assert.equal(code, expected?.code, stderr);
          if (expected?.report) assert.deepEqual(qemuKeys(JSON.parse(stdout) as CheckOutput), expected.report);
        });

        it(`trace of ${image} finds the owners of the map`, async () => {
          const { all, one } = unpacked.samples(image);
          if (one) assertPrintedTrace((await unpacked.run('trace', image, String(one.offset))) as TraceOutput, one);
          await assertTraces(unpacked.folder, image, all);
        });

        const content = golden.content[image];
        if (!content || content.encrypted) continue;

        it(`${image} reads as qemu-img convert reads it`, async () => {
          await assertReads(unpacked.folder, image, content);
        });

        for (const [id, snapshot] of Object.entries(content.snapshots ?? {})) {
          it(`${image} reads as it did at snapshot ${snapshot.name}`, async () => {
            await assertReads(unpacked.folder, image, snapshot, id);
            await assertReads(unpacked.folder, image, snapshot.converted, id);
          });
        }
      }

      const leaf = images.findLast((image) => (golden.maps.images[image]?.chain.length ?? 1) > 1);
      if (leaf !== undefined) {
        it(`info --backing-chain of ${leaf} lists its layers`, async () => {
          const list = (await startCliJson(['info', '--backing-chain', leaf], { cwd: unpacked.folder })) as Facts[];
          const { chain: files } = unpacked.image(leaf);
          assert.equal(list.length, files.length);
          list.forEach((layer, depth) => {
            const file = files[depth] ?? '';
            const expected = golden.info[file] ?? {};
            if (!OPENED_OTHERWISE.includes(`${name}/${leaf}`)) assertInfo(unpacked.folder, layer, expected);
          });
        });

        it(`chain of ${leaf} without its base`, async () => {
          await assertWithoutBase(unpacked, leaf);
        });
      }
    });
  }
});

function assertChain(unpacked: Unpacked, image: string, chain: ChainOutput): void {
  const { chain: files } = unpacked.image(image);
  assertAddsUp(chain);
  assertAccountsMatch(chain, unpacked.expected(image));
  assert.equal(chain.end, 'base');
  const absolute = (file: string): string => resolve(unpacked.folder, file);
  assert.deepEqual(
    chain.layers.map(({ filename }) => absolute(filename)),
    files.map(absolute),
  );
  if (OPENED_OTHERWISE.includes(`${unpacked.golden.name}/${image}`)) return;
  chain.layers.forEach((layer, depth) => {
    const file = files[depth] ?? '';
    const info = unpacked.golden.info[file] ?? {};
    const stat = statSync(join(unpacked.folder, file)) as { size: number; blocks?: number };
    assert.equal(layer.format, info['format'], `format of ${file}`);
    assert.equal(layer.guestSize, info['virtual-size'], `guestSize of ${file}`);
    assert.equal(layer.backing, info['backing-filename'] ?? null, `backing of ${file}`);
    assert.equal(layer.fileSize, stat.size, `fileSize of ${file}`);
    if (stat.blocks !== undefined) assert.equal(layer.diskUsage, stat.blocks * 512, `diskUsage of ${file}`);
    const { alone, map } = unpacked.image(file);
    const allocated = allocatedBelow(alone ?? map, chain.guestSize);
    assert.equal(layer.shadowed, allocated - layer.owned, `shadowed of ${file}`);
  });
}

/** Who answers is unknown exactly where a read would have gone on to the missing layer. */
async function assertWithoutBase(unpacked: Unpacked, image: string): Promise<void> {
  const { chain: files, map } = unpacked.image(image);
  const last = files.length - 1;
  const base = join(unpacked.folder, files[last] ?? '');
  const beside = `${base}.away`;
  renameSync(base, beside);
  try {
    const chain = (await startCliJson(['chain', image], { cwd: unpacked.folder })) as ChainOutput;
    assertAddsUp(chain);
    assert.equal(chain.end, 'missing');
    assert.equal(chain.layers.length, last);
    const unknown = map.filter(({ depth, present }) => depth === last || (depth === last - 1 && !present));
    assert.equal(chain.unknown, sizeOf(unknown), 'unknown');
    for (const { depth, owned } of chain.layers) {
      assert.equal(owned, sizeOf(map.filter((entry) => entry.depth === depth && entry.present)), `owned by ${depth}`);
    }
    const findings = chain.layers[last - 1]?.findings ?? [];
    assert(
      findings.some(({ severity }) => severity === 'error'),
      'an error tells of the missing parent',
    );
    const broken = runCli(['map', '--output', 'json', image], { cwd: unpacked.folder });
    assert.equal(broken.code, chain.unknown > 0 ? 1 : 0, 'a map with unknown ranges is a failure');
    const known = (JSON.parse(broken.stdout) as (MapEntry & { unknown?: true })[]).filter((entry) => !entry.unknown);
    assert.equal(sizeOf(known), sizeOf(map) - chain.unknown, 'which shows what is known');
  } finally {
    renameSync(beside, base);
  }
}
