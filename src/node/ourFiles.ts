import * as path from 'node:path';

/**
 * What our own work puts beside images and is none, though its bytes may begin as one does: files in the making, notes,
 * kept headers, what a repair has kept.
 */
const OURS = /^\..+\.(?:tmp|vmdisk-[a-z]+(?:\.json)?)$|\.before-repair(?:-\d+)?(?:\.json)?$/s;

export const isOurs = (file: string): boolean => OURS.test(path.basename(file));
