// Makes test/fixtures/golden anew: the images, and what qemu-img says of them. A developer's tool; needs qemu-img and
// qemu-io 8.2 or newer and a file system that keeps holes. The same seed gives the same images, but for LUKS, whose
// salts are drawn by QEMU.
//
//   node scripts/make-golden.mjs [--seed=N] [FIXTURE…]
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bundle = join(root, '.cache', 'make-golden.mjs');
mkdirSync(dirname(bundle), { recursive: true });
await build({
  entryPoints: [join(root, 'test', 'conformance', 'makeGolden.ts')],
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  outfile: bundle,
});
process.chdir(root);
const { main } = await import(pathToFileURL(bundle).href);
main(process.argv.slice(2));
