// npm run package: the .vsix that users install, from a minified build.
import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createVSIX } from '@vscode/vsce';
import { ROOT } from './lib/paths.mjs';
import { runNode } from './lib/run.mjs';

const LIMIT_BYTES = 1_000_000;

const { name, version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
const file = join(ROOT, `${name}-${version}.vsix`);

await runNode(join(ROOT, 'scripts', 'build.mjs'), ['--production']);
await rm(file, { force: true });
// The README's picture is in the package, so its relative link is right as it is.
await createVSIX({
  cwd: ROOT,
  packagePath: file,
  dependencies: false,
  allowMissingRepository: true,
  rewriteRelativeLinks: false,
});
const { size } = await stat(file);
console.log(`${name}-${version}.vsix: ${(size / 1000).toFixed(1)} kB`);
if (size > LIMIT_BYTES) {
  console.error(`It is larger than ${LIMIT_BYTES / 1000} kB.`);
  process.exitCode = 1;
}
