// Drives a VS Code workbench in a browser page, as its user would: by mouse, keyboard and what is on screen.

/** Colour themes by a short name. */
export const THEMES = {
  dark: 'Default Dark Modern',
  light: 'Default Light Modern',
  hc: 'Default High Contrast',
  'hc-light': 'Default High Contrast Light',
};

const EXTENSION_ID = 'vm-disk-explorer.vm-disk-explorer';
const TIMEOUT_MS = 30_000;
const WEBVIEW = `iframe.webview[src*="extensionId=${EXTENSION_ID}"]:visible`;

/** User settings for a workbench that a program drives: nothing pops up, everything has its own row. */
export function testSettings({ theme = 'dark', trust = false } = {}) {
  return {
    'workbench.colorTheme': THEMES[theme] ?? theme,
    'security.workspace.trust.enabled': trust,
    'explorer.compactFolders': false,
    'explorer.confirmDelete': false,
    'files.watcherExclude': {},
    'notebook.lineNumbers': 'off',
    'workbench.reduceMotion': 'on',
  };
}

/** How the workbench's class list names each of them, once its colours are in force. */
const THEME_FILES = { dark: 'dark_modern', light: 'light_modern', hc: 'hc_black', 'hc-light': 'hc_light' };

/**
 * Opens a page on a workbench and waits until the workbench is drawn, in the theme where one is given.
 * @param {import('playwright-core').Browser} browser
 * @param {string} url
 */
export async function openWorkbench(browser, url, { width = 1280, height = 800, scale = 1, theme, onPage } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, deviceScaleFactor: scale });
  const page = await context.newPage();
  page.setDefaultTimeout(TIMEOUT_MS);
  await onPage?.(page);
  await page.goto(url);
  await page.locator('.monaco-workbench .part.statusbar').waitFor();
  if (theme) {
    await page.locator(`.monaco-workbench[class*="-themes-${THEME_FILES[theme]}-json"]`).waitFor();
  }
  return page;
}

/**
 * Opens a file by a double click in the Explorer.
 * @param {import('playwright-core').Page} page
 * @param {string} path relative to the workspace folder, with `/`
 */
export async function openFromExplorer(page, path) {
  const list = page.locator('.explorer-folders-view .monaco-list').first();
  if (!(await list.isVisible())) {
    await page.keyboard.press('ControlOrMeta+Shift+E');
  }
  await list.locator('.monaco-list-row').first().waitFor();
  const segments = path.split('/');
  for (const [depth, name] of segments.entries()) {
    const row = await findRow(page, list, name, depth + 1);
    if (depth < segments.length - 1) {
      if ((await row.getAttribute('aria-expanded')) === 'false') {
        await row.click();
      }
    } else {
      await row.dblclick();
    }
  }
}

/** A row of a tree by its label and level; the tree draws only what is in view, so it is scrolled until it shows. */
async function findRow(page, list, name, level) {
  const row = list
    .locator(`.monaco-list-row[aria-level="${level}"]`)
    .filter({ has: page.locator('.label-name', { hasText: new RegExp(`^${escapeRegExp(name)}$`) }) })
    .first();
  const deadline = Date.now() + TIMEOUT_MS;
  while (!(await row.isVisible())) {
    if (Date.now() > deadline) {
      throw new Error(`No row “${name}” in the Explorer, which shows: ${(await list.allInnerTexts()).join(' | ')}`);
    }
    await list.hover();
    const before = await lastIndex(list);
    await page.mouse.wheel(0, 200);
    await page.waitForTimeout(150);
    if ((await lastIndex(list)) === before) {
      await page.mouse.wheel(0, -1_000_000);
      await page.waitForTimeout(350);
    }
  }
  return row;
}

/** The index of the lowest row that is drawn; their order in the document is another. */
function lastIndex(list) {
  return list
    .locator('.monaco-list-row')
    .evaluateAll((rows) => Math.max(...rows.map((row) => Number(row.getAttribute('data-index')))));
}

/**
 * Opens an image with a double click and returns the frame of our editor. A file that is opened while VS Code is still
 * learning of its extensions lands in the text editor; it is then closed and opened again.
 * @returns {Promise<import('playwright-core').Frame>}
 */
export async function openImage(page, path) {
  const deadline = Date.now() + TIMEOUT_MS;
  for (;;) {
    await openFromExplorer(page, path);
    const webview = page.locator(WEBVIEW);
    const other = page.locator('.monaco-editor-pane-placeholder, .editor-instance .monaco-editor').first();
    await webview.or(other).first().waitFor();
    if (await webview.count()) {
      return await editorFrame(page);
    }
    if (Date.now() > deadline) {
      throw new Error(`${path} opens in VS Code's own editor, not in ours`);
    }
    await runCommand(page, 'View: Close All Editors');
    await page.waitForTimeout(500);
  }
}

/**
 * The frame that holds the document of our visible webview, when it is loaded.
 * @returns {Promise<import('playwright-core').Frame>}
 */
export async function editorFrame(page) {
  const deadline = Date.now() + TIMEOUT_MS;
  const element = page.locator(WEBVIEW).first();
  await element.waitFor();
  while (Date.now() < deadline) {
    const outer = await (await element.elementHandle())?.contentFrame();
    const inner = await (await outer?.$('#active-frame').catch(() => null))?.contentFrame();
    if (inner && (await inner.evaluate(() => document.readyState === 'complete').catch(() => false))) {
      return inner;
    }
    await page.waitForTimeout(50);
  }
  throw new Error('The webview did not load its document');
}

/**
 * Runs a command by its full title in the palette, e.g. `VM Disk: Refresh`.
 * @param {import('playwright-core').Page} page
 */
export async function runCommand(page, title) {
  await page.keyboard.press('F1');
  const input = page.locator('.quick-input-widget:visible input[type="text"]');
  await input.fill(`>${title}`);
  const row = page
    .locator('.quick-input-list .monaco-list-row')
    .filter({ has: page.locator('.label-name', { hasText: new RegExp(`^${escapeRegExp(title)}$`) }) })
    .first();
  try {
    await row.waitFor();
  } catch {
    const offered = await page.locator('.quick-input-list .label-name').allInnerTexts();
    throw new Error(`The palette has no “${title}”; it offers: ${offered.join(' | ')}`);
  }
  await row.click();
}

/**
 * Answers the dialog that asks whether the folder's authors are trusted.
 * @param {import('playwright-core').Page} page
 * @param {boolean} trusted
 */
export async function answerTrust(page, trusted) {
  const answer = trusted ? /^Yes, I trust/ : /^No, I don't trust/;
  await page.locator('.monaco-dialog-box').getByRole('button', { name: answer }).click();
  await page.locator('.monaco-dialog-box').waitFor({ state: 'detached' });
}

/** Closes the notifications, which would cover part of a screenshot. */
export async function clearNotifications(page) {
  if (await page.locator('.notification-toast').count()) {
    await runCommand(page, 'Notifications: Clear All Notifications');
  }
}

/** Waits until the page has painted the same thing for a while, at most `limit` milliseconds. */
export async function settle(page, { quiet = 400, limit = 10_000 } = {}) {
  const deadline = Date.now() + limit;
  let last = '';
  while (Date.now() < deadline) {
    const now = (await page.screenshot({ animations: 'disabled', caret: 'hide' })).toString('base64');
    if (now === last) {
      return;
    }
    last = now;
    await page.waitForTimeout(quiet);
  }
}

function escapeRegExp(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
