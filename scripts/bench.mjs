// npm run bench: how long a person waits. Prints figures beside their aims; nothing is asserted.
import { cpus } from 'node:os';
import { join } from 'node:path';
import * as esbuild from 'esbuild';
import { OUT, ROOT, SAMPLE } from './lib/paths.mjs';
import { runNode } from './lib/run.mjs';
import { runInExtensionHost } from './vscode/host-tests.mjs';

const ACTIVATIONS = 3;
const BENCH = join(OUT, 'bench');

await runNode(join(ROOT, 'scripts', 'build.mjs'), ['--production']);
await runNode(join(ROOT, 'scripts', 'sample.mjs'));
await esbuild.build({
  absWorkingDir: ROOT,
  entryPoints: ['test/bench/activation.ts', 'test/bench/picture.ts'],
  outdir: BENCH,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  external: ['vscode'],
  logLevel: 'warning',
});

const picture = await measurePicture(join(SAMPLE, 'web01.qcow2'));
const activations = [];
for (let i = 0; i < ACTIVATIONS; i += 1) {
  activations.push(await measureActivation());
}

console.log(`\nNode ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown CPU'}, medians\n`);
row('what', 'measured', 'aim');
row('activation, in a real VS Code', ms(median(activations)), '< 50 ms');
row('sample (1 GiB, 4 layers): stack and facts', ms(picture.facts), '');
row('sample (1 GiB, 4 layers): whole map and its cells', ms(picture.picture), '< 1000 ms');

/** Through the bundled worker, from starting it to having the cells of the whole disk. */
async function measurePicture(image) {
  const output = await runNode(join(BENCH, 'picture.js'), [join(ROOT, 'dist', 'worker.js'), image], { capture: true });
  return JSON.parse(output);
}

async function measureActivation() {
  const printed = [];
  const code = await runInExtensionHost({
    tests: join(BENCH, 'activation'),
    folder: SAMPLE,
    print: (line) => printed.push(line),
  });
  if (code !== 0) {
    throw new Error(`measuring the activation failed: ${printed.join('\n')}`);
  }
  return Number(printed[0]);
}

function median(values) {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}

function ms(value) {
  return `${value.toFixed(1)} ms`;
}

function row(what, measured, aim) {
  console.log(`${what.padEnd(52)} ${measured.padStart(10)}  ${aim}`);
}
