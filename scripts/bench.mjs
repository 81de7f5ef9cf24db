// npm run bench: how long a person waits, and how that compares with reading the tables and with qemu-img. Prints
// figures beside their aims and keeps them as JSON in out/bench/bench.json; nothing is asserted.
//   npm run bench -- [--quick] [--rounds N] [--only PART,…] [--markdown] [--last]
//     --quick     one round, smaller disks to convert, and qemu-img is not put to the large chains
//     --only      some parts, as they are named below
//     --markdown  prints the headlines, as README has them
//     --last      measures nothing and prints the last run's figures once more
import { parseArgs } from 'node:util';
import { installDependencies, requireNode } from './lib/prepare.mjs';

const PARTS = 'sample A B C D E F sweep formats refresh convert reads works editor drawing'.split(' ');

requireNode();
const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    only: { type: 'string' },
    markdown: { type: 'boolean', default: false },
    last: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) {
  console.log(`npm run bench -- [--quick] [--rounds N] [--only PART,…] [--markdown] [--last]
Parts: ${PARTS.join(' ')}. --quick leaves qemu-img out where it takes minutes; --last prints the last run once more.
The inputs take about 16 GB in .cache/bench, made once.`);
  process.exit(0);
}
const unknown = options.only?.split(',').find((name) => !PARTS.includes(name));
if (unknown !== undefined) {
  console.error(`“${unknown}” is no part. Parts: ${PARTS.join(' ')}`);
  process.exit(2);
}
await installDependencies({ log: console.error });
const { bench } = await import('./bench/run.mjs');
await bench(options);
