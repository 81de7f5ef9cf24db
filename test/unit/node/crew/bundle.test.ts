import assert from 'node:assert/strict';
import * as esbuild from 'esbuild';
import { repositoryRoot } from '../../../support/root';

/** A VDI names its parent by an id alone, and the settings of a VM say where that is. */
const FINDS_PARENTS = /core\/platforms\/(?:virtualbox|frozen|paths|places)\.ts$/;

describe('the bundle of helper threads', () => {
  it('has nothing of what a helper never does: names that platforms give, the doctor, snapshots', async () => {
    const { metafile } = await esbuild.build({
      absWorkingDir: repositoryRoot(),
      entryPoints: ['src/node/crew/thread.ts'],
      bundle: true,
      platform: 'node',
      write: false,
      metafile: true,
      // Whatever is in it.
      external: ['kernel.wasm'],
    });
    const inputs = Object.keys(metafile.inputs);
    assert(inputs.includes('src/node/crew/tasks.ts'));
    assert.deepEqual(
      inputs.filter((file) => /core\/(?:index|platforms|doctor|snapshots)/.test(file) && !FINDS_PARENTS.test(file)),
      [],
    );
  });
});
