/** Sizes and offsets as people write and read them. Shared by the CLI, the extension and the webview. */

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'] as const;
const SECTOR_BYTES = 512;

/** `1.5 GiB`: three significant digits, never rounding a whole number away; `1 byte`, `512 bytes`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return bytes === 1 ? '1 byte' : `${bytes} bytes`;
  let unit = Math.min(Math.floor(Math.log2(bytes) / 10), UNITS.length - 1);
  let value = bytes / 1024 ** unit;
  if (value >= 999.5 && unit < UNITS.length - 1) {
    unit += 1;
    value /= 1024;
  }
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  const text = value.toFixed(digits);
  return `${text.includes('.') ? text.replace(/\.?0+$/, '') : text} ${UNITS[unit] ?? ''}`;
}

/** `1,234,567` whatever the locale of the machine. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

/** `0x3_5A40_0000`: groups of four digits from the right, as the editor writes every offset. */
export function formatOffset(offset: number): string {
  const digits = offset.toString(16).toUpperCase();
  return `0x${digits.replace(/\B(?=([0-9A-F]{4})+(?![0-9A-F]))/g, '_')}`;
}

/** `0x000000035a400000`: a 64-bit table entry from its two halves. */
export function formatEntry(high: number, low: number): string {
  const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, '0');
  return `0x${hex(high)}${hex(low)}`;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;

/** `14 Mar 2026`, in the machine's own time zone. @param time milliseconds since 1970 */
export function formatDay(time: number): string {
  const date = new Date(time);
  return `${date.getDate()} ${MONTHS[date.getMonth()] ?? ''} ${date.getFullYear()}`;
}

/** `09:14`, in the machine's own time zone. @param time milliseconds since 1970 */
export function formatClock(time: number): string {
  const date = new Date(time);
  return `${String(date.getHours()).padStart(2, '0')}:${String(date.getMinutes()).padStart(2, '0')}`;
}

/** `today 09:14`, `yesterday 18:02`, `14 Mar 2026`. @param time, now milliseconds since 1970 */
export function formatWhen(time: number, now: number): string {
  const day = (ago: number): number => new Date(now).setHours(-24 * ago, 0, 0, 0);
  if (time >= day(0) && time < day(-1)) return `today ${formatClock(time)}`;
  if (time >= day(1) && time < day(0)) return `yesterday ${formatClock(time)}`;
  return formatDay(time);
}

/** What a format calls the unit in which it gives space to the disk. */
export function unitName(format: string): 'cluster' | 'grain' | 'block' {
  switch (format) {
    case 'qcow':
    case 'qcow2':
    case 'qed':
    case 'parallels':
      return 'cluster';
    case 'vmdk':
      return 'grain';
    default:
      return 'block';
  }
}

/** `10402 cylinders, 16 heads, 63 sectors`. @param sectors of a track, where the format says how many */
export function formatGeometry(cylinders: number | string, heads: number | string, sectors?: number | string): string {
  return `${cylinders} cylinders, ${heads} heads${sectors === undefined ? '' : `, ${sectors} sectors`}`;
}

/** What people call a format, where that is not the name by which QEMU and our JSON have it. */
export function formatName(format: string): string {
  return format === 'vpc' ? 'VHD' : format;
}

const SUFFIX_POWER: Readonly<Record<string, number>> = { '': 0, K: 1, M: 2, G: 3, T: 4, P: 5, E: 6 };

/**
 * Reads an offset or size: `4096`, `0x1000`, `0x3_5A40_0000`, `1M`, `1.5GiB`, `3 GB` (taken as GiB, as qemu-img does),
 * `8s` (512-byte sectors). Separators are ignored: `_`, and `,` between groups of three digits.
 * @returns bytes, or undefined when the text is none of these, or is no whole number of bytes below 2^53
 */
export function parseOffset(text: string): number | undefined {
  // A comma between groups of three separates them; anywhere else it may be somebody's decimal point.
  const plain = text
    .trim()
    .replaceAll('_', '')
    .replace(/(?<=\d),(?=\d{3}(?!\d))/g, '');
  const hex = /^0x([0-9a-f]+)$/i.exec(plain)?.[1];
  if (hex !== undefined) return safe(Number.parseInt(hex, 16));
  const sectors = /^(\d+)\s*(?:s|sectors?)$/i.exec(plain)?.[1];
  if (sectors !== undefined) return safe(Number(sectors) * SECTOR_BYTES);
  const match = /^(\d+(?:\.\d+)?)\s*(?:([KMGTPE]?)(?:i?B)?|bytes?)$/i.exec(plain);
  if (!match) return undefined;
  return safe(Number(match[1]) * 1024 ** (SUFFIX_POWER[(match[2] ?? '').toUpperCase()] ?? 0));
}

const safe = (value: number): number | undefined => (Number.isSafeInteger(value) ? value : undefined);
