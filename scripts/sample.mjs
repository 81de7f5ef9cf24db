// Makes the sample in ./sample: a virtual machine's disk with its snapshots, the same bytes every time.
//   npm run sample
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { load } from './sample/bundle.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const { makeSample } = await load('make');
const names = makeSample(readFileSync(join(here, 'sample', 'guest.br')), join(here, '..', 'sample'));
console.log(`sample/: ${names.join(', ')}`);
