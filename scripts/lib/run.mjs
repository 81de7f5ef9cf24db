// Child processes without a shell, on every platform. Node builtins only.
import { spawn } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { basename, delimiter, dirname, extname, join, resolve } from 'node:path';

const WINDOWS = process.platform === 'win32';

/** Thrown by {@link run} when a program cannot be started or exits with anything but 0. */
export class CommandError extends Error {
  /**
   * @param {string} message
   * @param {string} output what the program wrote, when it was captured
   * @param {number | null} exitCode null: not started, or ended by a signal
   */
  constructor(message, output = '', exitCode = null) {
    super(message);
    this.name = 'CommandError';
    this.output = output;
    this.exitCode = exitCode;
  }
}

/**
 * Runs a program to its end and returns what it wrote when `capture` is set, else ''.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, capture?: boolean, name?: string }} [options] `name` for messages
 * @returns {Promise<string>}
 */
export function run(program, args, { cwd, env = process.env, capture = false, name = basename(program) } = {}) {
  return new Promise((resolveRun, reject) => {
    const child = spawn(program, args, { cwd, env, stdio: capture ? ['ignore', 'pipe', 'pipe'] : 'inherit' });
    let output = '';
    const keep = (chunk) => {
      output += chunk;
    };
    child.stdout?.setEncoding('utf8').on('data', keep);
    child.stderr?.setEncoding('utf8').on('data', keep);
    child.once('error', (error) => reject(new CommandError(`${name}: ${error.message}`, output)));
    child.once('close', (code, killedBy) => {
      if (code === 0) {
        resolveRun(output);
        return;
      }
      const how = killedBy ? `ended by ${killedBy}` : `exit code ${code}`;
      reject(new CommandError(`${name}: ${how}`, output, code));
    });
  });
}

/** Runs a script with this Node. */
export function runNode(script, args = [], options = {}) {
  return run(process.execPath, ['--enable-source-maps', script, ...args], { name: basename(script), ...options });
}

/** The file that starting `name` from PATH would run, or undefined. On Windows PATHEXT decides, as in its shell. */
export function findOnPath(name, env = process.env) {
  const extensions = WINDOWS ? (env.PATHEXT ?? '.COM;.EXE;.BAT;.CMD').split(';') : [''];
  for (const folder of (env.PATH ?? env.Path ?? '').split(delimiter)) {
    for (const extension of folder ? extensions : []) {
      const file = join(folder, name + extension);
      if (isFile(file)) {
        return file;
      }
    }
  }
  return undefined;
}

function isFile(path) {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/**
 * How to start npm: [program, ...leading arguments]. Windows refuses to start `npm.cmd` without a shell, so npm's own
 * script is run by this Node wherever it can be found.
 */
function npmCommand() {
  const fromEnvironment = process.env.npm_execpath;
  const besideNode = dirname(process.execPath);
  const candidates = [
    ...(fromEnvironment && /^npm(-cli)?\.[cm]?js$/.test(basename(fromEnvironment)) ? [fromEnvironment] : []),
    join(besideNode, 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    resolve(besideNode, '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js'),
  ];
  const script = candidates.find((path) => existsSync(path));
  if (script) {
    return [process.execPath, script];
  }
  const onPath = findOnPath('npm');
  if (!onPath || ['.cmd', '.bat'].includes(extname(onPath).toLowerCase())) {
    throw new CommandError('npm was not found beside node or on PATH. Install Node.js 20 or newer with npm.');
  }
  return [onPath];
}

/** Runs npm in `cwd`; what an outer `npm run` says about its own package is not handed down. */
export function npm(args, { cwd, capture = false }) {
  const [program, ...leading] = npmCommand();
  const env = Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^npm_(package|lifecycle)_|^npm_(command|config_local_prefix)$|^INIT_CWD$/i.test(name),
    ),
  );
  return run(program, [...leading, ...args, '--no-fund', '--no-audit', '--no-update-notifier'], {
    cwd,
    env,
    capture,
    name: `npm ${args[0]}`,
  });
}
