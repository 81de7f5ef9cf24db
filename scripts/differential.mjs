// npm run differential -- [--chains N] [--seed N] [--chain N]
// Makes random chains and puts the same questions about them to qemu-img and to vmdisk: the long run of the test that
// `npm test` runs on 25 of them. A difference ends nothing: all chains are made, and those that failed are listed at
// the end, each with what makes it again: --seed and --chain.
//
//   --chains N  how many; 500 when left out
//   --seed N    draws others; a seed of today's own when left out
//   --chain N   only chain N of the seed
import { join } from 'node:path';
import { numberOptions } from './lib/options.mjs';
import { ROOT } from './lib/paths.mjs';
import { runNode } from './lib/run.mjs';

const TEST = join(ROOT, 'test', 'conformance', 'differential.test.ts');
const values = numberOptions({ chains: '500', seed: undefined, chain: undefined });
const { seed } = values;

const env = {
  ...process.env,
  VMDISK_REQUIRE_QEMU: '1',
  VMDISK_CHAINS: values.chains,
  VMDISK_SEED: seed,
  ...(values.chain === undefined ? {} : { VMDISK_CHAIN: values.chain }),
};
try {
  await runNode(join(ROOT, 'scripts', 'test.mjs'), [TEST], { env });
} catch {
  console.error(`there are differences; npm run differential -- --seed ${seed} --chain N makes chain N again`);
  process.exitCode = 1;
}
