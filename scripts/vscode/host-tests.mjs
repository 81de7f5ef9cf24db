// Runs a test module inside the extension host of a real VS Code.
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { stageExtension } from '../lib/stage.mjs';
import { launchBrowser } from './browser.mjs';
import { startServer } from './server.mjs';
import { openWorkbench, testSettings } from './workbench.mjs';

/** Begins what mocha's reporter prints: VS Code and the extension write to the same console. */
const REPORT_MARK = '\u2063';

/** Longer than any run; a VS Code that never reports back is an error, not a wait without end. */
const LIMIT_MS = 15 * 60_000;

/**
 * @param {object} options
 * @param {string} options.tests the module, without `.js`, that exports `run()`
 * @param {string} options.folder the workspace
 * @param {NodeJS.ProcessEnv} [options.env] what the extension host sees
 * @param {(line: string) => void} [options.print] receives what mocha reports
 * @param {string} [options.logFile] receives everything else that VS Code and the extension write to the console
 * @param {(line: string) => void} [options.progress]
 * @returns {Promise<number>} the exit code: 0 when `run()` was fulfilled
 */
export async function runInExtensionHost({ tests, folder, env = process.env, print = console.log, logFile, progress }) {
  const log = logFile ? createWriteStream(logFile) : undefined;
  const server = await startServer({
    settings: testSettings(),
    env: { ...env, VMDISK_TEST_MARK: REPORT_MARK },
    progress,
  });
  try {
    // Not the repository itself: VS Code's own extensions lie below it, and would be taken for parts of ours.
    const extension = join(server.home, 'development');
    await stageExtension(extension);
    const browser = await launchBrowser({ progress });
    try {
      return await new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`no end after ${LIMIT_MS / 60_000} minutes`)), LIMIT_MS);
        const settled = (code) => {
          clearTimeout(timer);
          resolve(code);
        };
        const onPage = async (page) => {
          await page.exposeFunction('codeAutomationLog', (type, args) => {
            const text = args.map((value) => (typeof value === 'string' ? value : JSON.stringify(value))).join(' ');
            if (text.startsWith(REPORT_MARK)) {
              print(text.slice(REPORT_MARK.length));
            } else {
              log?.write(`${type}: ${text}\n`);
            }
          });
          await page.exposeFunction('codeAutomationExit', settled);
          page.once('crash', () => reject(new Error('the browser page crashed')));
        };
        void server.ended.then(() => reject(new Error(`VS Code ended; its log is ${server.log}`)));
        const url = server.url({ folder, extension, tests });
        openWorkbench(browser, url, { onPage }).catch(reject);
      });
    } finally {
      await browser.close();
    }
  } finally {
    await server.stop();
    log?.end();
  }
}
