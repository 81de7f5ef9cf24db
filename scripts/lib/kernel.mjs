// Compiles src/kernel to WebAssembly and gives it to whatever esbuild bundles, as the bytes that `kernel.wasm` exports.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { CACHE, ROOT } from './paths.mjs';

const SOURCES = join(ROOT, 'src', 'kernel');
const OPTIONS = ['-O3', '--runtime', 'stub', '--enable', 'simd', '--noAssert', '--initialMemory', '1'];

/** By file: several bundles are made at a time. */
const compiling = new Map();

/** An esbuild plugin. */
export const kernel = {
  name: 'kernel',
  setup(build) {
    build.onResolve({ filter: /^kernel\.wasm$/ }, () => ({ path: SOURCES, namespace: 'kernel' }));
    build.onLoad({ filter: /.*/, namespace: 'kernel' }, async () => ({
      contents: await compiled(),
      loader: 'binary',
      watchFiles: (await readdir(SOURCES)).map((name) => join(SOURCES, name)),
    }));
  },
};

/** Compiling takes seconds: the result is kept for as long as the sources and the compiler are the same. */
async function compiled() {
  const { version } = createRequire(import.meta.url)('assemblyscript/package.json');
  const hash = createHash('sha256').update(JSON.stringify([version, OPTIONS]));
  for (const name of (await readdir(SOURCES)).sort()) {
    hash.update(name).update(await readFile(join(SOURCES, name)));
  }
  const file = join(CACHE, 'kernel', `${hash.digest('hex').slice(0, 32)}.wasm`);
  if (!existsSync(file)) {
    compiling.set(file, compiling.get(file) ?? compile(file));
    await compiling.get(file);
  }
  return readFile(file);
}

async function compile(file) {
  const { default: asc } = await import('assemblyscript/asc');
  const entry = relative(ROOT, join(SOURCES, 'index.ts'));
  let contents;
  const { error, stderr } = await asc.main([entry, '--baseDir', ROOT, '--outFile', 'kernel.wasm', ...OPTIONS], {
    writeFile: (_name, written) => {
      contents = written;
    },
  });
  if (error || !contents) {
    throw new Error(`src/kernel can't be compiled: ${error?.message ?? ''}\n${stderr.toString()}`);
  }
  await mkdir(join(file, '..'), { recursive: true });
  // Two processes at a time each write their own, and the last one stays.
  const own = `${file}.${process.pid}`;
  await writeFile(own, contents);
  await rename(own, file);
}
