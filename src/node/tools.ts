import * as fs from 'node:fs';
import * as path from 'node:path';

/**
 * A program on PATH, as an absolute path. Relative entries of PATH are passed over: they would let the folder that is
 * looked at supply the program.
 */
export function findTool(name: string): string | undefined {
  for (const folder of (process.env['PATH'] ?? '').split(path.delimiter)) {
    if (!path.isAbsolute(folder)) continue;
    const file = path.join(folder, process.platform === 'win32' ? `${name}.exe` : name);
    try {
      fs.accessSync(file, fs.constants.X_OK);
      if (fs.statSync(file).isFile()) return file;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}
