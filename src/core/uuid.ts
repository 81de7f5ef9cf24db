/** The identifier of no image: all zeros. */
export const NIL_UUID = '00000000-0000-0000-0000-000000000000';

/**
 * The identifier in 16 bytes, in lower-case digits, as Microsoft and VirtualBox store it: the first three of its groups are
 * little-endian numbers.
 */
export function uuidAt(bytes: Uint8Array, at: number): string {
  const group = (...places: readonly number[]): string =>
    places.map((place) => (bytes[at + place] ?? 0).toString(16).padStart(2, '0')).join('');
  return [group(3, 2, 1, 0), group(5, 4), group(7, 6), group(8, 9), group(10, 11, 12, 13, 14, 15)].join('-');
}
