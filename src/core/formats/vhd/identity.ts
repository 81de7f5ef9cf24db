/** Seconds from 1970 to 2000, which VHD counts from. */
const EPOCH_2000 = 946_684_800;

/** Whoever has no parent, or a parent that is no VHD, names this one. */
export const NO_UUID = '00000000-0000-0000-0000-000000000000';

/** A UUID as the file has it, byte for byte: VHD stores them big-endian. */
export function uuidOf(bytes: Uint8Array, at: number): string {
  const hex = Array.from(bytes.subarray(at, at + 16), (byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** @param seconds since 2000, @returns `2020-10-15 14:31:55 UTC` */
export function timeOf(seconds: number): string {
  return utc((seconds + EPOCH_2000) * 1000);
}

/** The time of a file in the words of a time stamp, whole seconds. @param modified milliseconds since 1970 */
export function fileTime(modified: number): string {
  return utc(Math.floor(modified / 1000) * 1000);
}

function utc(time: number): string {
  return new Date(time).toISOString().replace('T', ' ').replace('.000Z', ' UTC');
}
