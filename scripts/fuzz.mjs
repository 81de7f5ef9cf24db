// npm run fuzz -- [--runs N] [--format DRIVER] [--seed N] [--from N] [--only LINEAGE]: see test/fuzz/main.ts.
import { join } from 'node:path';
import * as esbuild from 'esbuild';
import { importMeta } from './bundle-tests.mjs';
import { kernel } from './lib/kernel.mjs';
import { OUT, ROOT } from './lib/paths.mjs';
import { runNode } from './lib/run.mjs';

const bundle = join(OUT, 'fuzz', 'main.js');
await esbuild.build({
  absWorkingDir: ROOT,
  entryPoints: ['test/fuzz/main.ts'],
  outfile: bundle,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  logLevel: 'warning',
  plugins: [importMeta, kernel],
});
await runNode(bundle, process.argv.slice(2)).catch((error) => {
  process.exitCode = error.exitCode ?? 1;
});
