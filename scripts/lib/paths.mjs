// Where things live in the repository. Node builtins only: `npm start` and `npm test` load this before `npm ci`.
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..');
export const CACHE = join(ROOT, '.cache');
export const OUT = join(ROOT, 'out');
export const SAMPLE = join(ROOT, 'sample');
