// npm run bench: how long a person waits, and how that compares with reading the tables and with qemu-img. Prints
// figures beside their aims and keeps them as JSON in out/bench/bench.json; nothing is asserted.
//   npm run bench -- [--quick] [--rounds N] [--only NAME,…] [--markdown]
//     names: sample A B C D E F sweep refresh convert reads works editor drawing
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as esbuild from 'esbuild';
import { measureDrawing } from './bench/drawing.mjs';
import { measureEditor } from './bench/editor.mjs';
import { printMarkdown, printTables, sectionOf } from './bench/report.mjs';
import { CACHE, OUT, ROOT, SAMPLE } from './lib/paths.mjs';
import { runNode } from './lib/run.mjs';

const IMAGE = 'web01.qcow2';
const BENCH = join(OUT, 'bench');
const RESULT = join(BENCH, 'bench.json');
const MEASURES = ['open', 'plainRead', 'refresh', 'countReads'];

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    only: { type: 'string' },
    markdown: { type: 'boolean', default: false },
  },
});
const wanted = (name) => options.only?.split(',').includes(name) ?? true;

await runNode(join(ROOT, 'scripts', 'build.mjs'), ['--production']);
await runNode(join(ROOT, 'scripts', 'sample.mjs'));
await esbuild.build({
  absWorkingDir: ROOT,
  entryPoints: ['test/bench/main.ts', ...MEASURES.map((name) => `test/bench/measures/${name}.ts`)],
  outbase: 'test/bench',
  outdir: BENCH,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  external: ['@bokuweb/zstd-wasm'],
  logLevel: 'warning',
});
await mkdir(BENCH, { recursive: true });
const paths = {
  cache: join(CACHE, 'bench'),
  out: BENCH,
  dist: join(ROOT, 'dist'),
  sample: join(SAMPLE, IMAGE),
  result: RESULT,
};
const { quick, rounds, only } = options;
await rm(RESULT, { force: true });
// A part that fails makes the exit code, and the others are printed nevertheless.
await runNode(join(BENCH, 'main.js'), [
  ...Object.entries(paths).flatMap(([name, path]) => [`--${name}`, path]),
  ...(quick ? ['--quick'] : []),
  ...(rounds ? ['--rounds', rounds] : []),
  ...(only ? ['--only', only] : []),
]).catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
const result = JSON.parse(await readFile(RESULT, 'utf8'));
if (wanted('editor')) result.sections.push(sectionOf('Sample in a real VS Code', await measureEditor(IMAGE)));
if (wanted('drawing')) result.sections.push(sectionOf('Drawing, in a browser', await measureDrawing()));
result.sections = result.sections.filter(({ rows }) => rows.length > 0);
await writeFile(RESULT, `${JSON.stringify(result, null, 2)}\n`);

(options.markdown ? printMarkdown : printTables)(result);
console.log(`\nAs JSON: ${RESULT}`);
