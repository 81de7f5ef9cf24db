import { u16le, u32le } from '../../bytes';
import { isWindowsAbsolute } from '../../fileReference';
import type { ExpectedId, FileReference, Finding, ReferenceTarget } from '../../model';
import { uuidAt } from '../../uuid';
import { utf16 } from './header';

/** By what differencing disks know their parent ([MS-VHDX] 2.2.2). */
export const LINK = 'DataWriteGuid';

/** 2.6.2.6. */
const HEADER = 20;
const ENTRY = 12;
/** 2.6.2.6.3: the parent is a VHDX file. */
const VHDX_LOCATOR = 'b04aefb7-d19e-4a81-b789-25b8e9445913';
/** 2.6.2.6.3, the paths in the order in which they are tried. */
const KEYS = ['parent_linkage', 'parent_linkage2', 'relative_path', 'volume_path', 'absolute_win32_path'] as const;
type Key = (typeof KEYS)[number];
const LONGEST_KEY = 64;

/** Names of files that a parent without a path may have. */
const ENDINGS = ['.vhdx', '.avhdx'];

/** The parent of a differencing disk. @param item the parent locator; undefined where there is none, though there must be */
export function parentOf(item: Uint8Array | undefined): FileReference {
  if (!item) return unlocated('', 'the file is a differencing disk and has nothing that says where its parent is');
  const type = item.length < HEADER ? undefined : uuidAt(item, 0);
  if (type !== VHDX_LOCATOR) {
    return unlocated(
      type ?? '',
      `the parent is no VHDX file: it is located in a way that is not known (${type ?? 'none'})`,
    );
  }
  const values = readValues(item);
  const [first, ...elsewhere] = placesOf(values);
  const expects = expected(values);
  // Without a path it can be known by its GUID alone.
  const target: ReferenceTarget | undefined = first ?? (expects[0] && { kind: 'search', endings: ENDINGS });
  const path = values.get('relative_path') ?? values.get('absolute_win32_path') ?? values.get('volume_path');
  const written = path ?? expects[0]?.value;
  if (!target || written === undefined) {
    return unlocated('', 'what says where the parent is names neither a path nor a GUID');
  }
  return { role: 'parent', format: 'vhdx', written, target, elsewhere, expects };
}

/** Whatever lies at the place that is named passes for the parent where nothing says what it is known by. */
export function linkFindings({ target, expects = [] }: FileReference): readonly Finding[] {
  if (target.kind !== 'path' || expects.length > 0) return [];
  return [
    {
      code: 'parent-unverified',
      severity: 'warning',
      message: `the image does not say which ${LINK} its parent has: whether that has changed since, or is another image, can't be told`,
      advice: 'Make sure that it is the one that is meant.',
    },
  ];
}

/** A GUID that is written as text, in braces. @returns undefined where it is none */
const guidOf = (text: string): string | undefined =>
  /^\{?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\}?$/.exec(text.trim().toLowerCase())?.[1];

const unlocated = (written: string, message: string): FileReference => ({
  role: 'parent',
  written,
  target: { kind: 'refused', reason: 'malformed', message },
});

/** The keys that are known, the first of each; what lies past the item is left out. */
function readValues(item: Uint8Array): ReadonlyMap<Key, string> {
  const values = new Map<Key, string>();
  // A key without a value counts, too: thousands of them may share the longest of texts.
  const seen = new Set<Key>();
  const count = Math.min(u16le(item, 18), Math.floor((item.length - HEADER) / ENTRY));
  for (let at = HEADER; at < HEADER + count * ENTRY; at += ENTRY) {
    const keyLength = u16le(item, at + 8);
    if (keyLength > LONGEST_KEY) continue;
    const key = utf16(part(item, u32le(item, at), keyLength));
    const known = KEYS.find((each) => each === key);
    if (known === undefined || seen.has(known)) continue;
    seen.add(known);
    const value = utf16(part(item, u32le(item, at + 4), u16le(item, at + 10)));
    if (value !== undefined) values.set(known, value);
  }
  return values;
}

const part = (item: Uint8Array, offset: number, length: number): Uint8Array => item.subarray(offset, offset + length);

/** Either will do: the second is there while the parent is about to change (note 12). */
function expected(values: ReadonlyMap<Key, string>): readonly ExpectedId[] {
  const [value, or] = (['parent_linkage', 'parent_linkage2'] as const)
    .map((key) => guidOf(values.get(key) ?? ''))
    .filter((guid) => guid !== undefined);
  return value === undefined ? [] : [{ what: LINK, value, or, severity: 'error' }];
}

function placesOf(values: ReadonlyMap<Key, string>): readonly ReferenceTarget[] {
  const at = (path: string): ReferenceTarget => ({ kind: 'path', path, relativeTo: 'image' });
  const relative = values.get('relative_path')?.replaceAll('\\', '/');
  const absolute = [values.get('volume_path'), values.get('absolute_win32_path')]
    .filter((path) => path !== undefined)
    .map(plainWindowsPath);
  const told = [...(relative === undefined ? [] : [relative]), ...absolute];
  const names = new Set(told.map((path) => path.replace(/^.*[\\/]/s, '')));
  const beside = [...names]
    .filter((name) => !['', '.', '..', ...told].includes(name) && relative !== `./${name}`)
    .map((path): ReferenceTarget => ({ kind: 'path', path, relativeTo: 'image', isGuess: true }));
  return [...told.map(at), ...beside];
}

/** `\\?\d:\…` and `\\?\UNC\server\share\…` as they are without the prefix of a long path. */
function plainWindowsPath(path: string): string {
  const rest = path.replace(/^\\\\\?\\/, '');
  if (/^UNC\\/i.test(rest)) return `\\\\${rest.slice(4)}`;
  return isWindowsAbsolute(rest) ? rest : path;
}
