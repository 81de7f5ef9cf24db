// npm test [STEP…] [FILE…] [-- --grep TEXT --no-build --verbose]
// STEP is one of those below, FILE a *.test.ts; with neither, everything runs. A failing step does not stop the others,
// and the last line is the sum of all mocha tests; a step or suite that breaks down counts as one failed.
import { cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve, sep } from 'node:path';
import { parseArgs } from 'node:util';
import { OUT, ROOT, SAMPLE } from './lib/paths.mjs';
import { installDependencies, requireNode } from './lib/prepare.mjs';
import { findOnPath, runNode } from './lib/run.mjs';

const CHECKS = ['typecheck', 'lint', 'build'];
const SUITES = ['unit', 'conformance', 'fuzz', 'vscode', 'browser'];
/** Suites that run the built command line or extension. */
const NEED_BUILD = ['conformance', 'fuzz', 'vscode', 'browser'];
const TIMEOUT_MS = { unit: 20_000, conformance: 120_000, fuzz: 120_000, browser: 120_000 };

const ci = !['', '0', 'false', undefined].includes(process.env.CI);

requireNode();
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));
const { values: options, positionals } = readArguments();
const { steps, files } = plan(positionals);
await installDependencies();

const results = [];
for (const step of steps) {
  console.log(`\n── ${step} ${'─'.repeat(Math.max(3, 76 - step.length))}`);
  const start = Date.now();
  const result = await attempt(step);
  const seconds = ((Date.now() - start) / 1000).toFixed(1);
  results.push({ step, seconds, ...result });
  console.log(`${step}: ${describe(result)} (${seconds} s)`);
}
summarise();

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        grep: { type: 'string' },
        'no-build': { type: 'boolean', default: false },
        verbose: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    return refuse(error.message);
  }
}

/** Which steps to run, in their order, and per suite the files chosen. */
function plan(names) {
  const chosen = new Set();
  const files = new Map();
  for (const name of names) {
    const source = resolve(name);
    const [top, suite] = relative(ROOT, source).split(sep);
    if (CHECKS.includes(name) || SUITES.includes(name)) {
      chosen.add(name);
    } else if (name.endsWith('.test.ts') && existsSync(source) && top === 'test' && SUITES.includes(suite)) {
      chosen.add(suite);
      files.set(suite, [...(files.get(suite) ?? []), source]);
    } else {
      refuse(`“${name}” is neither a step nor a test file. Steps: ${[...CHECKS, ...SUITES].join(', ')}`);
    }
  }
  if (names.length === 0) {
    const optional = (suite) => suite !== 'fuzz' || existsSync(join(ROOT, 'test', 'fuzz'));
    return { steps: [...CHECKS, ...SUITES.filter(optional)], files };
  }
  if (!options['no-build'] && NEED_BUILD.some((suite) => chosen.has(suite))) {
    chosen.add('build');
  }
  return { steps: [...CHECKS, ...SUITES].filter((step) => chosen.has(step)), files };
}

function refuse(message) {
  console.error(message);
  process.exit(2);
}

/** Runs a step; whatever goes wrong becomes its result. */
async function attempt(step) {
  const broken = results.find((result) => result.step === 'build' && result.error);
  if (broken && NEED_BUILD.includes(step)) {
    return { passed: 0, failed: 1, error: 'not run, because the build failed' };
  }
  try {
    if (step === 'typecheck') {
      await runNode(tool('typescript', 'bin', 'tsc'), ['-b'], { cwd: ROOT, name: 'tsc -b' });
    } else if (step === 'lint') {
      await runNode(tool('eslint', 'bin', 'eslint.js'), ['.'], { cwd: ROOT, name: 'eslint' });
    } else if (step === 'build') {
      await build();
    } else {
      return await suite(step);
    }
    return { passed: 0, failed: 0 };
  } catch (error) {
    console.error(error.message);
    return { passed: 0, failed: 1, error: error.message.split('\n')[0] };
  }
}

function tool(...path) {
  return join(ROOT, 'node_modules', ...path);
}

/** The .vsix first, from a build for users; then the build with source maps, which most tests run. */
async function build() {
  await runNode(script('package.mjs'));
  await runNode(script('build.mjs'));
  await runNode(script('sample.mjs'));
}

function script(name) {
  return join(ROOT, 'scripts', name);
}

