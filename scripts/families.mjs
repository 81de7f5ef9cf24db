// npm run families -- [--families N] [--seed N] [--family N] [--kills N]
// Makes random families of images, plans and deletes every layer of them in turn, and holds what is moved, what comes
// free and what is left against what was planned: the long run of the test that `npm test` runs on a few of them. With
// --kills it kills as many deletions at random moments instead. Each failure is told with what makes it again.
//
//   --families N  how many; 100 when left out
//   --seed N      draws others; a seed of today's own when left out
//   --family N    only family N of the seed
//   --kills N     kill N deletions instead
import { join } from 'node:path';
import { numberOptions } from './lib/options.mjs';
import { ROOT } from './lib/paths.mjs';
import { runNode } from './lib/run.mjs';

const values = numberOptions({ families: '100', seed: undefined, family: undefined, kills: undefined });
const { seed } = values;

const env = {
  ...process.env,
  VMDISK_REQUIRE_QEMU: '1',
  VMDISK_FAMILIES: values.families,
  VMDISK_SEED: seed,
  ...(values.family === undefined ? {} : { VMDISK_FAMILY: values.family }),
  ...(values.kills === undefined ? {} : { VMDISK_KILLS: values.kills }),
};
const test = values.kills === undefined ? 'families.test.ts' : 'mergeKills.test.ts';
try {
  await runNode(join(ROOT, 'scripts', 'test.mjs'), [join(ROOT, 'test', 'conformance', test)], { env });
} catch {
  console.error(
    values.kills === undefined
      ? `something differs; npm run families -- --seed ${seed} --family N makes family N again`
      : `something was lost; npm run families -- --seed ${seed} --kills ${values.kills} does it again`,
  );
  process.exitCode = 1;
}
