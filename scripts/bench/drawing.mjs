// How the webview draws a fragmented tebibyte (test/browser/mock/terabyte.ts), in the Chromium of the browser tests.
//   node scripts/bench/drawing.mjs [--window 1400x900x2]…    width, height and device pixel ratio
//   node scripts/bench/drawing.mjs --real FILE.qcow2         a real image instead, in a real VS Code
// This Chromium has no GPU: the processor also puts on the screen what is painted. How many frames a second that leaves at
// best is measured too, with a canvas of the same size on which nothing but one colour is drawn.
import { basename, dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { serveMock } from '../../test/browser/mock/server.mjs';
import { launchBrowser } from '../vscode/browser.mjs';

const MIB = 2 ** 20;
const FRAMES_A_SECOND = 60;
/** The clock of frames is not exact to the last one. */
const FPS_AIM = 59;
const PAINT_AIM_MS = 8;
const GROWTH_AIM_MIB = 4;
const NOTCH = 100;
const NOTCH_MS = 80;
const PINCH_STEPS = 160;
const PINCH = 12;
const ZOOMS = 10;
const WINDOWS = [
  { width: 1400, height: 900, ratio: 1 },
  { width: 1400, height: 900, ratio: 2 },
  { width: 2560, height: 1440, ratio: 1 },
];

/**
 * @typedef {{ what: string, measured: number, unit: string, aim: string, met: boolean | undefined }} Row
 * one figure beside its aim; `met` is undefined for what has none
 */

/**
 * Zooms in by the wheel, by pinching and by keys, in windows of several sizes.
 * @returns {Promise<Row[]>}
 */
export async function measureDrawing(windows = WINDOWS) {
  const server = await serveMock();
  const browser = await launchBrowser();
  try {
    const rows = [];
    for (const window of windows) {
      const page = await openPage(browser, window);
      await page.goto(`${server.url}?scenario=terabyte`);
      await drawn(page);
      const where = `${window.width} × ${window.height} @${window.ratio}`;
      rows.push(...(await measurePage(page, page, where)));
      const canvas = await page.evaluate(() => {
        const { width, height } = document.querySelector('canvas.map-canvas');
        return { width, height };
      });
      await page.context().close();
      rows.push(await measureFloor(browser, window, canvas, where));
    }
    return rows;
  } finally {
    await browser.close();
    await server.close();
  }
}

/** The same of a real image, in a real VS Code. */
export async function measureInVsCode(file) {
  const [{ startServer }, { openImage, openWorkbench, testSettings }, { stageExtension }] = await Promise.all([
    import('../vscode/server.mjs'),
    import('../vscode/workbench.mjs'),
    import('../lib/stage.mjs'),
  ]);
  const folder = dirname(file);
  const server = await startServer({ folder, settings: testSettings(), extension: stageExtension });
  const browser = await launchBrowser();
  try {
    const page = await openWorkbench(browser, server.url({ folder }), {
      width: 1770,
      height: 1140,
      onPage: (opened) => opened.addInitScript(watchFrames),
    });
    const frame = await openImage(page, basename(file));
    await drawn(frame);
    return await measurePage(page, frame, `${basename(file)} in VS Code`);
  } finally {
    await browser.close();
    await server.stop();
  }
}

async function openPage(browser, { width, height, ratio }) {
  const page = await browser.newPage({ viewport: { width, height }, deviceScaleFactor: ratio });
  await page.addInitScript(watchFrames);
  return page;
}

/** What this browser does with a canvas of that size on which nothing is drawn but one colour a frame. */
async function measureFloor(browser, { width, height, ratio }, canvas, where) {
  const page = await browser.newPage({ viewport: { width, height }, deviceScaleFactor: ratio });
  await page.addInitScript(watchFrames);
  await page.goto('data:text/html,<body style="margin:0"><canvas>');
  await page.evaluate(
    async ([size, ratio, frames]) => {
      const drawn = document.querySelector('canvas');
      Object.assign(drawn, size);
      Object.assign(drawn.style, { width: `${size.width / ratio}px`, height: `${size.height / ratio}px` });
      const context = drawn.getContext('2d', { alpha: false });
      const image = new ImageData(size.width, size.height);
      const words = new Uint32Array(image.data.buffer);
      globalThis.frameWatch.start();
      for (let frame = 0; frame < frames; frame += 1) {
        await new Promise((resolve) => requestAnimationFrame(resolve));
        words.fill(0xff000000 + frame);
        context.putImageData(image, 0, 0);
      }
    },
    [canvas, ratio, 2 * FRAMES_A_SECOND],
  );
  const { intervals } = await page.evaluate(() => globalThis.frameWatch.stop());
  await page.context().close();
  const what = `${where}, a canvas of one colour: frames a second`;
  return { what, measured: framesASecond(intervals), unit: '/s', aim: '', met: undefined };
}

/** @param frame what holds the map: the page itself, or the frame of a webview in it */
async function measurePage(page, frame, where) {
  const rows = [];
  const session = await page.context().newCDPSession(page);
  // The clock of the thread: what other programs do at the time does not count.
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  const canvas = frame.locator('canvas.map-canvas').first();
  await canvas.focus();
  const box = await canvas.boundingBox();
  await page.mouse.move(box.x + box.width * 0.4, box.y + box.height * 0.55);
  const steps = await zoomSteps(page, frame);
  const before = await memory(session);
  for (const [name, zoomIn] of Object.entries(zooms(page, steps))) {
    await frame.evaluate(() => globalThis.frameWatch.start());
    const spent = await processorTime(session);
    await zoomIn();
    await settled(frame);
    const script = (await processorTime(session)) - spent;
    const told = await frame.evaluate(() => globalThis.frameWatch.stop());
    rows.push(...rowsOf({ ...told, script }, `${where}, ${name}`));
    await wholeDisk(page, frame);
  }
  for (let zoom = 0; zoom < ZOOMS; zoom += 1) {
    await zooms(page, steps).keys();
    await wholeDisk(page, frame);
  }
  const after = await memory(session);
  const grown = (after - before) / MIB;
  rows.push(
    { what: `${where}: heap and buffers`, measured: after / MIB, unit: 'MiB', aim: '', met: undefined },
    {
      what: `${where}: grown by ${ZOOMS} zooms`,
      measured: grown,
      unit: 'MiB',
      aim: `≤ ${GROWTH_AIM_MIB}`,
      met: grown <= GROWTH_AIM_MIB,
    },
  );
  await session.detach();
  return rows;
}

/** Milliseconds that the page's thread has spent in scripts. */
async function processorTime(session) {
  const { metrics } = await session.send('Performance.getMetrics');
  return 1000 * metrics.find(({ name }) => name === 'ScriptDuration').value;
}

/** The ways to zoom from the whole disk to single clusters. */
function zooms(page, steps) {
  return {
    async wheel() {
      for (let step = 0; step < steps; step += 1) {
        await page.mouse.wheel(0, -NOTCH);
        await page.waitForTimeout(NOTCH_MS);
      }
    },
    async pinch() {
      await page.keyboard.down('Control');
      for (let step = 0; step < PINCH_STEPS; step += 1) {
        await page.mouse.wheel(0, -PINCH);
      }
      await page.keyboard.up('Control');
    },
    async keys() {
      for (let step = 0; step < steps; step += 1) {
        await page.keyboard.press('+');
        await page.waitForTimeout(NOTCH_MS);
      }
    },
  };
}

/** Presses of a key from the whole disk to the largest cells. */
async function zoomSteps(page, frame) {
  let steps = 0;
  for (let last; ; steps += 1) {
    await settled(frame);
    const now = await frame.evaluate(() => globalThis.frameWatch.painted());
    if (steps > 60 || now === last) break;
    last = now;
    await page.keyboard.press('+');
    await page.waitForTimeout(NOTCH_MS);
  }
  await wholeDisk(page, frame);
  return steps;
}

async function wholeDisk(page, frame) {
  await page.keyboard.press('0');
  await page.waitForTimeout(NOTCH_MS);
  await settled(frame);
}

/** Waits until the map shows what was asked for. */
async function settled(frame) {
  await frame.waitForFunction(() => document.querySelector('canvas.map-canvas')?.ariaBusy === 'false');
}

async function drawn(frame) {
  await frame.waitForFunction(() => performance.getEntriesByName('vmdisk-drawn').length > 0, undefined, {
    timeout: 120_000,
  });
  await settled(frame);
}

/** Bytes of the page's heap and of its buffers, after a collection. */
async function memory(session) {
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize, backingStorageSize = 0 } = await session.send('Runtime.getHeapUsage');
  return usedSize + backingStorageSize;
}

