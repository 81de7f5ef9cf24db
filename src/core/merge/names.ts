/** How an image is to name another parent. Paths are those of the host, with `/`. */

/**
 * The name in the style of the one before: a path stays whole, or counts from the image's folder.
 * @param relative the parent's path from the image's folder, @param absolute its whole path
 */
export function backingName(before: string, relative: string, absolute: string): string {
  if (before.startsWith('/') || /^(?:[A-Za-z]:[\\/]|\\\\)/.test(before)) return absolute;
  // Up to a colon QEMU takes a name for a protocol, unless a slash comes first.
  return /^[^/]*:/.test(relative) ? `./${relative}` : relative;
}

/** Longest name that a header has room for at all. */
const MAX_NAME_BYTES = 1023;
/** What a header has beside the name; names of features only where room is left (block/qcow2.c, qcow2_update_header). */
const HEADER_V2 = 72;
const HEADER_V3 = 112;
const BITMAPS = 8 + 24;
const END = 8;

export interface HeaderRoom {
  readonly clusterSize: number;
  readonly old: boolean;
  readonly bitmaps: boolean;
}

/** Whether a name and a format fit into the first cluster of an image, with all that QEMU writes there. */
export function fitsHeader(nameBytes: number, formatBytes: number, { clusterSize, old, bitmaps }: HeaderRoom): boolean {
  if (nameBytes > MAX_NAME_BYTES) return false;
  const padded = Math.ceil(formatBytes / 8) * 8;
  const fixed = (old ? HEADER_V2 : HEADER_V3) + (bitmaps ? BITMAPS : 0) + END;
  return fixed + (formatBytes > 0 ? 8 + padded : 0) + nameBytes <= clusterSize;
}
