/** A bundle of Parallels in its family: its images are the states that its descriptor makes of them. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { TRUST_ALL } from '../../src/node/gate';
import { survey } from '../../src/node/survey';
import { buildFamilies, walk } from '../../src/extension/tree/families';
import { runCliJson } from '../support/cli';
import { unpack } from '../support/sparse';
import { makeTempFolder, removeFolder } from '../support/temp';
import { fixturesOf } from './formats/expected';

interface Listed {
  readonly images: readonly {
    readonly filename: string;
    readonly parent: string | null;
    readonly parentState: string;
  }[];
}

describe('the family of a bundle of Parallels', () => {
  let folder: string;
  before(() => {
    folder = makeTempFolder('bundle');
    const fixture = fixturesOf('parallels').find(({ name }) => name === 'bundle-snapshots');
    assert(fixture);
    unpack(fixture.pack, folder);
  });
  after(() => {
    removeFolder(folder);
  });
  const place = (name: string): string => join(folder, 'disk.hdd', name);
  const CHAIN = ['DiskDescriptor.xml', 'middle.hds', 'base.hds'];

  for (const asked of ['disk.hdd', 'disk.hdd/DiskDescriptor.xml', 'disk.hdd/middle.hds']) {
    it(`is listed by ${asked}, each state on the one before`, () => {
      const { images } = runCliJson(['snapshot list', asked], { cwd: folder }) as Listed;
      assert.deepEqual(
        images.map(({ filename, parent }) => [filename, parent]),
        CHAIN.map((name, at) => [
          place(name),
          CHAIN[at + 1] === undefined ? null : place(CHAIN[at + 1] ?? ''),
        ]).reverse(),
      );
    });
  }

  it('is one line of the tree, the descriptor its newest image', () => {
    const names = [...CHAIN, 'top.hds'];
    const { images, unusable } = survey(names.map(place), TRUST_ALL);
    const families = buildFamilies({ images, unusable });
    const nodes = [...walk(families)].map((node) => node.kind === 'image' && node.image.path);
    assert.deepEqual(nodes, CHAIN.map(place).reverse());
  });
});
