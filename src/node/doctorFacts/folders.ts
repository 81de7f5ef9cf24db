import * as fs from 'node:fs';
import * as path from 'node:path';

/** One folder's entries: full paths. */
export interface Listing {
  readonly folder: string;
  /** Files and links, whatever these lead to. */
  readonly files: readonly string[];
  readonly folders: readonly string[];
  /** Why not everything is listed, where it is not. */
  readonly cut?: string | undefined;
}

export interface Walk {
  readonly listings: readonly Listing[];
  /** Where not everything was looked at, and why. */
  readonly incomplete: readonly { readonly folder: string; readonly why: string }[];
}

/** Of a folder and everything below it, together. */
const MAX_FILES = 10_000;
const MAX_FOLDERS = 2_000;
const MAX_DEPTH = 16;

/** @param most files that are listed; the folders below are not counted */
export function listFolder(folder: string, most = MAX_FILES): Listing {
  const files: string[] = [];
  const folders: string[] = [];
  let open: fs.Dir | undefined;
  try {
    open = fs.opendirSync(folder);
    for (let entry = open.readSync(); entry; entry = open.readSync()) {
      const full = path.join(folder, entry.name);
      if (entry.isDirectory()) {
        if (folders.length < MAX_FOLDERS) folders.push(full);
      } else if (entry.isFile() || entry.isSymbolicLink()) {
        if (files.length >= most) return { folder, files, folders, cut: `it has more than ${most} files` };
        files.push(full);
      }
    }
    return { folder, files: files.sort(), folders: folders.sort() };
  } catch (error) {
    return { folder, files, folders, cut: `it can't be read (${(error as NodeJS.ErrnoException).code ?? 'failed'})` };
  } finally {
    open?.closeSync();
  }
}

/** A folder and those below it, nearest first. Links to folders are not followed. */
export function walkFolder(root: string): Walk {
  const listings: Listing[] = [];
  const incomplete: { folder: string; why: string }[] = [];
  let left = MAX_FILES;
  let level: readonly string[] = [root];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth === MAX_DEPTH) {
      incomplete.push({ folder: root, why: `there are folders more than ${MAX_DEPTH} deep` });
      break;
    }
    const below: string[] = [];
    for (const folder of level) {
      if (listings.length === MAX_FOLDERS || left === 0) {
        const why =
          left === 0 ? `there are more than ${MAX_FILES} files` : `there are more than ${MAX_FOLDERS} folders`;
        incomplete.push({ folder: root, why });
        return { listings, incomplete };
      }
      const listing = listFolder(folder, left);
      left -= listing.files.length;
      listings.push(listing);
      below.push(...listing.folders);
      if (listing.cut !== undefined) incomplete.push({ folder, why: listing.cut });
    }
    level = below;
  }
  return { listings, incomplete };
}