function framesASecond(intervals) {
  return 1000 / (intervals.reduce((sum, each) => sum + each, 0) / Math.max(1, intervals.length));
}

function rowsOf({ paints, intervals, long, requests, script }, where) {
  const fps = framesASecond(intervals);
  const each = script / Math.max(1, paints.length);
  return [
    {
      what: `${where}: processor time a frame`,
      measured: each,
      unit: 'ms',
      aim: `≤ ${PAINT_AIM_MS}`,
      met: each <= PAINT_AIM_MS,
    },
    { what: `${where}: a frame’s scripts, median`, measured: at(paints, 0.5), unit: 'ms', aim: '', met: undefined },
    { what: `${where}: a frame’s scripts, 95 of 100`, measured: at(paints, 0.95), unit: 'ms', aim: '', met: undefined },
    { what: `${where}: frames a second`, measured: fps, unit: '/s', aim: `≥ ${FPS_AIM}`, met: fps >= FPS_AIM },
    { what: `${where}: tasks over 50 ms`, measured: long, unit: '', aim: '', met: undefined },
    { what: `${where}: pictures that came`, measured: requests, unit: '', aim: '', met: undefined },
  ];
}

function at(values, share) {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** Runs in the page, before its scripts: times what each frame's callbacks take and when frames come. */
function watchFrames() {
  const request = globalThis.requestAnimationFrame.bind(globalThis);
  let watching = false;
  let paints = [];
  let times = [];
  let long = 0;
  let requests = 0;
  let frame = 0;
  let spent = 0;
  globalThis.requestAnimationFrame = (callback) =>
    request((now) => {
      const start = performance.now();
      callback(now);
      if (!watching) return;
      if (now === frame) spent += performance.now() - start;
      else {
        if (frame > 0) paints.push(spent);
        frame = now;
        spent = performance.now() - start;
      }
    });
  const tick = (now) => {
    if (!watching) return;
    times.push(now);
    request(tick);
  };
  new PerformanceObserver((list) => {
    if (watching) long += list.getEntries().length;
  }).observe({ type: 'longtask' });
  const count = ({ data }) => {
    if (data?.type === 'reply' && data.result?.pixels) requests += 1;
  };
  globalThis.frameWatch = {
    start() {
      [paints, times, long, requests, frame, watching] = [[], [], 0, 0, 0, true];
      request(tick);
      globalThis.addEventListener('message', count);
    },
    stop() {
      watching = false;
      globalThis.removeEventListener('message', count);
      return { paints, intervals: times.slice(1).map((time, index) => time - times[index]), long, requests };
    },
    /** What the status line says of the zoom. */
    painted: () => document.querySelector('footer.status')?.textContent ?? '',
  };
}

function print(rows) {
  for (const { what, measured, unit, aim, met } of rows) {
    const mark = met === undefined ? '' : met ? 'met' : 'MISSED';
    console.log(`${what.padEnd(62)} ${measured.toFixed(2).padStart(9)} ${unit.padEnd(4)} ${aim.padEnd(6)} ${mark}`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { real: { type: 'string' }, window: { type: 'string', multiple: true } } });
  const windows = values.window?.map((text) => {
    const [width, height, ratio] = text.split('x').map(Number);
    return { width, height, ratio };
  });
  print(values.real ? await measureInVsCode(resolve(values.real)) : await measureDrawing(windows));
}
