import { isWindowsAbsolute } from '../../fileReference';
import type { ExpectedId, FileReference, LinkId, ReferenceTarget } from '../../model';
import type { DynamicHeader } from './dynamicHeader';
import type { Footer } from './footer';
import { fileTime, NO_UUID, timeOf } from './identity';
import type { ParentName } from './parentNames';

const UUID = 'UUID';
const TIME_STAMP = 'time stamp';

/** What those that stand on an image know it by. @param modified when its file was written to last, where that is known */
export function linkIds({ uuid, timeStamp }: Footer, modified: number | undefined): readonly LinkId[] {
  return [
    { what: UUID, value: uuid },
    { what: TIME_STAMP, value: timeOf(timeStamp) },
    // The specification has an image note "the modification time stamp of the parent": VirtualBox takes the footer's for
    // that, Virtual Server and blktap take the file's.
    ...(modified === undefined ? [] : [{ what: TIME_STAMP, value: fileTime(modified) }]),
  ];
}

/**
 * Which image a differencing one stands on. It is looked for where it lies from the image, then by absolute paths, and last
 * beside the image. Whichever is known by the right UUID is taken before all others; a time stamp tells less, since a copy
 * of a file may have another: Virtual Server lets its user go on, Windows 10 writes none.
 */
export function parentOf({ parentUuid, parentTimeStamp }: DynamicHeader, names: readonly ParentName[]): FileReference {
  // blktap: a parent without a UUID is a raw disk.
  const isRaw = parentUuid === NO_UUID;
  const expects: ExpectedId[] = [];
  if (!isRaw) expects.push({ what: UUID, value: parentUuid, severity: 'error' });
  if (parentTimeStamp !== 0) {
    expects.push({ what: TIME_STAMP, value: timeOf(parentTimeStamp), severity: 'warning' });
  }
  const sorted = [...names.filter(isRelative), ...names.filter((name) => !isRelative(name))];
  const [target = nowhere(isRaw), ...elsewhere] = targetsOf(sorted);
  return {
    role: 'parent',
    written: sorted[0]?.written ?? parentUuid,
    target,
    elsewhere,
    expects,
    format: isRaw ? 'raw' : 'vpc',
  };
}

/** The header's own name says nothing of where it counts from: it comes after those that do. */
const isRelative = ({ platform, path }: ParentName): boolean => platform !== 'name' && !isAbsolute(path);

const isAbsolute = (path: string): boolean => isWindowsAbsolute(path) || /^[\\/]/.test(path);

const nowhere = (isRaw: boolean): ReferenceTarget =>
  isRaw
    ? { kind: 'refused', reason: 'malformed', message: 'the image does not say which one is its parent' }
    : { kind: 'search', endings: ['.vhd', '.avhd', '.vud'] };

function targetsOf(names: readonly ParentName[]): readonly ReferenceTarget[] {
  const paths = names.map(({ path, platform }) => (platform === 'MacX' || isAbsolute(path) ? path : slashed(path)));
  const beside = names.flatMap(({ path }) => (isAbsolute(path) ? slashed(path).replace(/^.*\//s, '') : []));
  const seen = new Set<string>(['']);
  const isNew = (path: string): boolean => {
    const plain = path.replace(/^(?:\.\/)+/, '');
    return !seen.has(plain) && Boolean(seen.add(plain));
  };
  return [
    ...paths.filter(isNew).map((path) => ({ kind: 'path', path, relativeTo: 'image' }) as const),
    ...beside.filter(isNew).map((path) => ({ kind: 'path', path, relativeTo: 'image', isGuess: true }) as const),
  ];
}

/** Windows separates by either. */
const slashed = (path: string): string => path.replaceAll('\\', '/');
