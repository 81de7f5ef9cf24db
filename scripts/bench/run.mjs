// Builds what is measured and what measures it, and runs the parts: most in `test/bench`, those in a browser here.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as esbuild from 'esbuild';
import { CACHE, OUT, ROOT, SAMPLE } from '../lib/paths.mjs';
import { runNode } from '../lib/run.mjs';
import { measureDrawing, measureInVsCode } from './drawing.mjs';
import { measureEditor } from './editor.mjs';
import { printMarkdown, printTables, sectionOf } from './report.mjs';

const IMAGE = 'web01.qcow2';
const BENCH = join(OUT, 'bench');
const RESULT = join(BENCH, 'bench.json');
const MEASURES = ['open', 'plainRead', 'refresh', 'countReads', 'tellPeak'];

/** @param {{ quick: boolean, rounds?: string, only?: string, markdown: boolean, last: boolean }} options */
export async function bench(options) {
  if (!options.last) {
    // A machine's certificates have nothing to do with disks, and cost each Node process 85 ms at its start.
    delete process.env.NODE_EXTRA_CA_CERTS;
    await build();
    await measure(options);
  }
  const result = JSON.parse(await readFile(RESULT, 'utf8'));
  (options.markdown ? printMarkdown : printTables)(result);
  console.error(`\nAs JSON: ${RESULT}`);
}

async function build() {
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
}

/** Leaves all that was measured in RESULT. A part that fails makes the exit code, and takes no other with it. */
async function measure({ quick, rounds, only }) {
  const wanted = (name) => only?.split(',').includes(name) ?? true;
  const paths = {
    cache: join(CACHE, 'bench'),
    out: BENCH,
    dist: join(ROOT, 'dist'),
    sample: join(SAMPLE, IMAGE),
    result: RESULT,
  };
  await mkdir(BENCH, { recursive: true });
  await rm(RESULT, { force: true });
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
  const inBrowser = [
    ['editor', 'Sample in a real VS Code', () => measureEditor(IMAGE)],
    ['drawing', 'Drawing, in a browser', () => measureDrawing()],
    ['drawing', 'Drawing A, in a real VS Code', () => measureInVsCode(result.leafOfA)],
  ];
  for (const [name, title, run] of inBrowser) {
    if (!wanted(name)) continue;
    try {
      const rows = await run();
      if (rows.length > 0) result.sections.push(sectionOf(title, rows));
    } catch (error) {
      console.error(`${name} failed:`, error);
      result.failed.push(name);
      process.exitCode = 1;
    }
  }
  await writeFile(RESULT, `${JSON.stringify(result, null, 2)}\n`);
}
