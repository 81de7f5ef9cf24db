import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { importMeta } from '../bundle-tests.mjs';
import { kernel } from './kernel.mjs';
import { OUT, ROOT } from './paths.mjs';

/**
 * Bundles a program in TypeScript.
 * @param {string} entry its path below the repository
 * @returns {Promise<string>} the bundle
 */
export async function bundleProgram(entry) {
  const outfile = join(OUT, 'programs', entry.replace(/\.ts$/, '.cjs'));
  await build({
    absWorkingDir: ROOT,
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    logLevel: 'warning',
    plugins: [importMeta, kernel],
  });
  return outfile;
}

/**
 * Bundles a program and runs its `main` in the repository's folder.
 * @param {string} entry its path below the repository
 * @param {readonly string[]} args what `main` is called with
 */
export async function runBundled(entry, args) {
  const file = await bundleProgram(entry);
  process.chdir(ROOT);
  const program = await import(pathToFileURL(file).href);
  await program.default.main(args);
}
