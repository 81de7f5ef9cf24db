// Makes test/fixtures/formats anew: the images, and what independent readers say of them. A developer's tool; needs qemu-img
// and qemu-io 8.2 or newer, a file system that keeps holes, and for some fixtures 7z and a Python that has the modules
// pyvhdi, pyvmdk and pyqcow (VMDISK_PYTHON names it). How to add a fixture: test/fixtures/formats/README.md.
//
//   node scripts/make-format-fixtures.mjs [FORMAT…] [FORMAT/NAME…]
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { importMeta } from './bundle-tests.mjs';
import { kernel } from './lib/kernel.mjs';
import { OUT, ROOT } from './lib/paths.mjs';

const bundle = join(OUT, 'formats', 'make.mjs');
await build({
  absWorkingDir: ROOT,
  entryPoints: ['test/conformance/formats/make.ts'],
  outfile: bundle,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  logLevel: 'warning',
  plugins: [importMeta, kernel],
});
process.chdir(ROOT);
const { main } = await import(pathToFileURL(bundle).href);
main(process.argv.slice(2));
