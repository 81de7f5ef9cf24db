// How long the sample takes in a real VS Code: activation, and from a double click to the whole picture.
import { SAMPLE } from '../lib/paths.mjs';
import { stageExtension } from '../lib/stage.mjs';
import { launchBrowser } from '../vscode/browser.mjs';
import { startServer } from '../vscode/server.mjs';
import { openImage, openWorkbench, runCommand, testSettings } from '../vscode/workbench.mjs';

const ROUNDS = 3;
const ACTIVATION_AIM = 50;
const PICTURE_AIM = 1000;

/** @returns rows: what, measured, unit, aim, met */
export async function measureEditor(image) {
  const rounds = [];
  for (let i = 0; i < ROUNDS; i += 1) {
    rounds.push(await measureInVsCode(image));
  }
  const row = (what, of, bound) => {
    const measured = median(rounds.map(of));
    const aim = bound && { aim: `≤ ${bound} ms`, met: measured <= bound };
    return { what, measured, unit: 'ms', ...aim };
  };
  return [
    row("activation, by VS Code's own count", ({ activation }) => activation, ACTIVATION_AIM),
    row('complete picture, from when VS Code loads the page', ({ inPage }) => inPage, PICTURE_AIM),
    row("the same from the double click, VS Code's own work included", ({ picture }) => picture),
  ];
}

/** A VS Code that has never run: opens the image as a user would. */
async function measureInVsCode(image) {
  const server = await startServer({ folder: SAMPLE, settings: testSettings(), extension: stageExtension });
  try {
    const browser = await launchBrowser();
    try {
      const page = await openWorkbench(browser, server.url({ folder: SAMPLE }));
      // The first image pays for VS Code's own webview machinery; the second is what is waited for from then on.
      await openImage(page, 'web01.experiment.qcow2');
      const clicked = Date.now();
      const frame = await openImage(page, image);
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
