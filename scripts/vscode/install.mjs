// Brings a VS Code server and a headless Chromium from npm into .cache/vscode, once. Node builtins only.
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress } from 'node:zlib';
import { CACHE, ROOT } from '../lib/paths.mjs';
import { npm } from '../lib/run.mjs';

const HOME = join(CACHE, 'vscode');
const STAMP = 'installed.json';

/** Raised when what `finish` does changes: an install by the older steps is then replaced. */
const STEPS = { server: 1, browser: 2 };

/**
 * The VS Code server.
 * @param {{ log?: (line: string) => void }} [options]
 * @returns {Promise<{ folder: string, main: string, node_modules: string }>} `main` is the server's script
 */
export async function installServer({ log = () => {} } = {}) {
  const folder = await install('server', finishServer, () => {
    log('Fetching VS Code from npm, about 70 MB, once (a minute or two)…');
  });
  return { folder, main: join(folder, SERVER, 'out', 'server-main.js') };
}

/**
 * The headless Chromium with the libraries and fonts it needs on a machine that has none.
 * @param {{ log?: (line: string) => void }} [options]
 * @returns {Promise<{ executable: string, libraries: string, fontconfig: string } | undefined>}
 *   undefined where npm carries no Chromium (anything but Linux on x64)
 */
export async function installBrowser({ log = () => {} } = {}) {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return undefined;
  }
  const folder = await install('browser', finishBrowser, () => {
    log('Fetching a headless Chromium from npm, about 70 MB, once (a minute)…');
  });
  return {
    executable: join(folder, 'chromium', 'chromium'),
    libraries: join(folder, 'libraries', 'lib'),
    fontconfig: join(folder, 'fonts.conf'),
  };
}

/**
 * Installs `scripts/vscode/NAME` under a temporary name and renames it when it is whole, so that an install cut short
 * is never mistaken for a good one, and two at a time do no harm.
 */
async function install(name, finish, announce) {
  const source = join(ROOT, 'scripts', 'vscode', name);
  const manifests = ['package.json', 'package-lock.json'];
  const hash = createHash('sha256').update(`${STEPS[name]} ${process.platform} ${process.arch}`);
  for (const file of manifests) {
    hash.update(await readFile(join(source, file)));
  }
  const key = hash.digest('hex').slice(0, 12);
  const target = join(HOME, `${name}-${key}`);
  if (existsSync(join(target, STAMP))) {
    return target;
  }

  announce();
  const partial = `${target}.partial-${process.pid}`;
  await mkdir(partial, { recursive: true });
  try {
    for (const file of manifests) {
      await copyFile(join(source, file), join(partial, file));
    }
    await npm(['ci', '--ignore-scripts', '--loglevel=error'], { cwd: partial, capture: true });
    await finish(partial);
    await writeFile(join(partial, STAMP), JSON.stringify({ key, finished: new Date().toISOString() }));
    if (!existsSync(join(target, STAMP))) {
      await rm(target, { recursive: true, force: true });
    }
    await rename(partial, target);
    await removeOthers(name, target);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    if (existsSync(join(target, STAMP))) {
      return target;
    }
    const output = error instanceof Error && 'output' in error ? `\n${error.output}` : '';
    throw new Error(`Could not install ${name} from npm: ${error.message}${output}`, { cause: error });
  }
  return target;
}

/** Drops older versions, and what installs that are no longer running left behind. */
async function removeOthers(name, current) {
  for (const entry of await readdir(HOME)) {
    const match = /^([a-z]+)-[0-9a-f]+(?:\.partial-(\d+))?$/.exec(entry);
    const running = match?.[2] !== undefined && isRunning(Number(match[2]));
    if (match?.[1] === name && join(HOME, entry) !== current && !running) {
      await rm(join(HOME, entry), { recursive: true, force: true });
    }
  }
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

const SERVER = join('node_modules', 'code-server', 'lib', 'vscode');

async function finishServer(folder) {
  const inner = join(folder, SERVER);
  // Its shrinkwrap lacks one peer dependency that nothing loads; npm ci accepts it only with peers left alone.
  await npm(['ci', '--omit=dev', '--ignore-scripts', '--legacy-peer-deps', '--loglevel=error'], {
    cwd: inner,
    capture: true,
  });
  // These two want a download or a compiler; taken away, Node finds our prebuilt ones further up.
  await rm(join(inner, 'node_modules', '@vscode', 'ripgrep'), { recursive: true });
  await rm(join(inner, 'node_modules', 'node-pty'), { recursive: true });
}

async function finishBrowser(folder) {
  const require = createRequire(join(folder, 'package.json'));
  const chromium = join(folder, 'node_modules', '@sparticuz', 'chromium');
  const tar = createRequire(join(chromium, 'package.json'))('tar-fs');
  const packed = join(chromium, 'bin');
  const unpack = (file, target) => {
    const extract = tar.extract(join(folder, target), { chown: false });
    return pipeline(createReadStream(join(packed, file)), createBrotliDecompress(), extract);
  };

  await mkdir(join(folder, 'chromium'));
  const executable = join(folder, 'chromium', 'chromium');
  await pipeline(
    createReadStream(join(packed, 'chromium.br')),
    createBrotliDecompress({ chunkSize: 1 << 20 }),
    createWriteStream(executable),
  );
  await chmod(executable, 0o755);
  await unpack('al2023.tar.br', 'libraries');
  await unpack('fonts.tar.br', 'fonts');
  const dejavu = join(require.resolve('dejavu-fonts-ttf/package.json'), '..', 'ttf');
  for (const font of ['DejaVuSans', 'DejaVuSans-Bold', 'DejaVuSansMono', 'DejaVuSansMono-Bold']) {
    await copyFile(join(dejavu, `${font}.ttf`), join(folder, 'fonts', `${font}.ttf`));
  }
  await writeFile(join(folder, 'fonts.conf'), FONTS);
  await rm(join(folder, 'node_modules'), { recursive: true });
}

/** Only the fonts brought along, so that a screenshot looks the same on every machine. */
const FONTS = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <dir prefix="relative">fonts</dir>
  <alias binding="strong">
    <family>monospace</family>
    <prefer><family>DejaVu Sans Mono</family></prefer>
  </alias>
  <alias binding="strong">
    <family>sans-serif</family>
    <prefer><family>Open Sans</family><family>DejaVu Sans</family></prefer>
  </alias>
  <alias binding="strong">
    <family>system-ui</family>
    <prefer><family>Open Sans</family><family>DejaVu Sans</family></prefer>
  </alias>
</fontconfig>
`;
