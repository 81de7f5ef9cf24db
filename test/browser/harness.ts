import { mkdirSync } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Frame, Page } from 'playwright-core';
import { stageExtension } from '../../scripts/lib/stage.mjs';
import { launchBrowser } from '../../scripts/vscode/browser.mjs';
import { startServer } from '../../scripts/vscode/server.mjs';
import type { VsCodeServer } from '../../scripts/vscode/server.mjs';
import * as workbench from '../../scripts/vscode/workbench.mjs';

const ROOT = join(import.meta.dirname, '..', '..');
const SAMPLE = join(ROOT, 'sample');
const SCREENSHOTS = join(ROOT, 'out', 'screenshots');
const EXTENSION_ID = 'vm-disk-explorer.vm-disk-explorer';

export type Theme = keyof typeof workbench.THEMES;

/** What the theme picker calls each, and how the workbench's class list does. */
const THEMES: Readonly<Record<Theme, { readonly label: string; readonly file: string }>> = {
  'dark': { label: 'Dark Modern', file: 'dark_modern' },
  'light': { label: 'Light Modern', file: 'light_modern' },
  'hc': { label: 'Dark High Contrast', file: 'hc_black' },
  'hc-light': { label: 'Light High Contrast', file: 'hc_light' },
};

/**
 * How the extension gets into VS Code: as a copy, in its extensions folder, of the files that would be packaged from
 * dist/ as it is, or from the .vsix by VS Code's own installer.
 */
export type Delivery = 'copy' | 'vsix';

export interface SessionOptions {
  /** The workspace; without it a copy of the sample, which `close` removes. */
  readonly folder?: string;
  readonly delivery?: Delivery;
  readonly theme?: Theme;
  /** Keep workspace trust on: VS Code asks about the folder first (`answerTrust`). */
  readonly trust?: boolean;
  readonly settings?: Readonly<Record<string, unknown>>;
  /** CSS pixels. */
  readonly width?: number;
  readonly height?: number;
  /** Device pixels per CSS pixel. */
  readonly scale?: number;
}

/** A VS Code with the extension, open on a folder in a browser page. */
export class Session {
  /** Uncaught errors of the page, and console errors of our webview or by our extension. */
  readonly problems: string[] = [];
  /** Origins outside the server that the page asked for something. */
  readonly foreignOrigins = new Set<string>();

  private constructor(
    readonly folder: string,
    readonly server: VsCodeServer,
    readonly browser: Browser,
    private readonly cleanUp: () => Promise<void>,
  ) {}

  #page: Page | undefined;

