/** Text that files of others hold: whoever can write a description there writes into the tree. */

const LONGEST_LABEL = 200;
const LONGEST_DESCRIPTION = 1000;

/** Control, line, direction and unseen characters, tags, and halves of surrogate pairs. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]/gu;

/** A name on one line, bounded. @returns undefined where nothing is left */
export const labelText = (text: string | undefined): string | undefined => cleaned(text, LONGEST_LABEL);

/** A description on one line, bounded. @returns undefined where nothing is left */
export const descriptionText = (text: string | undefined): string | undefined => cleaned(text, LONGEST_DESCRIPTION);

function cleaned(text: string | undefined, longest: number): string | undefined {
  // Cut first: what is long is not worth going through.
  const line = (text ?? '')
    .slice(0, longest * 4)
    .replace(/\s+/g, ' ')
    .trim()
    .replace(UNSEEN, '\ufffd');
  if (line === '') return undefined;
  const characters = Array.from(line);
  return characters.length > longest ? `${characters.slice(0, longest).join('')}…` : line;
}

/** Broken bytes become U+FFFD. */
export const utf8 = (bytes: Uint8Array): string => new TextDecoder('utf-8').decode(bytes);

/** The object that a JSON text is; undefined where it is none. */
export function jsonObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined; // No JSON, or nested too deep.
  }
}

/** Seconds since 1970, written in decimal, as milliseconds; undefined where that is no date. */
export function epochSeconds(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,12}$/.test(text) ? dateOr(Number(text) * 1000) : undefined;
}

/** `2024-03-12 10:11:12` where this machine is, as milliseconds; undefined where that is no date. */
export function localTime(text: string | undefined): number | undefined {
  const [, ...parts] = /^(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)$/.exec(text ?? '') ?? [];
  const [year, month = 1, day, hour, minute, second] = parts.map(Number);
  return year === undefined ? undefined : dateOr(new Date(year, month - 1, day, hour, minute, second).getTime());
}

/** A date within what a `Date` can be; 1970 itself stands for "not known". */
export const dateOr = (milliseconds: number): number | undefined =>
  milliseconds > 0 && milliseconds <= 8.64e15 ? milliseconds : undefined;
