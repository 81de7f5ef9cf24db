// Writes VALIDATION.md anew from the fixtures: who judged what.
//
//   node scripts/validation.mjs
import { runBundled } from './lib/bundled.mjs';

await runBundled('test/conformance/formats/validation.ts', []);
