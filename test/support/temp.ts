import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A new empty folder of which no part is a link, so that paths printed by a program can be compared with it. */
export function makeTempFolder(name: string): string {
  return mkdtempSync(join(realpathSync(tmpdir()), `vmdisk-${name}-`));
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}

/** Runs `use` with a temporary folder that is gone afterwards. */
export function withTempFolder<T>(name: string, use: (folder: string) => T): T {
  const folder = makeTempFolder(name);
  try {
    return use(folder);
  } finally {
    removeFolder(folder);
  }
}
