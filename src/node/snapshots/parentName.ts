import * as fs from 'node:fs';
import * as path from 'node:path';
import type { FileReference } from '../../core';
import { asRelativeName, DiskError, isWritableName, parentReference } from '../../core';
import { THIS_SYSTEM } from '../files';
import { locate } from '../hostPath';

/**
 * How an overlay is to write its parent's name, verified to lead to the parent from where the overlay lies.
 * @param overlay where the overlay is, or is to be; absolute, its folder is there
 * @param parent absolute
 * @param absolute the whole path, rather than the one from the overlay's folder
 * @throws DiskError `refused` when no name leads there
 */
export function parentName(overlay: string, parent: string, absolute: boolean): string {
  const name = absolute ? parent : relativeName(overlay, parent);
  if (leadsTo(parentReference(name, undefined), overlay, parent)) return name;
  throw new DiskError(
    'refused',
    `no name that ${overlay} could write leads to ${parent}`,
    {},
    absolute
      ? 'Give the file, and the folders that it is in, names of plain text without a colon.'
      : 'Write its whole path instead, or give the folders names of plain text.',
  );
}

/**
 * Links to folders are followed on both sides: `..` in a name leads out of the folder that a link leads to. The last
 * part stays, since a link there is what the parent's own parent is looked for from.
 */
function relativeName(overlay: string, parent: string): string {
  const folder = followed(path.dirname(overlay));
  const target = path.join(followed(path.dirname(parent)), path.basename(parent));
  const name = path.relative(folder, target);
  // On another drive there is no way there.
  if (path.isAbsolute(name)) return name;
  return asRelativeName(path.sep === '/' ? name : name.replaceAll(path.sep, '/'));
}

/** The folder itself where links lead to what no text can name. */
const followed = (folder: string): string => THIS_SYSTEM.real(folder) ?? folder;

/** Whether QEMU, opening `overlay` by its path, finds `parent` by the name that is written. */
export function leadsTo(reference: FileReference, overlay: string, parent: string): boolean {
  if (!isWritableName(reference.written)) return false;
  const located = locate(reference, path.dirname(overlay), THIS_SYSTEM);
  if (located.kind !== 'here' || located.findings.length > 0) return false;
  const found = fs.statSync(located.file, { bigint: true, throwIfNoEntry: false });
  const wanted = fs.statSync(parent, { bigint: true, throwIfNoEntry: false });
  return found !== undefined && found.dev === wanted?.dev && found.ino === wanted.ino;
}
