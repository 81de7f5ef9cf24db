import { ascii, readExactly, text } from '../../bytes';
import type { ByteSource, Finding } from '../../model';
import type { DynamicHeader, Locator } from './dynamicHeader';
import { LIMITS } from './limits';
import { utf16 } from './utf16';

/** A name that a differencing image has of its parent. */
export interface ParentName {
  /** Who wrote it for whom: a locator's platform, or `name`, the header's own field. */
  readonly platform: string;
  /** As it is written. */
  readonly written: string;
  /** The same as a path. */
  readonly path: string;
}

/** How the names of each platform are written (specification, "Parent Locator Entry"). Others are no paths. */
const DECODERS: Readonly<Record<string, (bytes: Uint8Array) => string>> = {
  W2ru: (bytes) => utf16(bytes, 'little'),
  W2ku: (bytes) => utf16(bytes, 'little'),
  // Deprecated; nothing says how their characters are coded.
  Wi2r: (bytes) => (bytes.includes(0) ? utf16(bytes, 'little') : ascii(bytes, 0, bytes.length)),
  Wi2k: (bytes) => (bytes.includes(0) ? utf16(bytes, 'little') : ascii(bytes, 0, bytes.length)),
  MacX: text,
};

/** All names that can be read, those of the locators in their order, then the header's. @throws DiskError `io` */
export function readParentNames(
  source: ByteSource,
  { locators, parentName }: DynamicHeader,
): { readonly names: readonly ParentName[]; readonly findings: readonly Finding[] } {
  const findings: Finding[] = [];
  const names = locators.flatMap((locator) => {
    const decode = DECODERS[locator.platform];
    if (!decode) return [];
    const bytes = locatorBytes(source, locator);
    if (bytes instanceof Uint8Array) return nameOf(locator.platform, decode(bytes));
    findings.push(bytes);
    return [];
  });
  return { names: [...names, ...nameOf('name', utf16(parentName, 'big'))], findings };
}

function locatorBytes(source: ByteSource, { platform, at, length, offset }: Locator): Uint8Array | Finding {
  const isThere = offset + BigInt(length) <= BigInt(source.size);
  if (isThere && length <= LIMITS.maxLocatorBytes) return readExactly(source, Number(offset), length);
  return {
    code: 'parent-locator',
    severity: 'warning',
    message: `the parent's name for ${platform} is said to be ${length} bytes at byte ${offset}, ${isThere ? 'longer than a path can be' : 'past the end of the file'}: not read`,
    offset: at,
  };
}

function nameOf(platform: string, written: string): readonly ParentName[] {
  if (written === '') return [];
  return [{ platform, written, path: platform === 'MacX' ? pathOfUrl(written) : written }];
}

/** A file URL (RFC 2396). blktap writes relative ones, `file://./parent.vhd`, and escapes nothing. */
function pathOfUrl(url: string): string {
  const path = url.replace(/^file:\/\/(?:localhost(?=\/))?/, '');
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
