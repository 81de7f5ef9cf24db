// npm start [-- FOLDER --no-open --port N --server]
// From a bare clone to VS Code on the sample: desktop VS Code when `code` is on PATH, else the VS Code server from npm,
// whose address is printed. FOLDER is opened instead of the sample; --server passes a desktop VS Code by.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT, SAMPLE } from './lib/paths.mjs';
import { installDependencies, requireNode } from './lib/prepare.mjs';
import { findOnPath, run, runNode } from './lib/run.mjs';

const USAGE = `npm start [-- FOLDER --no-open --port N --server]

  FOLDER     opened instead of the sample
  --server   the VS Code from npm, in the browser, even where \`code\` is on the PATH
  --port N   where it listens on 127.0.0.1; any free port otherwise
  --no-open  only print the address`;

requireNode();
let leave = () => process.exit(130);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => leave());
}

const { values: options, positionals } = readArguments();
const folder = positionals[0] ? resolve(process.env.INIT_CWD ?? '.', positionals[0]) : SAMPLE;
try {
  await prepare();
  const desktop = options.server ? undefined : await findDesktop();
  if (!desktop || !(await openDesktop(desktop))) {
    await serve();
  }
} catch (error) {
  console.error(`\n${error.message}`);
  process.exit(1);
}

function readArguments() {
  try {
    const parsed = parseArgs({
      allowPositionals: true,
      options: {
        'help': { type: 'boolean', default: false },
        'no-open': { type: 'boolean', default: false },
        port: { type: 'string', default: '0' },
        server: { type: 'boolean', default: false },
      },
    });
    if (parsed.values.help) {
      console.log(USAGE);
      process.exit(0);
    }
    return parsed;
  } catch (error) {
    console.error(`${error.message}\n\n${USAGE}`);
    return process.exit(2);
  }
}

async function prepare() {
  if (!existsSync(folder) && folder !== SAMPLE) {
    throw new Error(`There is no folder ${folder}.`);
  }
  await installDependencies();
  step('Building the extension');
  await runNode(join(ROOT, 'scripts', 'build.mjs'));
  if (folder === SAMPLE) {
    step('Making the sample disk');
    await runNode(join(ROOT, 'scripts', 'sample.mjs'));
  }
}

function step(text) {
  console.log(`${text}…`);
}

/** A desktop VS Code that can show a window here and is new enough, as the program to start. */
async function findDesktop() {
  const screen = process.platform !== 'linux' || hasDisplay() || process.env.WSL_DISTRO_NAME;
  const found = screen ? findOnPath('code') : undefined;
  if (!found) {
    return undefined;
  }
  if (process.platform === 'win32') {
    // Node starts no .cmd without a shell; the program that it would start stands one folder up.
    const program = join(dirname(found), '..', 'Code.exe');
    return existsSync(program) ? program : undefined;
  }
  try {
    const version = (await run(found, ['--version'], { capture: true })).split('\n')[0];
    const [major, minor] = version.split('.').map(Number);
    if (major > 1 || (major === 1 && minor >= 100)) {
      return found;
    }
    console.log(`VS Code ${version} is installed; the extension needs 1.100 or newer, so the one from npm is used.`);
  } catch {
    // A launcher without its program, or one that refuses this user: the server works for both.
  }
  return undefined;
}

/** True when the window was asked for without an error. */
async function openDesktop(program) {
  step(`Opening VS Code on ${relative(ROOT, folder) || folder}`);
  const args = [`--extensionDevelopmentPath=${ROOT}`, '--new-window', folder];
  if (process.platform === 'win32') {
    spawn(program, args, { detached: true, stdio: 'ignore' }).unref();
  } else {
    try {
      await run(program, args);
    } catch (error) {
      console.log(`${error.message}\nThe VS Code from npm is used instead.`);
      return false;
    }
  }
  console.log('Click the newest image in the Explorer. `npm start -- --server` opens it in the browser instead.');
  return true;
}

async function serve() {
  const port = Number(options.port);
  await requireFreePort(port);
  const [{ startServer }, { stageExtension }] = await Promise.all([
    import('./vscode/server.mjs'),
    import('./lib/stage.mjs'),
  ]);
  const server = await startServer({
    port,
    folder,
    token: true,
    extension: stageExtension,
    progress: (line) => console.log(line),
    settings: {
      'window.autoDetectColorScheme': true,
      // The sample was made a moment ago, by this very command. About any other folder VS Code asks, as it does.
      ...(folder === SAMPLE ? { 'security.workspace.trust.enabled': false } : {}),
    },
  });
  let stopping = false;
  leave = async () => {
    stopping = true;
    console.log('\nStopping VS Code…');
    await server.stop();
    process.exit(0);
  };

  // The folder stands in the address: VS Code's default folder has another authority, and one file would be two.
  const url = server.url({ folder });
  console.log(`
  VS Code is ready, with the extension, on ${folder}

      ${url}
`);
  if (process.env.SSH_CONNECTION) {
    const tunnel = `ssh -L ${server.port}:127.0.0.1:${server.port} …`;
    console.log(`  From your own machine: ${tunnel}, then open the address there.`);
  }
  console.log('  Ctrl+C stops it.');
  if (!options['no-open'] && !process.env.CI) {
    openInBrowser(url);
  }
  await server.ended;
  if (stopping) {
    return;
  }
  await server.stop();
  throw new Error('VS Code has ended.');
}

/** @throws when another program listens there */
async function requireFreePort(port) {
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new Error(`--port ${options.port}: a number from 0 to 65535 is needed.`);
  }
  const probe = createServer();
  await new Promise((done, reject) => {
    probe.once('error', (error) => reject(new Error(`Port ${port} cannot be used: ${error.message}`)));
    probe.listen(port, '127.0.0.1', done);
  });
  await new Promise((done) => probe.close(done));
}

function openInBrowser(url) {
  const openers = {
    darwin: ['open', url],
    win32: ['rundll32', 'url.dll,FileProtocolHandler', url],
    linux: hasDisplay() ? ['xdg-open', url] : process.env.WSL_DISTRO_NAME ? ['wslview', url] : undefined,
  };
  const [program, ...args] = openers[process.platform] ?? [];
  const found = program && findOnPath(program);
  if (found) {
    const child = spawn(found, args, { detached: true, stdio: 'ignore' });
    child.once('error', () => console.log('  No browser could be opened; copy the address into one.'));
    child.unref();
  }
}

function hasDisplay() {
  return Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY);
}
