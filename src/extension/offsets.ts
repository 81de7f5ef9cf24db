import { formatBytes, formatCount, formatOffset, parseOffset } from '../core/units';

const SECTOR_BYTES = 512;

/** What was understood of what a person typed, or why not. */
export type OffsetAnswer =
  { readonly ok: true; readonly offset: number; readonly said: string } | { readonly ok: false; readonly why: string };

export const OFFSET_HELP =
  'Hex 0x…, decimal, sectors 8s, K/M/G/T; sums of these, 512G+1M-8s; +1M or -8s from here; 50%';

/**
 * Reads a place on the disk: an offset as `parseOffset` does, or several with `+` and `-` between them; a sign before all of
 * it counts from `from`. Or `%` of the disk.
 * @param from the offset that is selected now, if one is
 */
export function readOffset(text: string, guestSize: number, from: number | null): OffsetAnswer {
  const typed = text.trim();
  if (typed === '') return { ok: false, why: OFFSET_HELP };
  const offset = interpret(typed, guestSize, from ?? 0);
  if (typeof offset === 'string') return { ok: false, why: `“${offset}” is no offset. ${OFFSET_HELP}` };
  if (offset < 0) return { ok: false, why: `${describe(-offset)} before the disk begins` };
  if (offset >= guestSize) {
    return { ok: false, why: `Past the end: the disk ends at ${formatOffset(guestSize)} (${formatBytes(guestSize)})` };
  }
  return { ok: true, offset, said: describe(offset) };
}

/** `0x10_0000 · byte 1,048,576 · sector 2,048 · 1 MiB`. */
function describe(offset: number): string {
  const sector = `sector ${formatCount(Math.floor(offset / SECTOR_BYTES))}`;
  const within = offset % SECTOR_BYTES === 0 ? '' : ` + ${offset % SECTOR_BYTES}`;
  return `${formatOffset(offset)} · byte ${formatCount(offset)} · ${sector}${within} · ${formatBytes(offset)}`;
}

/** @returns the offset, or the part of the text that is none */
function interpret(typed: string, guestSize: number, from: number): number | string {
  const percent = /^(\d+(?:\.\d+)?)\s*%$/.exec(typed)?.[1];
  if (percent !== undefined) return Math.min(Math.floor((guestSize * Number(percent)) / 100), guestSize - 1);
  const [first = '', ...rest] = typed.split(/([+-])/);
  let sum = first === '' ? from : parseOffset(first);
  if (sum === undefined) return first.trim();
  for (let i = 0; i < rest.length; i += 2) {
    const text = (rest[i + 1] ?? '').trim();
    const term = parseOffset(text);
    if (term === undefined) return text === '' ? typed : text;
    sum += rest[i] === '+' ? term : -term;
  }
  return Number.isSafeInteger(sum) ? sum : typed;
}
