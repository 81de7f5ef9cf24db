// Starts and stops a VS Code server that keeps everything it writes in one folder. Node builtins only.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createWriteStream, existsSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../lib/run.mjs';
import { installServer } from './install.mjs';

/** What a quiet, offline VS Code needs. Written before its first start; later changes by its user are kept. */
export const QUIET_SETTINGS = {
  'chat.commandCenter.enabled': false,
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
  'extensions.ignoreRecommendations': true,
  'git.openRepositoryInParentFolders': 'never',
  'json.schemaDownload.enable': false,
  'npm.fetchOnlinePackageInfo': false,
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'window.autoDetectColorScheme': false,
  'workbench.enableExperiments': false,
  'workbench.settings.enableNaturalLanguageSearch': false,
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
};

const HOST = '127.0.0.1';
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 3_000;

/** Where a process can lead a group that is signalled as one. */
const GROUPS = process.platform !== 'win32';

/**
 * @typedef {object} VsCodeServer
 * @property {string} origin e.g. `http://127.0.0.1:41234`
 * @property {number} port
 * @property {string} home the folder that holds its settings, extensions, state and log
 * @property {string} log path of what it printed
 * @property {(page?: Page) => string} url the address of a workbench
 * @property {() => Promise<void>} stop
 * @property {Promise<void>} ended settles when the server has gone, for whatever reason
 */

/**
 * @typedef {object} Page
 * @property {string} [folder] opened as the workspace; without it the server's default folder
 * @property {string} [file] opened in its default editor
 * @property {string} [extension] a folder loaded as an extension under development
 * @property {string} [tests] a module, without its `.js`, whose `run()` is called inside the extension host
 */

/**
 * @param {object} [options]
 * @param {string} [options.home] kept between runs; without it a temporary folder that `stop` removes
 * @param {number} [options.port] 0 for any free one
 * @param {string} [options.folder] the workspace of an address that names none
 * @param {Record<string, unknown>} [options.settings] user settings, above QUIET_SETTINGS
 * @param {(folder: string) => Promise<void>} [options.extension] puts our extension, unpacked, into that new folder
 * @param {string} [options.vsix] installed by VS Code's own installer before it starts
 * @param {boolean} [options.token] ask for a secret in the address (other users of the machine are kept out)
 * @param {NodeJS.ProcessEnv} [options.env]
 * @param {(line: string) => void} [options.progress]
 * @returns {Promise<VsCodeServer>}
 */
