// Makes the sample: a virtual machine's disk with its snapshots, the same bytes every time.
//   npm run sample            in ./sample
//   npm run sample -- FOLDER  somewhere else
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { load } from './sample/bundle.mjs';

const inRepository = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const folder = process.argv[2] === undefined ? inRepository('sample') : resolve(process.argv[2]);
const { makeSample } = await load('make');
const names = makeSample(readFileSync(inRepository('scripts/sample/guest.br')), folder);
console.log(`${folder}: ${names.join(', ')}`);
