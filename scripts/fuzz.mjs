// npm run fuzz -- [--runs N] [--format DRIVER] [--seed N] [--from N] [--only LINEAGE]: see test/fuzz/main.ts.
import { bundleProgram } from './lib/bundled.mjs';
import { runNode } from './lib/run.mjs';

await runNode(await bundleProgram('test/fuzz/main.ts'), process.argv.slice(2)).catch((error) => {
  process.exitCode = error.exitCode ?? 1;
});
