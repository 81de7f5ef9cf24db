// Launches a headless Chromium: the one from npm, or one that is installed.
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { findOnPath } from '../lib/run.mjs';
import { installBrowser } from './install.mjs';

const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--disable-background-networking',
  '--disable-domain-reliability',
  '--disable-dev-shm-usage',
  '--font-render-hinting=none',
  '--force-color-profile=srgb',
];

/**
 * Chromium by, in this order: the path in CHROMIUM_PATH, npm (Linux on x64), an installed Chromium or Chrome.
 * @param {{ progress?: (line: string) => void }} [options]
 * @returns {Promise<import('playwright-core').Browser>}
 */
export async function launchBrowser({ progress } = {}) {
  const chosen = process.env.CHROMIUM_PATH;
  if (chosen) {
    if (!existsSync(chosen)) {
      throw new Error(`CHROMIUM_PATH names a file that does not exist: ${chosen}`);
    }
    return launch({ executablePath: chosen });
  }
  const reasons = [];
  try {
    const browser = await installBrowser({ log: progress });
    if (browser) {
      return await launch({
        executablePath: browser.executable,
        env: {
          ...process.env,
          LD_LIBRARY_PATH: [browser.libraries, process.env.LD_LIBRARY_PATH].filter(Boolean).join(':'),
          FONTCONFIG_FILE: browser.fontconfig,
        },
      });
    }
    reasons.push(`npm carries none for ${process.platform} on ${process.arch}`);
  } catch (error) {
    reasons.push(`from npm: ${error.message}`);
  }
  const installed = ['chromium', 'chromium-browser', 'google-chrome'].map((name) => findOnPath(name)).find(Boolean);
  for (const options of installed ? [{ executablePath: installed }] : [{ channel: 'chrome' }, { channel: 'msedge' }]) {
    try {
      return await launch(options);
    } catch (error) {
      reasons.push(`${options.executablePath ?? options.channel}: ${error.message}`);
    }
  }
  throw new Error(`No browser for the tests. Install Chromium or set CHROMIUM_PATH.\n- ${reasons.join('\n- ')}`);
}

function launch(options) {
  return chromium.launch({ headless: true, args: ARGUMENTS, handleSIGINT: false, handleSIGTERM: false, ...options });
}
