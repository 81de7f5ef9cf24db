import { descriptionText, epochSeconds, jsonObject, labelText, utf8 } from '../../strangersText';

/**
 * A volume's `.meta` (vdsm, `lib/vdsm/storage/volumemetadata.py`): lines of `KEY=value`, closed by `EOF`, in at most
 * 512 bytes. Domains up to V4 count `SIZE` in blocks of 512 bytes, V5 has `CAP` in bytes; a converted file may have
 * both, and then `CAP` counts.
 */
export interface VolumeMeta {
  /** Bytes of the virtual disk. */
  readonly capacity: number | undefined;
  /** When the volume was made, milliseconds since 1970. */
  readonly made: number | undefined;
  readonly alias: string | undefined;
  readonly description: string | undefined;
  /** `DATA`, `OVFS` …; a number in older domains. */
  readonly diskType: string;
  readonly domain: string;
  readonly image: string;
  /** The parent's UUID; undefined for a base. */
  readonly parent: string | undefined;
  readonly format: 'COW' | 'RAW' | undefined;
  readonly legality: 'LEGAL' | 'ILLEGAL' | 'FAKE' | undefined;
  readonly role: 'LEAF' | 'INTERNAL' | 'SHARED' | undefined;
  readonly generation: number;
  readonly sequence: number;
}

export type ReadMeta =
  | {
      readonly kind: 'meta';
      readonly meta: VolumeMeta;
      /** What is odd about it, a sentence's end each. */ readonly oddities: readonly string[];
    }
  /** `NONE=####`: the engine has begun to remove the volume. */
  | { readonly kind: 'cleared' }
  | { readonly kind: 'broken'; readonly why: string };

/** What a volume's metadata has room for, in bytes. */
export const META_BYTES = 512;
export const BLANK_UUID = '00000000-0000-0000-0000-000000000000';

/** @param bytes of the file, at least the first `META_BYTES` + 1 of them */
export function readMeta(bytes: Uint8Array): ReadMeta {
  if (bytes.length > META_BYTES) return { kind: 'broken', why: `it is longer than ${META_BYTES} bytes` };
  const { values, ended } = keyValues(utf8(bytes));
  if (values.has('NONE')) return { kind: 'cleared' };
  const missing = ['DOMAIN', 'IMAGE', 'PUUID', 'FORMAT', 'VOLTYPE', 'LEGALITY'].filter((key) => !values.has(key));
  if (missing.length > 0) return { kind: 'broken', why: `it lacks ${missing.join(', ')}` };
  const meta = toMeta(values);
  const unknown = [
    meta.format === undefined ? 'FORMAT' : '',
    meta.legality === undefined ? 'LEGALITY' : '',
    meta.role === undefined ? 'VOLTYPE' : '',
    meta.capacity === undefined ? 'CAP' : '',
  ].filter(Boolean);
  const oddities = [
    ...(ended ? [] : ['it is not closed by EOF, so it may have been cut short']),
    ...(unknown.length === 0 ? [] : [`its ${unknown.join(', ')} can’t be understood`]),
  ];
  return { kind: 'meta', meta, oddities };
}

/** Lines of `KEY=value`; of a key that comes twice the last counts, as in vdsm's own reading. */
export function keyValues(text: string): { readonly values: ReadonlyMap<string, string>; readonly ended: boolean } {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    if (line.trim() === 'EOF') return { values, ended: true };
    const equals = line.indexOf('=');
    if (equals > 0) values.set(line.slice(0, equals).trim(), line.slice(equals + 1).trim());
  }
  return { values, ended: false };
}

function toMeta(values: ReadonlyMap<string, string>): VolumeMeta {
  const value = (key: string): string => values.get(key) ?? '';
  /** UUIDs, or whatever stands in their place, fit to be told. */
  const id = (key: string): string => labelText(value(key).toLowerCase()) ?? '';
  const parent = id('PUUID');
  return {
    capacity: whole(values.get('CAP')) ?? scaled(whole(values.get('SIZE')), 512),
    made: epochSeconds(values.get('CTIME')),
    ...description(value('DESCRIPTION')),
    diskType: value('DISKTYPE'),
    domain: id('DOMAIN'),
    image: id('IMAGE'),
    parent: parent === BLANK_UUID || parent === '' ? undefined : parent,
    format: oneOf(value('FORMAT'), ['COW', 'RAW']),
    legality: oneOf(value('LEGALITY'), ['LEGAL', 'ILLEGAL', 'FAKE']),
    role: oneOf(value('VOLTYPE'), ['LEAF', 'INTERNAL', 'SHARED']),
    generation: whole(values.get('GEN')) ?? 0,
    sequence: whole(values.get('SEQ')) ?? 0,
  };
}

/** `Enc` tells which values are hexadecimal digits of UTF-16, little endian: a text that is not ASCII. */
const ENCODED_ALIAS = 1;
const ENCODED_DESCRIPTION = 2;

/** JSON since oVirt 3.5, before that a plain text; cut off where it did not fit. */
function description(text: string): Pick<VolumeMeta, 'alias' | 'description'> {
  const json = jsonObject(text);
  if (!json) return { alias: undefined, description: text.startsWith('{') ? undefined : descriptionText(text) };
  const bits = Number(json['Enc'] ?? 0);
  const value = (key: string, bit: number): string | undefined => {
    const written = json[key];
    if (typeof written !== 'string') return undefined;
    return Number.isInteger(bits) && (bits & bit) !== 0 ? fromHex(written) : written;
  };
  return {
    alias: labelText(value('DiskAlias', ENCODED_ALIAS) ?? value('Disk Description', 0)),
    description: descriptionText(value('DiskDescription', ENCODED_DESCRIPTION)),
  };
}

function fromHex(digits: string): string | undefined {
  if (!/^(?:[0-9a-f]{4})*$/i.test(digits)) return undefined;
  return digits.replace(/(..)(..)/g, (_, low: string, high: string) => String.fromCharCode(parseInt(high + low, 16)));
}

function whole(text: string | undefined): number | undefined {
  const number = text !== undefined && /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  return Number.isSafeInteger(number) ? number : undefined;
}

function scaled(number: number | undefined, by: number): number | undefined {
  return number !== undefined && Number.isSafeInteger(number * by) ? number * by : undefined;
}

const oneOf = <T extends string>(text: string, known: readonly T[]): T | undefined =>
  known.find((each) => each === text.toUpperCase());