  get page(): Page {
    if (this.#page === undefined) throw new Error('the session has no page yet');
    return this.#page;
  }

  static async start(options: SessionOptions = {}): Promise<Session> {
    const workspace =
      options.folder === undefined
        ? await copyOfSample()
        : { folder: options.folder, remove: () => Promise.resolve() };
    const { folder } = workspace;
    let server: VsCodeServer | undefined;
    let browser: Browser | undefined;
    try {
      server = await startServer({
        folder,
        settings: { ...workbench.testSettings(options), ...options.settings },
        ...(options.delivery === 'vsix' ? { vsix: await packagedVsix() } : { extension: stageExtension }),
      });
      browser = await launchBrowser();
      const session = new Session(folder, server, browser, workspace.remove);
      session.#page = await workbench.openWorkbench(browser, server.url({ folder }), {
        width: options.width ?? 1440,
        height: options.height ?? 900,
        scale: options.scale ?? 1,
        theme: options.theme ?? 'dark',
        onPage: (page) => {
          session.#watch(page);
        },
      });
      return session;
    } catch (error) {
      await browser?.close();
      await server?.stop();
      await workspace.remove();
      throw error;
    }
  }

  /** Another browser window on the same server. Closing its context ends it. */
  anotherPage(options: Pick<SessionOptions, 'width' | 'height' | 'scale' | 'theme'>): Promise<Page> {
    return workbench.openWorkbench(this.browser, this.server.url({ folder: this.folder }), {
      ...options,
      onPage: (page) => {
        this.#watch(page);
      },
    });
  }

  /** Opens an image by a double click in the Explorer; `path` is relative to the folder, with `/`. */
  openImage(path: string): Promise<Frame> {
    return workbench.openImage(this.page, path);
  }

  /** Opens any file by a double click in the Explorer, in whatever editor VS Code gives it. */
  openFromExplorer(path: string): Promise<void> {
    return workbench.openFromExplorer(this.page, path);
  }

  /** The document of our visible editor. */
  editor(): Promise<Frame> {
    return workbench.editorFrame(this.page);
  }

  /** Runs a command by its full title, e.g. `VM Disk: Refresh`. */
  runCommand(title: string): Promise<void> {
    return workbench.runCommand(this.page, title);
  }

  /** Answers the dialog that asks whether the folder's authors are trusted; only a session with `trust` has it. */
  answerTrust(trusted: boolean): Promise<void> {
    return workbench.answerTrust(this.page, trusted);
  }

  /** Chooses an item of a file's menu in the Explorer. */
  async chooseInExplorer(name: string, item: string): Promise<void> {
    const row = this.page.locator('.explorer-folders-view .monaco-list-row')
      .filter({ has: this.page.locator('.label-name').getByText(name, { exact: true }) });
    await row.click({ button: 'right' });
    await this.page.getByRole('menuitem', { name: item }).hover();
    // Not a click: VS Code takes no release of the button so soon after its menu opened.
    await this.page.keyboard.press('Enter');
  }

  /** Closes every editor and waits until ours are gone. */
  async closeEditors(): Promise<void> {
    if ((await this.page.locator('.tabs-container .tab').count()) === 0) return;
    await this.runCommand('View: Close All Editors');
    await this.page.locator('.tabs-container .tab').first().waitFor({ state: 'detached' });
    await this.page.locator('iframe.webview').first().waitFor({ state: 'detached' });
  }

  /** Loads the window anew by VS Code's own command: the browser's would not let it save what it is about to lose. */
  async reload(): Promise<void> {
    const loaded = this.page.waitForEvent('load');
    await this.runCommand('Developer: Reload Window');
    await loaded;
    await this.page.locator('.monaco-workbench .part.statusbar').waitFor();
  }

  /** Chooses a colour theme as its user does, and waits until its colours are in force. */
  async setTheme(theme: Theme): Promise<void> {
    const { label, file } = THEMES[theme];
    const item = (name: string) => this.page.locator('.quick-input-list .monaco-list-row')
      .filter({ has: this.page.locator('.label-name').getByText(name, { exact: true }) });
    await this.runCommand('Preferences: Color Theme');
    await item(THEMES.dark.label).waitFor();
    await this.page.locator('.quick-input-widget:visible input[type="text"]').fill(label);
    await item(label).click();
    await this.page.locator('.quick-input-widget').waitFor({ state: 'hidden' });
    await this.page.locator(`.monaco-workbench[class*="-themes-${file}-json"]`).waitFor();
  }

  clearNotifications(): Promise<void> {
    return workbench.clearNotifications(this.page);
  }


  /** Saves what is on screen, once it no longer changes, as out/screenshots/NAME.png and returns its path. */
  async screenshot(name: string, page = this.page): Promise<string> {
    mkdirSync(SCREENSHOTS, { recursive: true });
    const path = join(SCREENSHOTS, `${name}.png`);
    await workbench.settle(page);
    await page.screenshot({ path });
    return path;
  }

  async close(): Promise<void> {
    await this.browser.close();
    await this.server.stop();
    await this.cleanUp();
  }

  #watch(page: Page): void {
    page.on('pageerror', (error) => this.problems.push(`uncaught: ${error.stack ?? error.message}`));
    page.on('console', (message) => {
      const text = message.text();
      const webview = /vscode-resource|\/fake\.html/.test(message.location().url);
      if (message.type() === 'error' && (webview || text.includes(EXTENSION_ID))) this.problems.push(text);
    });
    page.on('request', (request) => {
      const { origin, protocol, hostname } = new URL(request.url());
      // Webview resources have a name of their own, answered by VS Code's service worker and never looked up.
      const ours = origin === this.server.origin || hostname.endsWith('.vscode-resource.vscode-cdn.net');
      if (/^(https?|wss?):$/.test(protocol) && !ours) this.foreignOrigins.add(origin);
    });
  }
}

/** A copy of the sample that a test may write into; `remove` takes it away again. */
export async function copyOfSample(): Promise<{ readonly folder: string; readonly remove: () => Promise<void> }> {
  const temporary = await mkdtemp(join(tmpdir(), 'vm-disk-explorer-'));
  const folder = join(temporary, 'sample');
  await mkdir(folder);
  for (const name of await readdir(SAMPLE)) await copySparse(join(SAMPLE, name), join(folder, name));
  return { folder, remove: () => rm(temporary, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }) };
}

const BLOCK = 4096;
const PIECE = 256 * BLOCK;

/** Copies a file and its times; blocks of zeros become holes, as they are in a raw disk of the sample. */
async function copySparse(from: string, to: string): Promise<void> {
  const source = await open(from, 'r');
  const target = await open(to, 'w');
  try {
    const { size, atime, mtime } = await source.stat();
    const piece = Buffer.alloc(PIECE);
    for (let at = 0; at < size; at += PIECE) {
      const { bytesRead } = await source.read(piece, 0, PIECE, at);
      for (let start = 0; start < bytesRead; start += BLOCK) {
        const block = piece.subarray(start, Math.min(start + BLOCK, bytesRead));
        if (block.some((byte) => byte !== 0)) await target.write(block, 0, block.length, at + start);
      }
    }
    await target.truncate(size);
    await target.utimes(atime, mtime);
  } finally {
    await source.close();
    await target.close();
  }
}

/** The .vsix that `npm run package` makes. */
export async function packagedVsix(): Promise<string> {
  const manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { name: string; version: string };
  return join(ROOT, `${manifest.name}-${manifest.version}.vsix`);
}
