// npm run differential -- [--chains N] [--formats N] [--seed N] [--chain N]
// Makes random chains and puts the same questions about them to qemu-img and to vmdisk: the long run of the test that
// `npm test` runs on 25 of them. A difference ends nothing: all chains are made, and those that failed are listed at
// the end, each with what makes it again: --seed and --chain.
//
//   --chains N   how many; 500 when left out
//   --formats N  convert N chains into every format that qemu-img writes instead, and read them back
//   --seed N     draws others; a seed of today's own when left out
//   --chain N    only chain N of the seed
import { join } from 'node:path';
import { numberOptions } from './lib/options.mjs';
import { ROOT } from './lib/paths.mjs';
import { runNode } from './lib/run.mjs';

const values = numberOptions({ chains: '500', formats: undefined, seed: undefined, chain: undefined });
const { seed, formats } = values;
const test = formats === undefined ? 'differential.test.ts' : 'formatTargets.test.ts';

const env = {
  ...process.env,
  VMDISK_REQUIRE_QEMU: '1',
  VMDISK_CHAINS: values.chains,
  ...(formats === undefined ? {} : { VMDISK_TARGET_CHAINS: formats }),
  VMDISK_SEED: seed,
  ...(values.chain === undefined ? {} : { VMDISK_CHAIN: values.chain }),
};
try {
  await runNode(join(ROOT, 'scripts', 'test.mjs'), [join(ROOT, 'test', 'conformance', test)], { env });
} catch {
  const option = formats === undefined ? '' : '--formats 1 ';
  console.error(`there are differences; npm run differential -- ${option}--seed ${seed} --chain N makes chain N again`);
  process.exitCode = 1;
}
