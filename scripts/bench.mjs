// npm run bench: how long a person waits. Prints figures beside their aims; nothing is asserted.
import { cpus } from 'node:os';
import { join } from 'node:path';
import * as esbuild from 'esbuild';
import { OUT, ROOT, SAMPLE } from './lib/paths.mjs';
import { runNode } from './lib/run.mjs';
import { stageExtension } from './lib/stage.mjs';
import { launchBrowser } from './vscode/browser.mjs';
import { startServer } from './vscode/server.mjs';
import { openImage, openWorkbench, runCommand, testSettings } from './vscode/workbench.mjs';

const ROUNDS = 3;
const IMAGE = 'web01.qcow2';
const BENCH = join(OUT, 'bench');

await runNode(join(ROOT, 'scripts', 'build.mjs'), ['--production']);
await runNode(join(ROOT, 'scripts', 'sample.mjs'));
await esbuild.build({
  absWorkingDir: ROOT,
  entryPoints: ['test/bench/picture.ts', 'test/bench/work.ts'],
  outdir: BENCH,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  logLevel: 'warning',
});

const worker = JSON.parse(
  await runNode(join(BENCH, 'picture.js'), [join(ROOT, 'dist', 'worker.js'), join(SAMPLE, IMAGE)], { capture: true }),
);
const work = JSON.parse(await runNode(join(BENCH, 'work.js'), [join(ROOT, 'dist', 'cli.js')], { capture: true }));
const rounds = [];
for (let i = 0; i < ROUNDS; i += 1) {
  rounds.push(await measureInVsCode());
}

console.log(
  `\nNode ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown CPU'}, medians\n`,
);
row('what, on the sample (1 GiB, 4 layers)', 'measured', 'aim');
row("activation, by VS Code's own count", median(rounds.map(({ activation }) => activation)), '< 50 ms');
row('stack and facts, in the worker', worker.facts, '');
row('whole map and its cells, in the worker', worker.picture, '< 1000 ms');
row('complete picture, from when VS Code loads the page', median(rounds.map(({ inPage }) => inPage)), '< 1000 ms');
row("the same from the double click, VS Code's own work included", median(rounds.map(({ picture }) => picture)), '');

console.log();
row('what, with vmdisk', 'measured', 'of qemu-img’s time');
for (const { what, ours, qemu } of work) row(what, ours, qemu ? `× ${(ours / qemu).toFixed(1)}` : '');

/** A VS Code that has never run: opens the image as a user would. */
async function measureInVsCode() {
  const server = await startServer({ folder: SAMPLE, settings: testSettings(), extension: stageExtension });
  try {
    const browser = await launchBrowser();
    try {
      const page = await openWorkbench(browser, server.url({ folder: SAMPLE }));
      // The first image pays for VS Code's own webview machinery; the second is what is waited for from then on.
      await openImage(page, 'web01.experiment.qcow2');
      const clicked = Date.now();
      const frame = await openImage(page, IMAGE);
      const drawn = await frame.waitForFunction(() => {
        const mark = performance.getEntriesByName('vmdisk-drawn')[0];
        const [script] = performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('/webview.js'));
        return mark && { inPage: mark.startTime - script.startTime, at: performance.timeOrigin + mark.startTime };
      });
      const { inPage, at } = await drawn.jsonValue();
      return { picture: at - clicked, inPage, activation: await readActivation(page) };
    } finally {
      await browser.close();
    }
  } finally {
    await server.stop();
  }
}

/** What *Developer: Show Running Extensions* says. */
async function readActivation(page) {
  await runCommand(page, 'Developer: Show Running Extensions');
  const ours = page.locator('.runtime-extensions-editor .monaco-list-row', { hasText: 'VM Disk Explorer' });
  const time = ours.getByText(/Activation: \d+ms/);
  await time.waitFor();
  return Number(/(\d+)ms/.exec(await time.innerText())[1]);
}

function median(values) {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}

function row(what, measured, aim) {
  const value = typeof measured === 'number' ? `${measured.toFixed(0)} ms` : measured;
  console.log(`${what.padEnd(62)} ${value.padStart(10)}  ${aim}`);
}
