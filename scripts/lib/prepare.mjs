// What `npm start` and `npm test` do first on a bare clone. Node builtins only.
import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from './paths.mjs';
import { npm } from './run.mjs';

const OLDEST_NODE = 20;

/** Ends the process with a plain sentence when this Node is too old for what follows. */
export function requireNode() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < OLDEST_NODE) {
    console.error(`Node.js ${OLDEST_NODE} or newer is needed; this is ${process.versions.node}.`);
    process.exit(1);
  }
}

/** Runs `npm ci` unless node_modules is what package-lock.json asks for. */
export async function installDependencies({ log = console.log } = {}) {
  if (await isInstalled()) {
    return;
  }
  log('Installing the development dependencies with npm ci (about a minute the first time)…');
  await npm(['ci', '--loglevel=error'], { cwd: ROOT });
}

/** npm writes node_modules/.package-lock.json last, with each package as it was installed. */
async function isInstalled() {
  const lockFile = join(ROOT, 'package-lock.json');
  const installedFile = join(ROOT, 'node_modules', '.package-lock.json');
  if (!existsSync(installedFile)) {
    return false;
  }
  if ((await stat(installedFile)).mtimeMs >= (await stat(lockFile)).mtimeMs) {
    return true;
  }
  // A checkout touches the lock without changing it, so its age alone says little.
  const [wanted, installed] = await Promise.all([lockFile, installedFile].map(readPackages));
  return Object.entries(wanted).every(([path, entry]) => {
    const found = installed[path];
    return path === '' || (entry.optional && !found) || found?.version === entry.version;
  });
}

async function readPackages(file) {
  return JSON.parse(await readFile(file, 'utf8')).packages ?? {};
}
