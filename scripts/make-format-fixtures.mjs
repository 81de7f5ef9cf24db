// Makes test/fixtures/formats anew: the images, and what independent readers say of them. A developer's tool; needs qemu-img
// and qemu-io 8.2 or newer, a file system that keeps holes, and for some fixtures 7z and a Python that has the modules
// pyvhdi, pyvmdk and pyqcow (VMDISK_PYTHON names it). How to add a fixture: test/fixtures/formats/README.md.
//
//   node scripts/make-format-fixtures.mjs [FORMAT…] [FORMAT/NAME…]
import { runBundled } from './lib/bundled.mjs';

await runBundled('test/conformance/formats/make.ts', process.argv.slice(2));
