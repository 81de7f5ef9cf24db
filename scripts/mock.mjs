// The webview with a made-up disk, in any browser, for looking at it while working on it.
//   node scripts/mock.mjs [--port N]                              serves it; the address takes ?scenario= and ?theme=
//   node scripts/mock.mjs --shot FILE.png [--scenario chain] [--theme dark|light|hc|hcl] [--size 1770x1140] [--dpr 1]
//                         [--query 'goto=0x35A400000&pick=2'] [--do 'key +; hover 700,400; click 700,400']
//   node scripts/mock.mjs --bench                                 times a frame of 12,000 cells
// Shots and times use the Chromium of the tests (scripts/vscode/browser.mjs).
import { parseArgs } from 'node:util';
import { serveMock } from '../test/browser/mock/server.mjs';
import { launchBrowser } from './vscode/browser.mjs';

const { values } = parseArgs({
  options: {
    'port': { type: 'string', default: '8123' },
    'shot': { type: 'string' },
    'scenario': { type: 'string', default: 'chain' },
    'theme': { type: 'string', default: 'dark' },
    'size': { type: 'string', default: '1770x1140' },
    'dpr': { type: 'string', default: '1' },
    'query': { type: 'string', default: '' },
    'do': { type: 'string', default: '' },
    'bench': { type: 'boolean', default: false },
  },
});

/** Steps that a person would take: `key +`, `hover 700,400`, `click 700,400`, `wheel 700,400,-100`, `press .word`. */
async function perform(page, steps) {
  for (const step of steps.split(';').map((text) => text.trim()).filter(Boolean)) {
    const [verb, ...rest] = step.split(' ');
    const argument = rest.join(' ');
    const [x, y, delta] = argument.split(',').map(Number);
    if (verb === 'key') await page.keyboard.press(argument);
    else if (verb === 'hover') await page.mouse.move(x, y);
    else if (verb === 'click') await page.mouse.click(x, y);
    else if (verb === 'press') await page.locator(argument).first().click();
    else if (verb === 'wheel') {
      await page.mouse.move(x, y);
      await page.mouse.wheel(0, delta);
    } else throw new Error(`no such step: ${step}`);
    await page.waitForTimeout(350);
  }
}

async function withBrowser(use) {
  const browser = await launchBrowser();
  try {
    await use(browser);
  } finally {
    await browser.close();
  }
}

async function shoot(browser, url) {
  const [width, height] = values.size.split('x').map(Number);
  const page = await browser.newPage({ viewport: { width, height }, deviceScaleFactor: Number(values.dpr) });
  page.on('pageerror', (error) => console.error(`error: ${error.message}`));
  page.on('console', (message) => console.error(`${message.type()}: ${message.text()}`));
  await page.goto(`${url}?scenario=${values.scenario}&theme=${values.theme}&${values.query}`);
  await page.waitForTimeout(500);
  await perform(page, values.do);
  await page.screenshot({ path: values.shot });
}

async function bench(browser, url) {
  const page = await browser.newPage();
  await page.goto(`${url}bench`);
  await page.waitForFunction(() => document.title !== 'running');
  console.log(await page.title());
}

const browses = values.shot !== undefined || values.bench;
const server = await serveMock(browses ? 0 : Number(values.port));
if (!browses) console.log(`${server.url}?scenario=${values.scenario}&theme=${values.theme}`);
else {
  try {
    await withBrowser((browser) => (values.bench ? bench(browser, server.url) : shoot(browser, server.url)));
  } finally {
    await server.close();
  }
}
