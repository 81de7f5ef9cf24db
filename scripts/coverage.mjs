// npm run coverage -- [--under FOLDER] [--keep] [--report] [FILE.test.ts…]
// Runs tests and tells which branches of the sources below a folder none of them takes, by V8's own counts.
//
//   FILE.test.ts…   only these; the unit, conformance and fuzz suites when left out
//   --under FOLDER  whose sources count; src/core/formats when left out
//   --keep          adds to what earlier runs counted
//   --report        runs nothing and tells of what earlier runs counted
import { mkdir, readFile, readdir, rm } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { parseArgs } from 'node:util';
import { bundleTests } from './bundle-tests.mjs';
import { branchesOf } from './coverage/branches.mjs';
import { COLUMNS, Counts } from './coverage/counts.mjs';
import { OUT, ROOT } from './lib/paths.mjs';
import { runNode } from './lib/run.mjs';

const RAW = join(OUT, 'coverage');
const SUITES = ['unit', 'conformance', 'fuzz'];
/** A process tells of all bundles that it loaded, in one text: that of a whole suite is longer than a text can be. */
const FILES_A_PROCESS = 8;
const TIMEOUT_MS = 600_000;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    under: { type: 'string', default: join('src', 'core', 'formats') },
    keep: { type: 'boolean', default: false },
    report: { type: 'boolean', default: false },
  },
});
const folder = resolve(ROOT, options.under);
if (!options.report) await runTests();
await report();

async function runTests() {
  if (!options.keep) await rm(RAW, { recursive: true, force: true });
  await mkdir(RAW, { recursive: true });
  await runNode(join(ROOT, 'scripts', 'build.mjs'));
  const chosen = positionals.map((file) => relative(ROOT, resolve(file)).split(sep));
  for (const suite of SUITES) {
    const wanted = chosen.filter(([, top]) => top === suite).map((path) => join(OUT, ...path).replace(/\.ts$/, '.js'));
    if (chosen.length > 0 && wanted.length === 0) continue;
    const bundles = await bundleTests(suite);
    const files = wanted.length > 0 ? bundles.filter((file) => wanted.includes(file)) : bundles;
    for (let first = 0; first < files.length; first += FILES_A_PROCESS) {
      await runMocha(files.slice(first, first + FILES_A_PROCESS));
    }
  }
}

/** A test that fails takes the branches that it takes. */
async function runMocha(files) {
  const mocha = join(ROOT, 'node_modules', 'mocha', 'bin', 'mocha.js');
  const args = ['--no-config', '--no-package', '--reporter', 'dot', '--timeout', String(TIMEOUT_MS), ...files];
  const env = { ...process.env, NODE_V8_COVERAGE: RAW };
  await runNode(mocha, args, { cwd: ROOT, env, name: 'mocha' }).catch((error) => console.error(error.message));
}

async function report() {
  const counts = new Counts((file) => file.startsWith(folder + sep));
  await counts.addFolder(RAW);
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter(({ name }) => name.endsWith('.ts')).map((entry) => join(entry.parentPath, entry.name));
  let [all, taken] = [0, 0];
  for (const file of files.sort()) {
    const text = await readFile(file, 'utf8');
    const branches = branchesOf(file, text);
    const missed = missedOf(branches, text, counts.files.get(file) ?? new Map());
    all += branches.length;
    taken += branches.length - missed.length;
    if (branches.length === 0) continue;
    const share = percent(branches.length - missed.length, branches.length);
    console.log(`${share.padStart(6)} % of ${String(branches.length).padStart(3)}  ${relative(ROOT, file)}`);
    for (const { line, what } of missed)
      console.log(`          line ${line}: ${what}  ${text.split('\n')[line - 1].trim()}`);
  }
  console.log(`${percent(taken, all)} % of ${all} branches below ${relative(ROOT, folder)} were taken`);
}

function percent(part, whole) {
  return (whole === 0 ? 100 : (100 * part) / whole).toFixed(1);
}

/** Branches that nothing took. */
function missedOf(branches, text, places) {
  const lineStarts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lineStarts.push(at + 1);
  const known = [...places]
    .map(([place, count]) => [lineStarts[Math.floor(place / COLUMNS)] + (place % COLUMNS), count])
    .sort((a, b) => a[0] - b[0]);
  /** How often what begins `[start, end)` ran. */
  const countAt = ([start, end]) => known.find(([at]) => at >= start && at < end)?.[1] ?? 0;
  return branches.filter(({ span, instead }) =>
    instead ? countAt(instead.condition) <= countAt(instead.other) : countAt(span) === 0,
  );
}
