// npm run test:desktop [-- --version VERSION --grep TEXT]
// The tests of test/vscode in a desktop VS Code, which @vscode/test-electron downloads into .cache/vscode-test.
// VERSION is `stable` (the default), `insiders`, `oldest` (the oldest that the manifest allows) or a number.
// Linux without a screen: xvfb-run -a npm run test:desktop
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CACHE, OUT, ROOT, SAMPLE } from './lib/paths.mjs';
import { installDependencies, requireNode } from './lib/prepare.mjs';
import { runNode } from './lib/run.mjs';

requireNode();
const { values: options } = parseArgs({
  options: { version: { type: 'string', default: 'stable' }, grep: { type: 'string' } },
});
await installDependencies();
for (const name of ['build.mjs', 'sample.mjs']) {
  await runNode(join(ROOT, 'scripts', name));
}

const [{ runTests }, { bundleTests }, { QUIET_SETTINGS }, { testSettings }] = await Promise.all([
  import('@vscode/test-electron'),
  import('./bundle-tests.mjs'),
  import('./vscode/server.mjs'),
  import('./vscode/workbench.mjs'),
]);
const tests = await bundleTests('vscode');
const report = join(OUT, 'results', 'desktop.json');
await mkdir(join(OUT, 'results'), { recursive: true });
await rm(report, { force: true });

// Short names: on macOS a socket's path, which begins with the user data folder, may have 103 characters.
const temporary = await mkdtemp(join(tmpdir(), 'vmde-'));
const user = join(temporary, 'user');
const workspace = join(temporary, 'sample');
try {
  await cp(SAMPLE, workspace, { recursive: true, preserveTimestamps: true });
  await mkdir(join(user, 'User'), { recursive: true });
  await writeFile(join(user, 'User', 'settings.json'), JSON.stringify({ ...QUIET_SETTINGS, ...testSettings() }));
  await runTests({
    version: options.version === 'oldest' ? await oldestVersion() : options.version,
    cachePath: join(CACHE, 'vscode-test'),
    extensionDevelopmentPath: ROOT,
    extensionTestsPath: join(OUT, 'test', 'vscode', 'index.js'),
    launchArgs: [
      workspace,
      ...['--user-data-dir', user, '--extensions-dir', join(temporary, 'extensions')],
      ...['--disable-workspace-trust', '--skip-welcome', '--skip-release-notes', '--disable-telemetry'],
    ],
    extensionTestsEnv: {
      VMDISK_TEST_RESULTS: report,
      VMDISK_TEST_FILES: JSON.stringify(tests),
      ...(options.grep === undefined ? {} : { VMDISK_TEST_GREP: options.grep }),
    },
  });
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  await rm(temporary, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}

const { passed, failed } = existsSync(report) ? JSON.parse(await readFile(report, 'utf8')) : { passed: 0, failed: 1 };
if (failed > 0 || passed === 0) {
  process.exitCode = 1;
}
console.log(`${passed} passed, ${failed} failed`);

async function oldestVersion() {
  const { engines } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  return engines.vscode.replace(/^[^\d]*/, '');
}
