// Makes test/fixtures/golden anew: the images, and what qemu-img says of them. A developer's tool; needs qemu-img and
// qemu-io 8.2 or newer and a file system that keeps holes. The same seed gives the same images, but for LUKS, whose
// salts are drawn by QEMU.
//
//   node scripts/make-golden.mjs [--seed=N] [FIXTURE…]
import { runBundled } from './lib/bundled.mjs';

await runBundled('test/conformance/makeGolden.ts', process.argv.slice(2));
