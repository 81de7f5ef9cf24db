/** The first runs of the fuzzer; `npm run fuzz` does as many as there is time for, and watches time and memory too. */
import assert from 'node:assert/strict';
import { codecsReady } from '../../src/node/codecs';
import { Runner } from './run';

const seed = Number(process.env['VMDISK_SEED'] ?? 20_260_101);
const runs = Number(process.env['VMDISK_FUZZ_RUNS'] ?? 2000);
const GROUPS = 10;
/** One run in so many is run twice. */
const TWICE = 16;

describe(`broken qcow2 images (VMDISK_SEED=${seed}, VMDISK_FUZZ_RUNS=${runs})`, () => {
  const runner = new Runner(seed, 'qcow2');
  before(() => codecsReady());

  for (let group = 0; group < GROUPS; group += 1) {
    it(`${group + 1} of ${GROUPS}: end with an error or with answers that agree`, () => {
      let opened = 0;
      for (let number = group; number < runs; number += GROUPS) {
        try {
          const twice = number % TWICE === 0;
          const { refused, digest } = runner.run([number], twice);
          if (refused === undefined) opened += 1;
          const again = digest === '' ? '' : runner.run([number], true).digest;
          if (again !== '') assert.equal(again, digest, 'the answers are the same again');
        } catch (error) {
          throw new Error(`npm run fuzz -- --format qcow2 --seed ${seed} --only ${number}`, { cause: error });
        }
      }
      assert(opened > runs / GROUPS / 3, `only ${opened} images could be opened`);
    });
  }
});
