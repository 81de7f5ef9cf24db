// Bundles the extension host, the worker, its helper threads, the webview and the command line into dist/.
//   node scripts/build.mjs [--production] [--watch]
import { copyFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';
import { CREW_ENTRY } from './lib/crew.mjs';
import { kernel } from './lib/kernel.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const production = process.argv.includes('--production');
const watch = process.argv.includes('--watch');

const common = {
  absWorkingDir: root,
  bundle: true,
  minify: production,
  sourcemap: production ? false : 'linked',
  legalComments: 'none',
  logLevel: 'warning',
  plugins: [kernel],
};
// The extension host of the oldest VS Code that we support runs Node 20.
// What is fetched there is a `data:` URL, by zstddec, for which Node loads all of its HTTP client; without, it does as well.
const node = { ...common, platform: 'node', target: 'node20', format: 'cjs', define: { fetch: 'undefined' } };

const bundles = [
  { ...node, entryPoints: { extension: 'src/extension/extension.ts' }, outdir: 'dist', external: ['vscode'] },
  // Its `import()` becomes a `require`: Node's loader of modules takes some 10 ms to begin with.
  {
    ...node,
    entryPoints: { worker: 'src/node/worker.ts' },
    outdir: 'dist',
    external: ['./server'],
    supported: { 'dynamic-import': false },
  },
  { ...node, entryPoints: { server: 'src/node/server.ts' }, outdir: 'dist' },
  { ...node, entryPoints: { crew: CREW_ENTRY }, outdir: 'dist' },
  { ...node, entryPoints: { cli: 'src/cli/main.ts' }, outdir: 'dist', banner: { js: '#!/usr/bin/env node' } },
  {
    ...common,
    platform: 'browser',
    target: 'es2022',
    format: 'iife',
    entryPoints: { webview: 'src/webview/main.ts' },
    outdir: 'dist',
  },
];

if (!watch) await rm(new URL('../dist', import.meta.url), { recursive: true, force: true });
const contexts = await Promise.all(bundles.map((options) => esbuild.context(options)));
await Promise.all(contexts.map((context) => context.rebuild()));
// The compressor looks for its code beside the bundle that it is in.
const zstd = createRequire(import.meta.url).resolve('@bokuweb/zstd-wasm');
await copyFile(join(zstd, '..', 'zstd.wasm'), join(root, 'dist', 'zstd.wasm'));
if (watch) {
  await Promise.all(contexts.map((context) => context.watch()));
  // VS Code's background task waits for this line before it starts the extension host.
  console.log('watching');
} else {
  await Promise.all(contexts.map((context) => context.dispose()));
}
