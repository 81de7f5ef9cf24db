/**
 * Random families made with qemu-img and qemu-io, of which every layer in turn is planned and deleted, in each way that
 * is open: what is moved and freed is what the plan said, measured by QEMU's own tracing and by the clusters in use, and
 * what is left reads as before, by qemu-img.
 *
 * VMDISK_FAMILIES is how many, VMDISK_SEED draws others, VMDISK_FAMILY picks one of them by its number. A long run is
 * `npm run families`.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import type { DeletePlan, Direction } from '../../src/core';
import { TRUST_ALL } from '../../src/node/gate';
import type { QemuImg } from '../../src/node/qemuImg';
import { findQemuImg } from '../../src/node/qemuImg';
import { deleteLayer, planDelete } from '../../src/node/snapshots/delete';
import { notePath } from '../../src/node/snapshots/notes';
import { qemuCheck, qemuVersion, isAtLeast } from '../support/qemu';
import { formatOf, RandomFamily } from './families/family';
import { clusterSizeOf, inUse, isDirty, movedBytes, taken, TracingTool } from './families/measure';

const DEFAULT_SEED = 20_261_125;
const seed = Number(process.env['VMDISK_SEED'] ?? DEFAULT_SEED);
const families = Number(process.env['VMDISK_FAMILIES'] ?? 4);
const only = process.env['VMDISK_FAMILY'];
const numbers = only === undefined ? Array.from({ length: families }, (_, index) => index + 1) : [Number(only)];
const version = qemuVersion();
const WAYS: readonly Direction[] = ['commit', 'pull'];
/** Why a layer of such a family may be refused. */
const EXPECTED = new Set([
  'siblings',
  'only-copy',
  'no-parent',
  'no-children',
  'parent-larger',
  'internal-snapshots',
  'child-snapshots',
  'cannot-grow',
  'stale-tail',
  'corrupt',
  'name-too-long',
]);

describe(`deleting each layer of random families, with qemu-img ${version?.text ?? ''} (VMDISK_SEED=${seed})`, () => {
  if (version === undefined || !isAtLeast(version, 6, 1)) {
    const required = (process.env['VMDISK_REQUIRE_QEMU'] ?? '') !== '';
    if (required) it('has qemu-img', () => assert.fail('there is no qemu-img (6.1 or newer): install qemu-utils'));
    else it('is not done: there is no qemu-img (6.1 or newer) on PATH; install qemu-utils');
    return;
  }

  const tally = { planned: 0, exact: 0 };

  after(() => {
    // Too few to say anything where one is made again.
    if (tally.planned >= 20)
      assert(tally.exact >= tally.planned * 0.8, `exact: ${tally.exact} of ${tally.planned} plans`);
  });

  for (const number of numbers) {
    it(`family ${number} (VMDISK_SEED=${seed} VMDISK_FAMILY=${number})`, async function () {
      this.timeout(600_000);
      const family = new RandomFamily(seed, number);
      try {
        await new Trial(family, await findQemuImg(), tally).run();
      } finally {
        family.remove();
      }
    });
  }
});

interface Measured {
  /** Bytes in use in the images that are written to. */
  readonly before: ReadonlyMap<string, number>;
  /** Those of them that were not closed in order. */
  readonly dirty: ReadonlySet<string>;
}

class Trial {
  private readonly hashes: ReadonlyMap<string, string>;
  private readonly tracing: TracingTool | undefined;
  constructor(
    private readonly family: RandomFamily,
    private readonly tool: QemuImg,
    /** How many plans there were, and of them such as could be held to the cluster. */
    private readonly tally: { planned: number; exact: number },
  ) {
    this.hashes = new Map(family.images.map((image) => [image, family.hash(image)]));
    this.tracing = TracingTool.works(tool.path)
      ? new TracingTool(family.scratch(''), tool.path, tool.version)
      : undefined;
  }

  async run(): Promise<void> {
    for (const image of this.family.images) {
      for (const direction of WAYS) await this.tryDelete(image, direction);
    }
  }

