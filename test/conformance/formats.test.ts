import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DRIVERS } from '../../src/core';
import { startCli, startCliJson } from '../support/cli';
import { flattenImage } from '../support/flatten';
import { mapEntries } from '../support/map';
import type { MapEntry } from '../support/qemu';
import { Draw } from '../support/random';
import { withSession } from '../support/session';
import { holesOf, unpack } from '../support/sparse';
import { makeTempFolder, removeFolder } from '../support/temp';
import { assertAccountsMatch, assertAddsUp, type ChainOutput } from './accounts';
import { type CheckOutput, qemuKeys } from './checks';
import { mapDifferences } from './compare';
import { FORMATS } from './formats';
import { digestOfFile } from './formats/contentHash';
import { fixturesOf, type FormatFixture, formatsWithFixtures } from './formats/expected';
import { assertReadsAs } from './formats/reads';
import { validationFile, validationText } from './formats/validation';
import { holesAreKnown } from './holes';
import { assertInfo, type Facts } from './info';
import { assertTraces, samplesOf } from './traces';

/** Have their own fixtures, which `golden.test.ts` goes through. */
const GOLDEN = ['qcow2', 'raw'];
const CHECK_CODE = { fine: 0, corrupt: 2, nothingToCheck: 63 } as const;
/** Larger disks are not written out as raw files here. */
const CONVERTED = 2 ** 26;

/** A fixture unpacked, with what is true of it here. */
class Unpacked {
  readonly folder = makeTempFolder('format');
  /** What is made of it goes elsewhere: a parent may be looked for in its folder. */
  readonly out = makeTempFolder('format-out');
  /** The map on this machine; undefined where the file system has its own mind about holes, of which nothing is known. */
  readonly map: readonly MapEntry[] | undefined;

  constructor({ pack, expected }: FormatFixture) {
    const { map, dense = map } = expected;
    const states = unpack(pack, this.folder).map((file) => holesOf(this.folder, file));
    this.map = states.includes('other') ? undefined : !states.includes('dense') && holesAreKnown() ? map : dense;
  }
}

describe('fixtures of formats', () => {
  it('are there for every driver', () => {
    const drivers = DRIVERS.map(({ id }) => id).filter((id) => !GOLDEN.includes(id));
    assert.deepEqual(
      drivers.filter((id) => fixturesOf(id).length === 0),
      [],
    );
  });

  it('are those of the recipes', () => {
    const made = formatsWithFixtures().flatMap((format) => fixturesOf(format).map(({ name }) => `${format}/${name}`));
    const recipes = Object.entries(FORMATS).flatMap(([format, list]) => list.map(({ name }) => `${format}/${name}`));
    assert.deepEqual(made, recipes.sort());
  });

  it('are those that VALIDATION.md tells of', () => {
    assert.equal(readFileSync(validationFile(), 'utf8'), validationText(), 'node scripts/validation.mjs');
  });

  for (const { id } of DRIVERS) {
    describe(id, () => {
      for (const fixture of fixturesOf(id))
        describe(`${fixture.name}: ${fixture.expected.branch}`, () => suite(fixture));
    });
  }
});

function suite(fixture: FormatFixture): void {
  const { format, name, expected } = fixture;
  const { leaf, content } = expected;
  let unpacked: Unpacked;
  let image: string;

  before(function () {
    unpacked = new Unpacked(fixture);
    image = join(unpacked.folder, leaf);
    if (!unpacked.map) this.skip();
  });

  after(() => {
    removeFolder(unpacked.folder);
    removeFolder(unpacked.out);
  });

  it('opens with its chain and its findings', async () => {
    await withSession(image, undefined, ({ session }) => {
      const { layers, end } = session.chain;
      assert.equal(layers[0]?.layer.format, format);
      assert.deepEqual(
        layers.map(({ identity }) => identity.path),
        expected.chain.map((file) => resolve(unpacked.folder, file)),
      );
      assert.equal(end.kind, expected.end);
      const findings = layers.flatMap(({ depth }) => session.findings(depth));
      const told = findings.filter(({ severity }) => severity !== 'info').map(({ code }) => code);
      assert.deepEqual([...new Set(told)].sort(), expected.findings);
    });
  });

  it('has the map', async () => {
    const map = await withSession(image, undefined, ({ session }) => mapEntries(session));
    assert.deepEqual(mapDifferences(map, unpacked.map ?? []), []);
  });

  it('traces to the owners of the map', async () => {
    // Where not all of it can be read, what is data and in no place is a broken entry.
    const hasPlace = (entry: MapEntry): boolean => content !== undefined || !entry.data || entry.offset !== undefined;
    const known = (unpacked.map ?? []).filter((entry) => !('unknown' in entry) && hasPlace(entry));
    await assertTraces(unpacked.folder, leaf, samplesOf(known, Draw.named(1, `${format}/${name}`)));
  });

  it('has a chain that adds up', async () => {
    const chain = (await startCliJson(['chain', leaf], { cwd: unpacked.folder })) as ChainOutput;
    assertAddsUp(chain);
    assert.equal(chain.end, expected.end);
    if (expected.end === 'base') assertAccountsMatch(chain, unpacked.map ?? []);
  });

  if (content) {
    it('reads as its judges read it', async () => {
      await assertReadsAs(unpacked.folder, leaf, content);
    });
  }

  if (content && content.size <= CONVERTED) {
    it('converts to what its judges read', async () => {
      const out = join(unpacked.out, 'out.raw');
      await flattenImage(image, out, 'raw', { salvage: expected.findings.length > 0 });
      assert.deepEqual(digestOfFile(out), content);
    });
  }

  if (!content && expected.end === 'base') {
    it('is not converted, since not all of it can be read', async () => {
      await assert.rejects(flattenImage(image, join(unpacked.out, 'out.raw'), 'raw', { salvage: true }));
    });
  }

  it('checks as expected', async () => {
    const { code, stdout, stderr } = await startCli(['check', '--output', 'json', leaf], { cwd: unpacked.folder });
    if (expected.check) {
      assert.equal(code, expected.check.code, stderr);
      const { report } = expected.check;
      if (report) assert.deepEqual(qemuKeys(JSON.parse(stdout) as CheckOutput, report), report);
    }
    if (!expected.problems) return;
    if (code === CHECK_CODE.nothingToCheck) {
      assert.deepEqual(expected.problems, []);
      return;
    }
    const { problems } = JSON.parse(stdout) as CheckOutput;
    assert.deepEqual([...new Set(problems.map((problem) => problem.code))].sort(), expected.problems);
    if (!expected.check) assert.equal(code, problems.length > 0 ? CHECK_CODE.corrupt : CHECK_CODE.fine, stderr);
  });

  const { info } = expected;
  if (info) {
    it('tells what qemu-img info tells', async () => {
      const { folder } = unpacked;
      const actual = (await startCliJson(['info', leaf], { cwd: folder })) as Facts;
      assertInfo(folder, withWholeNames(folder, actual), withWholeNames(folder, info));
    });
  }
}

/** What `info` tells, with the names of extents as paths of their own: qemu-img words them as the image itself was named. */
function withWholeNames(folder: string, told: unknown): Facts {
  const text = JSON.stringify(told, (key, value: unknown) =>
    key === 'filename' && typeof value === 'string' ? resolve(folder, value) : value,
  );
  return JSON.parse(text) as Facts;
}
