import { opendir } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** More than this nobody looks through. */
const MOST_IMAGES = 200;
/** Folders of more names than this are not read to their end. */
const MOST_NAMES = 10_000;

/**
 * The files in an image's own folder that are images by their names, in the order of these; a folder that can't be
 * read has none.
 * @returns at most 200 paths
 */
export async function imagesBeside(image: string, isImage: (name: string) => boolean): Promise<string[]> {
  const folder = dirname(image);
  const found: string[] = [];
  try {
    let names = 0;
    for await (const entry of await opendir(folder, { bufferSize: 256 })) {
      if ((entry.isFile() || entry.isSymbolicLink()) && isImage(entry.name)) found.push(join(folder, entry.name));
      names += 1;
      if (found.length === MOST_IMAGES || names === MOST_NAMES) break;
    }
  } catch {
    // Vanished or unreadable: what was read of it so far still counts.
  }
  return found.sort();
}