  private async tryDelete(image: string, direction: Direction): Promise<void> {
    const { family } = this;
    family.restore();
    const title = `${image} ${direction} in ${family.images.map((each) => `${each}<-${family.parentOf(each) ?? ''}`).join(' ')}`;
    const request = { image: family.path(image), direction, exact: true };
    const plan = await planDelete(request, TRUST_ALL);
    if (plan.direction === undefined) {
      this.assertRefused(image, direction, plan, title);
      return;
    }
    const measured = this.measured(plan);
    const layerTakes = taken(family.path(image));
    const done = await deleteLayer(request, this.tracing ?? this.tool, TRUST_ALL);
    assert.equal(done.direction, direction, title);
    assert(!existsSync(family.path(image)), `${title}: is removed`);
    assert(!existsSync(notePath(family.path(image), 'delete')), `${title}: leaves no note`);
    this.assertFigures(plan, measured, layerTakes, this.tracing?.said(), title);
    this.assertReadsAsBefore(image, direction, title);
    for (const { into } of plan.moves) {
      if (formatOf(into) === 'qcow2') assert.notEqual(qemuCheck(family.folder, '-f', 'qcow2', into).code, 2, title);
    }
  }

  private measured({ moves }: DeletePlan): Measured {
    const { folder } = this.family;
    return {
      before: new Map(moves.map(({ into }) => [into, inUse(folder, basename(into))])),
      dirty: new Set(moves.flatMap(({ into }) => (isDirty(folder, basename(into)) ? [into] : []))),
    };
  }

  private assertFigures(
    plan: DeletePlan,
    measured: Measured,
    layerTakes: number,
    said: string | undefined,
    title: string,
  ): void {
    const { folder } = this.family;
    // Counts of an image that was not closed in order are put in order first: then they tell nothing.
    const { before, dirty } = measured;
    let growth = 0;
    for (const move of plan.moves) {
      const image = basename(move.into);
      const grown = inUse(folder, image) - (before.get(move.into) ?? 0);
      growth += grown;
      if (plan.exact) assert.equal(move.growth, grown, `${title}: growth of ${image}`);
      else if (!dirty.has(move.into))
        assert(move.growth >= grown, `${title}: ${image} grows by ${grown}, told ${move.growth}`);
    }
    this.tally.planned += 1;
    if (plan.exact) {
      assert.equal(plan.freed, layerTakes - growth, `${title}: freed`);
      this.tally.exact += 1;
    }
    // Of several images qemu-img does not tell which it writes to.
    const [move, more] = plan.moves;
    if (said === undefined || !move || more) return;
    const image = basename(move.into);
    assert.equal(move.bytes, movedBytes(said, image, clusterSizeOf(folder, image)), `${title}: moved into ${image}`);
  }

  private assertReadsAsBefore(image: string, direction: Direction, title: string): void {
    const { family, hashes } = this;
    const parent = family.parentOf(image);
    for (const other of family.images) {
      if (other === image) continue;
      // What is committed into reads as the layer did, and as far as the parent is longer as it did itself.
      const like = direction === 'commit' && other === parent ? image : other;
      if (
        like === image &&
        family.childrenOf(image).length > 0 &&
        hashes.get(image)?.split(' ')[1] !== family.hash(other).split(' ')[1]
      )
        continue;
      assert.equal(family.hash(other), hashes.get(like), `${title}: ${other} reads as ${like} did`);
    }
  }

  private assertRefused(image: string, direction: Direction, plan: DeletePlan, title: string): void {
    const codes = plan.refusals.map(({ code }) => code);
    assert(codes.length > 0 && codes.every((code) => EXPECTED.has(code)), `${title}: ${JSON.stringify(plan.refusals)}`);
    const parent = this.family.parentOf(image);
    if (direction === 'commit' && parent !== undefined && this.family.childrenOf(parent).length > 1) {
      assert(codes.includes('siblings'), `${title}: others stand on its parent`);
    }
  }
}