export async function startServer({
  home,
  port = 0,
  folder,
  settings = {},
  extension,
  vsix,
  token = false,
  env = process.env,
  progress,
} = {}) {
  const { main } = await installServer({ log: progress });
  const temporary = home === undefined;
  const data = home ?? (await mkdtemp(join(tmpdir(), 'vm-disk-explorer-')));
  const extensions = join(data, 'extensions');
  const dirs = ['--server-data-dir', data, '--extensions-dir', extensions];
  const secret = token ? randomBytes(16).toString('hex') : undefined;
  const log = join(data, 'server.log');
  const cleanUp = async () => {
    if (temporary) {
      await rm(data, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    }
  };

  let child;
  try {
    await writeSettings(data, settings);
    await mkdir(extensions, { recursive: true });
    if (extension) {
      // VS Code takes up what lies in its extensions folder when it finds no index there.
      await extension(join(extensions, 'vm-disk-explorer'));
    }
    if (vsix) {
      await run(process.execPath, [main, '--install-extension', vsix, '--force', ...dirs], { env, capture: true });
    }
    child = spawn(
      process.execPath,
      [
        main,
        ...['--host', HOST, '--port', String(port), '--accept-server-license-terms', '--telemetry-level', 'off'],
        ...['--disable-telemetry', '--disable-update-check', '--disable-getting-started-override'],
        ...(secret ? ['--connection-token', secret] : ['--without-connection-token']),
        ...(folder ? ['--default-folder', folder] : []),
        ...dirs,
      ],
      { env: serverEnvironment(env), stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true, detached: GROUPS },
    );
  } catch (error) {
    await cleanUp();
    throw error;
  }

  const ended = new Promise((resolve) => child.once('close', () => resolve()));
  const killAtExit = () => {
    signal(child, 'SIGKILL');
    if (temporary) {
      rmSync(data, { recursive: true, force: true, maxRetries: 5 });
    }
  };
  process.once('exit', killAtExit);
  const stop = async () => {
    process.removeListener('exit', killAtExit);
    const timer = setTimeout(() => signal(child, 'SIGKILL'), STOP_TIMEOUT_MS);
    signal(child, 'SIGTERM');
    await ended;
    clearTimeout(timer);
    await cleanUp();
  };

  let bound;
  try {
    bound = await listening(child, log);
  } catch (error) {
    await stop();
    throw error;
  }
  const authority = `${HOST}:${bound}`;
  const origin = `http://${authority}`;
  return {
    origin,
    port: bound,
    home: data,
    log,
    ended,
    stop,
    url: (page = {}) => workbenchUrl(origin, page, secret),
  };
}

/** The address of a workbench on a server that runs at `origin`. */
export function workbenchUrl(origin, { folder, file, extension, tests } = {}, secret) {
  const encode = (path) => toUriPath(path).split('/').map(encodeURIComponent).join('/');
  const remote = (path) => `vscode-remote://${new URL(origin).host}${encode(path)}`;
  const payload = [
    ...(extension ? [['extensionDevelopmentPath', remote(extension)]] : []),
    ...(tests ? [['extensionTestsPath', remote(tests)]] : []),
    ...(file ? [['openFile', remote(file)]] : []),
  ];
  const url = new URL('/', origin);
  if (secret) {
    url.searchParams.set('tkn', secret);
  }
  if (folder) {
    url.searchParams.set('folder', toUriPath(folder));
  }
  if (payload.length > 0) {
    payload.push(['skipWelcome', 'true'], ['skipReleaseNotes', 'true']);
    url.searchParams.set('payload', JSON.stringify(payload));
  }
  return url.href;
}

/** An absolute path as the path of a URI: `C:\a b` is `/C:/a b`. */
function toUriPath(path) {
  const slashed = process.platform === 'win32' ? path.replaceAll('\\', '/') : path;
  return slashed.startsWith('/') ? slashed : `/${slashed}`;
}

async function writeSettings(data, settings) {
  const folder = join(data, 'data', 'User');
  const file = join(folder, 'settings.json');
  const kept = existsSync(file) ? JSON.parse(await readFile(file, 'utf8')) : {};
  await mkdir(folder, { recursive: true });
  await writeFile(file, `${JSON.stringify({ ...QUIET_SETTINGS, ...settings, ...kept }, undefined, 2)}\n`);
}

/** Without what a surrounding VS Code leaves in its terminals, and without an extension gallery to call. */
function serverEnvironment(env) {
  const kept = Object.entries(env).filter(([name]) => !/^(VSCODE_|ELECTRON_|NODE_OPTIONS$)/.test(name));
  return { ...Object.fromEntries(kept), EXTENSIONS_GALLERY: '{}' };
}

/** Signals the server and all that it started: its extension hosts would live on for seconds and hold their files. */
function signal(child, name) {
  try {
    if (GROUPS && child.pid) {
      process.kill(-child.pid, name);
    } else {
      child.kill(name);
    }
  } catch {
    // Gone already.
  }
}

/** Waits until the server says which port it has and answers there. */
async function listening(child, log) {
  const file = createWriteStream(log, { flags: 'a' });
  let output = '';
  const port = await new Promise((resolve, reject) => {
    const fail = (why) => reject(new Error(`VS Code did not start: ${why}\n${output.trim().slice(-4000)}`));
    const timer = setTimeout(() => fail(`no answer after ${START_TIMEOUT_MS / 1000} s`), START_TIMEOUT_MS);
    const onData = (chunk) => {
      file.write(chunk);
      if (output.length < 100_000) {
        output += chunk;
      }
      const match = /Extension host agent listening on (\d+)/.exec(output);
      if (match) {
        clearTimeout(timer);
        resolve(Number(match[1]));
      }
    };
    child.stdout.setEncoding('utf8').on('data', onData);
    child.stderr.setEncoding('utf8').on('data', onData);
    child.once('error', (error) => fail(error.message));
    child.once('close', (code) => {
      clearTimeout(timer);
      file.end();
      fail(`it ended with ${code}`);
    });
  });
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    try {
      const response = await fetch(`http://${HOST}:${port}/version`);
      if (response.ok) {
        return port;
      }
    } catch {
      // Not accepting connections yet.
    }
    if (Date.now() > deadline) {
      throw new Error(`VS Code does not answer on port ${port}.\n${output.trim().slice(-4000)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
