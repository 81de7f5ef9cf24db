import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The version of the package that this bundle, `dist/cli.js`, is in. */
export function version(): string {
  const manifest = JSON.parse(readFileSync(join(__dirname, '..', 'package.json'), 'utf8')) as {
    readonly version: string;
  };
  return manifest.version;
}
