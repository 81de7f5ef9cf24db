// Bundles test/SUITE/**/*.test.ts into out/test, one file each.
//   node scripts/bundle-tests.mjs [SUITE…]
import { existsSync } from 'node:fs';
import { readFile, readdir, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as esbuild from 'esbuild';
import { CREW_ENTRY, crewIn } from './lib/crew.mjs';
import { kernel } from './lib/kernel.mjs';
import { OUT, ROOT } from './lib/paths.mjs';

export const SUITES = ['unit', 'conformance', 'fuzz', 'vscode', 'browser'];
const TESTS = join(ROOT, 'test');

/** Loaded at run time: what only exists there, and tools that find their own files by where they stand. */
const EXTERNAL = ['vscode', 'mocha', 'playwright-core', 'esbuild', 'typescript', 'eslint', '@vscode/*', '@bokuweb/zstd-wasm'];

/**
 * @param {string} suite
 * @returns {Promise<string[]>} the bundled test files, absolute, sorted by name
 */
export async function bundleTests(suite) {
  const sources = await filesUnder(join(TESTS, suite), '.test.ts');
  const entryPoint = join(TESTS, suite, 'index.ts');
  const outdir = join(OUT, 'test');
  const bundled = sources.map((file) => join(outdir, relative(TESTS, file).replace(/\.ts$/, '.js')));
  for (const stale of await filesUnder(join(outdir, suite), '.test.js')) {
    if (!bundled.includes(stale)) {
      await rm(stale, { force: true });
    }
  }
  if (sources.length > 0) {
    const options = {
      absWorkingDir: ROOT,
      outdir,
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'cjs',
      sourcemap: 'linked',
      external: EXTERNAL,
      logLevel: 'warning',
      plugins: [importMeta, kernel],
    };
    await esbuild.build({ ...options, entryPoints: { crew: CREW_ENTRY } });
    await esbuild.build({
      ...options,
      entryPoints: existsSync(entryPoint) ? [...sources, entryPoint] : sources,
      outbase: TESTS,
      define: crewIn(outdir),
    });
  }
  return bundled;
}

/** Keeps `import.meta.url`, `.dirname` and `.filename` the source file's: CommonJS output would leave them empty. */
export const importMeta = {
  name: 'import-meta',
  setup(build) {
    build.onLoad({ filter: /\.(ts|mjs)$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      if (path.includes('node_modules') || !text.includes('import.meta.')) {
        return undefined;
      }
      const values = { url: pathToFileURL(path).href, dirname: join(path, '..'), filename: path };
      const literal = (_match, name) => JSON.stringify(values[name]);
      const contents = text.replace(/\bimport\.meta\.(url|dirname|filename)\b/g, literal);
      return { contents, loader: path.endsWith('.ts') ? 'ts' : 'js' };
    });
  },
};

async function filesUnder(folder, ending) {
  if (!existsSync(folder)) {
    return [];
  }
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const suite of process.argv.length > 2 ? process.argv.slice(2) : SUITES) {
    console.log(`${suite}: ${(await bundleTests(suite)).length} files`);
  }
}
