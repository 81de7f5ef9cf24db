import { u64le } from '../../bytes';
import { DiskError } from '../../errors';

/** Everything in a VMDK is counted in sectors of this many bytes. */
export const SECTOR_BYTES = 512;

/**
 * A 64-bit count of sectors, in bytes.
 * @param field name for the message, e.g. "capacity"
 * @throws DiskError `limit` past 2^53 - 1
 */
export function sectorsLe(bytes: Uint8Array, at: number, field: string): number {
  return bytesOf(u64le(bytes, at, field, at), field, at);
}

/** @param at where the count stands in the file, if in one. @throws DiskError `limit` past 2^53 - 1 */
export function bytesOf(sectors: number, field: string, at?: number): number {
  const bytes = sectors * SECTOR_BYTES;
  if (Number.isSafeInteger(bytes)) return bytes;
  throw new DiskError('limit', `the ${field} is ${sectors} sectors, more than any real disk has`, { offset: at });
}