async function suite(name) {
  if (name === 'conformance' && ci && !findOnPath('qemu-img')) {
    throw new Error(
      'CI is set, but there is no qemu-img: install qemu-utils (Debian, Ubuntu), qemu-img (Fedora) or qemu (Homebrew).',
    );
  }
  const { bundleTests } = await import('./bundle-tests.mjs');
  const all = await bundleTests(name);
  const chosen = files.get(name)?.map((file) => bundledName(file));
  const tests = all.filter((file) => !chosen || chosen.includes(file));
  if (tests.length === 0) {
    throw new Error(`there are no tests in test/${name}`);
  }
  const report = join(OUT, 'results', `${name}.json`);
  await mkdir(join(report, '..'), { recursive: true });
  await rm(report, { force: true });
  const env = { ...process.env, VMDISK_TEST_RESULTS: report, ...(ci ? { VMDISK_REQUIRE_QEMU: '1' } : {}) };
  const crash = await (name === 'vscode' ? inExtensionHost(tests, env) : inNode(name, tests, env)).then(
    () => undefined,
    (error) => error,
  );
  const counts = existsSync(report) ? JSON.parse(await readFile(report, 'utf8')) : undefined;
  if (!counts) {
    throw new Error(`the suite broke down before its end${crash ? `: ${crash.message}` : ''}`);
  }
  if (counts.passed + counts.failed === 0) {
    throw new Error('no tests ran');
  }
  // Exit codes say what a count cannot, e.g. an error outside every test.
  return crash && counts.failed === 0 ? { ...counts, failed: 1, error: crash.message } : counts;
}

function bundledName(source) {
  return join(OUT, 'test', relative(join(ROOT, 'test'), source).replace(/\.ts$/, '.js'));
}

async function inNode(name, tests, env) {
  const args = [
    ...['--no-config', '--no-package', '--reporter', script('lib/reporter.cjs')],
    ...['--timeout', String(TIMEOUT_MS[name])],
    ...(ci ? ['--forbid-only'] : []),
    ...(options.grep === undefined ? [] : ['--grep', options.grep]),
    ...tests,
  ];
  await runNode(tool('mocha', 'bin', 'mocha.js'), args, { cwd: ROOT, env, name: 'mocha' });
}

/** The tests may write into their workspace, so it is a copy of the sample. */
async function inExtensionHost(tests, env) {
  const { runInExtensionHost } = await import('./vscode/host-tests.mjs');
  const temporary = await mkdtemp(join(tmpdir(), 'vm-disk-explorer-'));
  const folder = join(temporary, 'sample');
  const logFile = join(OUT, 'results', 'vscode.log');
  try {
    await cp(SAMPLE, folder, { recursive: true, preserveTimestamps: true });
    const code = await runInExtensionHost({
      tests: join(OUT, 'test', 'vscode', 'index'),
      folder,
      env: {
        ...env,
        VMDISK_TEST_FILES: JSON.stringify(tests),
        VMDISK_TEST_COLOR: process.stdout.isTTY ? '1' : '0',
        ...(options.grep === undefined ? {} : { VMDISK_TEST_GREP: options.grep }),
      },
      print: (line) => console.log(line),
      logFile,
      progress: (line) => console.log(line),
    });
    if (code !== 0) {
      throw new Error(`the extension host's tests ended with ${code}; ${relative(ROOT, logFile)} has its console`);
    }
  } finally {
    if (options.verbose && existsSync(logFile)) {
      console.log(await readFile(logFile, 'utf8'));
    }
    await rm(temporary, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

function describe({ passed, failed, pending = 0, error }) {
  if (error) {
    return `FAILED: ${error}`;
  }
  if (passed + failed === 0) {
    return 'ok';
  }
  return `${passed} passed, ${failed} failed${pending ? `, ${pending} skipped` : ''}`;
}

function summarise() {
  console.log(`\n── summary ${'─'.repeat(69)}`);
  for (const result of results) {
    const mark = result.failed > 0 ? '✖' : '✔';
    console.log(`${mark} ${result.step.padEnd(12)} ${describe(result)} (${result.seconds} s)`);
  }
  const passed = results.reduce((sum, result) => sum + result.passed, 0);
  let failed = results.reduce((sum, result) => sum + result.failed, 0);
  if (passed + failed === 0 && steps.some((step) => SUITES.includes(step))) {
    failed = 1;
  }
  process.exitCode = failed > 0 ? 1 : 0;
  console.log(`${passed} passed, ${failed} failed`);
}
