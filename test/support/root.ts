import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The repository's folder: tests run from there or below it, bundled or not. */
export function repositoryRoot(): string {
  for (let folder = process.cwd(); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'test', 'support', 'root.ts'))) return folder;
    if (dirname(folder) === folder) throw new Error(`no repository above ${process.cwd()}`);
  }
}
