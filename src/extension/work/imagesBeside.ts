import { opendir } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { DESCRIPTOR } from '../../core/formats/parallels/descriptor';
import { descriptorNameOf } from '../../core/formats/vmdk/names';

/** More than this nobody looks through. */
const MOST_IMAGES = 200;
/** Folders of more names than this are not read to their end. */
const MOST_NAMES = 10_000;

/**
 * The files in an image's own folder that are images by their names, in the order of these; a folder that can't be
 * read has none. Not those that are named as parts of a disk whose descriptor is there.
 * @returns at most 200 paths
 */
export async function imagesBeside(image: string, isImage: (name: string) => boolean): Promise<string[]> {
  const folder = dirname(image);
  const found: string[] = [];
  const names = new Set<string>();
  try {
    for await (const entry of await opendir(folder, { bufferSize: 256 })) {
      if ((entry.isFile() || entry.isSymbolicLink()) && isImage(entry.name)) found.push(entry.name);
      names.add(entry.name);
      if (names.size === MOST_NAMES) break;
    }
  } catch {
    // Vanished or unreadable: what was read of it so far still counts.
  }
  return found
    .filter((name) => !names.has(wholeOf(name) ?? ''))
    .slice(0, MOST_IMAGES)
    .map((name) => join(folder, name))
    .sort();
}

/** The descriptor of the disk that a file is a part of by its name. */
const wholeOf = (name: string): string | undefined =>
  extname(name).toLowerCase() === '.hds' ? DESCRIPTOR : descriptorNameOf(name);
