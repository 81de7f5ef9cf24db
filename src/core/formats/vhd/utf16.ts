/**
 * Text in UTF-16, up to its first NUL. Which byte of a character is first is not the same in all writers of VHD: a byte
 * order mark decides, else in which half the zeros are that nearly all names have in their high bytes.
 * @param expected where neither tells
 */
export function utf16(bytes: Uint8Array, expected: 'big' | 'little'): string {
  const order = byteOrder(bytes) ?? expected;
  const [high, low] = order === 'big' ? [0, 1] : [1, 0];
  const units: number[] = [];
  for (let at = 0; at + 1 < bytes.length; at += 2) {
    const unit = ((bytes[at + high] ?? 0) << 8) | (bytes[at + low] ?? 0);
    if (unit === 0) break;
    units.push(unit);
  }
  // A path is too short to be too many arguments: see `LIMITS.maxLocatorBytes`.
  return String.fromCharCode(...units).replace(/^\ufeff/, '');
}

function byteOrder(bytes: Uint8Array): 'big' | 'little' | undefined {
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'big';
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'little';
  let first = 0;
  let second = 0;
  for (let at = 0; at + 1 < bytes.length && (bytes[at] !== 0 || bytes[at + 1] !== 0); at += 2) {
    first += bytes[at] === 0 ? 1 : 0;
    second += bytes[at + 1] === 0 ? 1 : 0;
  }
  return first === second ? undefined : first > second ? 'big' : 'little';
}
