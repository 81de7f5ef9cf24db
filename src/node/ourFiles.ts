import * as fs from 'node:fs';
import * as path from 'node:path';

/** Files in the making, notes and kept headers. */
const OURS = /^\..+\.(?:\d+\.\d+\.tmp|vmdisk-[a-z]+(?:\.json)?)$/s;
/** What a repair has kept; anybody may call a snapshot so, too. */
const BEFORE_REPAIR = /^(.+)\.before-repair(?:-\d+)?$/s;
const REPAIR_NOTE = /\.before-repair(?:-\d+)?\.json$/;

/** Whether a name is one that our own work gives to what it puts beside images. */
export const isOurName = (file: string): boolean =>
  [OURS, BEFORE_REPAIR, REPAIR_NOTE].some((pattern) => pattern.test(path.basename(file)));

/**
 * Whether a file is what our own work has put beside images and is none, though its bytes may begin as one does.
 * @param file absolute
 */
export const isOurs = (file: string): boolean =>
  OURS.test(path.basename(file)) || REPAIR_NOTE.test(file) || isKeptCopy(file);

/** It has a note; before that is written it is as long as the image, which did not change yet, and begins as that does. */
function isKeptCopy(file: string): boolean {
  const image = BEFORE_REPAIR.exec(file)?.[1];
  if (image === undefined) return false;
  if (fs.lstatSync(`${file}.json`, { throwIfNoEntry: false })) return true;
  const [size, its] = [image, file].map((each) => fs.statSync(each, { throwIfNoEntry: false })?.size);
  return size !== undefined && size === its && beginningOf(image)?.equals(beginningOf(file) ?? NOTHING) === true;
}

/** Windows has no such flag, whatever the types say. */
const NON_BLOCKING = (fs.constants as { readonly O_NONBLOCK?: number }).O_NONBLOCK ?? 0;
const NOTHING = Buffer.alloc(0);
/** As long as the smallest cluster, that of a header. */
const BEGINNING = 512;

function beginningOf(file: string): Buffer | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = fs.openSync(file, fs.constants.O_RDONLY | NON_BLOCKING);
    const bytes = Buffer.alloc(BEGINNING);
    return bytes.subarray(0, fs.readSync(descriptor, bytes, 0, BEGINNING, 0));
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) fs.closeSync(descriptor);
  }
}
