// The extension as users get it, without the detour of a .vsix.
import { copyFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PackageManager, listFiles } from '@vscode/vsce';
import { ROOT } from './paths.mjs';

/** Copies into `folder` the files that .vscodeignore lets into the package. */
export async function stageExtension(folder) {
  for (const file of await listFiles({ cwd: ROOT, packageManager: PackageManager.None })) {
    const target = join(folder, file);
    await mkdir(dirname(target), { recursive: true });
    await copyFile(join(ROOT, file), target);
  }
}
