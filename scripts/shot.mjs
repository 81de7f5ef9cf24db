// A screenshot of an image in the editor, for looking at while developing.
//   node scripts/shot.mjs FOLDER FILE OUT.png [--theme dark|light|hc|hc-light|all] [--size 1770x1140] [--scale 1]
//                         [--command TITLE]… [--click SELECTOR]… [--keys KEY]… [--view] [--wait MS]
//                         [--extension DIR] [--url URL] [--build] [--verbose]
//   node scripts/shot.mjs FOLDER --serve     keeps a server running; give its address to others as --url
// FILE is relative to FOLDER and opened in the custom editor, whatever its name. --command, --click (in the editor's
// webview) and --keys act in the order given; --theme all writes OUT-dark.png, OUT-light.png and so on.
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, extname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from './lib/paths.mjs';
import { runNode } from './lib/run.mjs';
import { stageExtension } from './lib/stage.mjs';
import { launchBrowser } from './vscode/browser.mjs';
import { startServer, workbenchUrl } from './vscode/server.mjs';
import * as workbench from './vscode/workbench.mjs';

const { values, positionals, tokens } = parseArgs({
  allowPositionals: true,
  tokens: true,
  options: {
    theme: { type: 'string', default: 'dark' },
    size: { type: 'string', default: '1770x1140' },
    scale: { type: 'string', default: '1' },
    command: { type: 'string', multiple: true },
    click: { type: 'string', multiple: true },
    keys: { type: 'string', multiple: true },
    wait: { type: 'string', default: '0' },
    extension: { type: 'string' },
    url: { type: 'string' },
    serve: { type: 'boolean', default: false },
    view: { type: 'boolean', default: false },
    build: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
  },
});
const [folderArgument, fileArgument, outArgument] = positionals;
if (!folderArgument || (!values.serve && (!fileArgument || !outArgument))) {
  console.error('Usage: node scripts/shot.mjs FOLDER FILE OUT.png [--theme dark|light|hc|hc-light|all] …');
  process.exit(2);
}
const folder = resolve(folderArgument);
const [width, height] = values.size.split('x').map(Number);
const scale = Number(values.scale);
const themes = values.theme === 'all' ? Object.keys(workbench.THEMES) : [values.theme];
const actions = tokens.filter((token) => token.kind === 'option' && ['command', 'click', 'keys'].includes(token.name));
const progress = (line) => console.error(line);

if (values.build) {
  await runNode(join(ROOT, 'scripts', 'build.mjs'));
}
if (values.serve) {
  const server = await startServer({ settings: settings(themes[0]), folder, progress });
  console.log(server.origin);
  const stop = async () => {
    await server.stop();
    process.exit(0);
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  await server.ended;
} else {
  await shots();
}

function settings(theme) {
  return { ...workbench.testSettings({ theme }), 'workbench.editorAssociations': { '*': 'vmDisk.editor' } };
}

async function shots() {
  const browser = await launchBrowser({ progress });
  try {
    for (const theme of themes) {
      const extension = extname(outArgument);
      const stem = outArgument.slice(0, outArgument.length - extension.length);
      await shot(browser, theme, themes.length > 1 ? `${stem}-${theme}${extension}` : outArgument);
    }
  } finally {
    await browser.close();
  }
}

/** What a server that runs already, or another extension than ours, is told in the address. */
async function underDevelopment() {
  if (values.extension) {
    return { extension: resolve(values.extension) };
  }
  if (values.url) {
    const extension = await mkdtemp(join(tmpdir(), 'vm-disk-explorer-'));
    process.once('exit', () => rmSync(extension, { recursive: true, force: true }));
    await stageExtension(extension);
    return { extension };
  }
  return {};
}

async function shot(browser, theme, out) {
  const file = relative(folder, resolve(folder, fileArgument)).replaceAll('\\', '/');
  const server = values.url
    ? undefined
    : await startServer({
        folder,
        progress,
        ...(values.extension ? {} : { extension: stageExtension }),
        settings: settings(theme),
      });
  try {
    const where = { folder, ...(await underDevelopment()) };
    const url = server ? server.url(where) : workbenchUrl(new URL(values.url).origin, where);
    const page = await workbench.openWorkbench(browser, url, {
      width,
      height,
      scale,
      ...(server ? { theme } : {}),
      onPage: (page) => {
        page.on('pageerror', (error) => console.error(`page error: ${error.message}`));
        page.on('console', (message) => {
          const ours = /vscode-resource|\/fake\.html/.test(message.location().url);
          if (values.verbose || (ours && message.type() === 'error')) {
            console.error(`${message.type()}: ${message.text()}`);
          }
        });
      },
    });
    let frame = await workbench.openImage(page, file);
    await workbench.clearNotifications(page);
    if (values.view) {
      await page.locator('.activitybar .action-label[aria-label^="VM Disk"]').first().click();
    }
    for (const { name, value } of actions) {
      if (name === 'command') {
        await workbench.runCommand(page, value);
      } else if (name === 'keys') {
        await page.keyboard.press(value);
      } else {
        frame = await workbench.editorFrame(page);
        await frame.locator(value).first().click();
      }
    }
    await page.waitForTimeout(Number(values.wait));
    await workbench.settle(page);
    await mkdir(dirname(resolve(out)), { recursive: true });
    await page.screenshot({ path: out });
    console.log(out);
    await page.context().close();
  } finally {
    await server?.stop();
  }
}
