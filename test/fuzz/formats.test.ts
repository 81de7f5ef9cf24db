/** The first runs of the fuzzer on each format but qcow2, which has a test of its own. */
import assert from 'node:assert/strict';
import { DRIVERS } from '../../src/core';
import { codecsReady } from '../../src/node/codecs';
import { fixturesOf } from '../conformance/formats/expected';
import { Runner } from './run';

const seed = Number(process.env['VMDISK_SEED'] ?? 20_260_101);
const runs = Number(process.env['VMDISK_FUZZ_RUNS'] ?? 2000) / 20;
/** One run in so many is run twice. */
const TWICE = 16;

describe(`broken images of other formats (VMDISK_SEED=${seed}, ${runs} runs each)`, () => {
  before(() => codecsReady());

  for (const { id } of DRIVERS.filter((driver) => fixturesOf(driver.id).length > 0)) {
    it(`${id}: end with an error or with answers that agree`, () => {
      const runner = new Runner(seed, id);
      let opened = 0;
      for (let number = 0; number < runs; number += 1) {
        try {
          const { refused, digest } = runner.run([number], number % TWICE === 0);
          if (refused === undefined) opened += 1;
          const again = digest === '' ? '' : runner.run([number], true).digest;
          if (again !== '') assert.equal(again, digest, 'the answers are the same again');
        } catch (error) {
          throw new Error(`npm run fuzz -- --format ${id} --seed ${seed} --only ${number}`, { cause: error });
        }
      }
      assert(opened > runs / 8, `only ${opened} images could be opened`);
    });
  }
});
