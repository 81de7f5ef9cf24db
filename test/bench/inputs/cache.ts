import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** To be counted up when what is written for the same parameters changes. */
const GENERATOR = 1;

/**
 * The folder of an input, made by `build` unless one of the same generator and parameters is there. It gets its name
 * when it is complete; those of the same input that are out of date are removed.
 * @param parameters all that the input's bytes depend on, as JSON has it
 */
export async function cached(
  root: string,
  name: string,
  parameters: unknown,
  build: (folder: string) => void | Promise<void>,
): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify({ GENERATOR, parameters })).digest('hex').slice(0, 12);
  const folder = join(root, `${name}-${hash}`);
  if (existsSync(folder)) return folder;
  mkdirSync(root, { recursive: true });
  const mine = new RegExp(`^${name}-[0-9a-f]{12}(\\.part)?$`);
  for (const other of readdirSync(root)) {
    if (mine.test(other)) rmSync(join(root, other), { recursive: true, force: true });
  }
  const part = `${folder}.part`;
  mkdirSync(part);
  await build(part);
  renameSync(part, folder);
  return folder;
}
