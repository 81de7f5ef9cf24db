import * as fs from 'node:fs';
import * as path from 'node:path';
import { parentReference } from '../../core';
import type { GatePolicy } from '../../protocol/worker';
import { THIS_SYSTEM } from '../files';
import { isInside } from '../gate';
import { locate } from '../hostPath';
import { isNoDisk } from '../noDisk';
import { isOurs } from '../ourFiles';
import type { Mended } from './trial';

/** Files whose headers are read, all folders together, and folders that are looked through. */
const MAX_FILES = 5000;
const MAX_FOLDERS = 500;
/** How deep a folder that a person has named is gone into. */
const MAX_DEPTH = 4;
interface Folder {
  readonly path: string;
  /** How much deeper to go. */
  readonly below: number;
}

/**
 * Files among which the parent is looked for, the likeliest places first: where the image is and in the folders there,
 * where its parent is said to be, in those that a person has named with what is below them, and in the folders beside
 * where it is said to be.
 */
export function filesToLookAt(mended: Mended, named: readonly string[], policy: GatePolicy): readonly string[] {
  const said = saidFolders(mended).filter((folder) => mayBeLookedThrough(folder, policy));
  const queue: Folder[] = [
    { path: path.dirname(mended.path), below: 1 },
    ...said.map((folder) => ({ path: folder, below: 0 })),
    ...named.map((folder) => ({ path: path.resolve(folder), below: MAX_DEPTH })),
    ...said.flatMap(beside),
  ];
  const files = new Set<string>();
  const depths = new Map<string, number>();
  for (let folder = queue.shift(); folder && files.size < MAX_FILES; folder = queue.shift()) {
    if ((depths.get(folder.path) ?? -1) >= folder.below || depths.size >= MAX_FOLDERS) continue;
    depths.set(folder.path, folder.below);
    const found = entriesOf(folder.path);
    for (const name of found.files) if (files.size < MAX_FILES) files.add(path.join(folder.path, name));
    if (folder.below === 0) continue;
    for (const name of found.folders) queue.push({ path: path.join(folder.path, name), below: folder.below - 1 });
  }
  return [...files];
}

/** The folder that the written name leads to, or the nearest above it that is there. */
function saidFolders({ path: image, written, format }: Mended): string[] {
  const located = locate(parentReference(written, format), path.dirname(image), THIS_SYSTEM);
  if (located.kind === 'elsewhere') return [];
  const folder = path.dirname(located.file);
  return isFolder(folder) ? [folder] : isFolder(path.dirname(folder)) ? [path.dirname(folder)] : [];
}

/** The folder above, and the others in it; nothing of the root or of what lies directly in it. */
function beside(folder: string): Folder[] {
  const above = path.dirname(folder);
  if (path.dirname(above) === above) return [];
  return [{ path: above, below: 1 }];
}

/** A name in an image is nobody's word: where folders are not trusted, it leads into none but those. */
function mayBeLookedThrough(folder: string, { folders }: GatePolicy): boolean {
  return folders === undefined || isInside(realOrSame(folder), folders.map(realOrSame));
}

const realOrSame = (file: string): string => THIS_SYSTEM.real(file) ?? file;

function isFolder(file: string): boolean {
  try {
    return fs.statSync(file).isDirectory();
  } catch {
    return false;
  }
}

/** Names in a folder, links to files among them; links to folders are not gone into. */
function entriesOf(folder: string): { readonly files: readonly string[]; readonly folders: readonly string[] } {
  const files: string[] = [];
  const folders: string[] = [];
  let open: fs.Dir | undefined;
  try {
    open = fs.opendirSync(folder);
    for (let entry = open.readSync(); entry && files.length < MAX_FILES; entry = open.readSync()) {
      if (entry.isDirectory() && !entry.name.startsWith('.') && folders.length < MAX_FOLDERS) folders.push(entry.name);
      else if (
        (entry.isFile() || entry.isSymbolicLink()) &&
        !isNoDisk(entry.name) &&
        !isOurs(path.join(folder, entry.name))
      )
        files.push(entry.name);
    }
  } catch {
    // What can't be looked through has nothing to offer.
  } finally {
    open?.closeSync();
  }
  return { files: files.sort(), folders: folders.sort() };
}
