// npm run differential -- [--chains N] [--seed N] [--chain N]
// Makes random chains and puts the same questions about them to qemu-img and to vmdisk: the long run of the test that
// `npm test` runs on 25 of them. A difference ends nothing: all chains are made, and those that failed are listed at
// the end, each with what makes it again: --seed and --chain.
//
//   --chains N  how many; 500 when left out
//   --seed N    draws others; a seed of today's own when left out
//   --chain N   only chain N of the seed
import { parseArgs } from 'node:util';
import { join } from 'node:path';
import { ROOT } from './lib/paths.mjs';
import { runNode } from './lib/run.mjs';

const TEST = join(ROOT, 'test', 'conformance', 'differential.test.ts');
const number = { type: 'string' };
const { values } = parseArgs({ options: { chains: { ...number, default: '500' }, seed: number, chain: number } });
const seed = values.seed ?? String(Math.floor(Date.now() / 86_400_000));
for (const [name, value] of Object.entries({ ...values, seed })) {
  if (!/^\d+$/.test(value)) {
    console.error(`--${name} takes a number, not “${value}”`);
    process.exit(2);
  }
}

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
