import * as fs from 'node:fs';

/** Equal for two names of one file, as the `id` of an opened one is; undefined where there is none to be seen. */
export function fileId(file: string): string | undefined {
  try {
    const { dev, ino } = fs.statSync(file, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}
