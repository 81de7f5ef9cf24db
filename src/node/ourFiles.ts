import * as fs from 'node:fs';
import * as path from 'node:path';

/** Files in the making, notes and kept headers. */
const OURS = /^\..+\.(?:\d+\.\d+\.tmp|vmdisk-[a-z]+(?:\.json)?)$/s;
/** What a repair has kept; anybody may call a snapshot so, too. */
const BEFORE_REPAIR = /\.before-repair(?:-\d+)?(?:\.json)?$/;

/** Whether a name is one that our own work gives to what it puts beside images. */
export const isOurName = (file: string): boolean => OURS.test(path.basename(file)) || BEFORE_REPAIR.test(file);

/**
 * Whether a file is what our own work has put beside images and is none, though its bytes may begin as one does.
 * @param file absolute
 */
export const isOurs = (file: string): boolean =>
  OURS.test(path.basename(file)) || (BEFORE_REPAIR.test(file) && (file.endsWith('.json') || isThere(`${file}.json`)));

const isThere = (file: string): boolean => fs.lstatSync(file, { throwIfNoEntry: false }) !== undefined;
