import type { FileReference, ReferenceTarget as Target, RefusalReason } from './model';

/**
 * What a name written in an image means, by the rules of QEMU's block.c (path_has_protocol, path_combine) and of
 * `json:` pseudo-names. Pure text: whether it may be opened is the gate's question.
 */

const refused = (reason: RefusalReason, message: string): Target => ({ kind: 'refused', reason, message });

/** @param format what the image's header says of the parent's format, if anything */
export function parentReference(written: string, format: string | undefined): FileReference {
  const base = { role: 'parent', written, format } as const;
  if (written.startsWith('json:')) return { ...base, ...readJson(written.slice('json:'.length), format) };
  return { ...base, target: readName(written) };
}

/** QEMU opens the name of a data file as a plain file, whatever it looks like (since CVE-2024-4467). */
export function dataFileReference(written: string): FileReference {
  return { role: 'data-file', written, format: 'raw', target: { kind: 'path', path: written, relativeTo: 'image' } };
}

/** `C:\` or `C:/`, and `\\server\share`: absolute on Windows, and never a protocol however QEMU was built. */
export const isWindowsAbsolute = (name: string): boolean => /^(?:[A-Za-z]:[\\/]|\\\\[^\\]+\\)/.test(name);

function readName(name: string): Target {
  if (isWindowsAbsolute(name)) return { kind: 'path', path: name, relativeTo: 'image' };
  const protocol = /^([^/:]*):(.*)$/s.exec(name);
  if (!protocol) return { kind: 'path', path: name, relativeTo: 'image' };
  const [, scheme = '', rest = ''] = protocol;
  if (scheme === 'file') return filePath(rest);
  return refused('protocol', `"${shorten(name)}" is reached by the protocol "${scheme}": only files are opened`);
}

/** QEMU takes a relative name behind `file:` or in `json:` from its working directory, which an editor has none of. */
function filePath(path: string): Target {
  if (path === '') return refused('malformed', 'the name of the file is empty');
  return {
    kind: 'path',
    path,
    relativeTo: path.startsWith('/') || isWindowsAbsolute(path) ? 'image' : 'working-directory',
  };
}

type JsonObject = Readonly<Record<string, unknown>>;
const PROTOCOL_DRIVERS: ReadonlySet<unknown> = new Set(['file', 'host_device', 'host_cdrom']);

function readJson(json: string, format: string | undefined): Pick<FileReference, 'target' | 'format' | 'window'> {
  let options: JsonObject;
  try {
    options = nest(JSON.parse(json));
  } catch {
    return { target: refused('malformed', `"json:${shorten(json)}" is no JSON object that QEMU would take`) };
  }
  const { driver, file, backing } = options;
  if (backing !== undefined && backing !== null) {
    return { target: refused('malformed', 'the name says itself what lies below the parent, which is not supported') };
  }
  if (typeof options['filename'] === 'string' && (driver === undefined || PROTOCOL_DRIVERS.has(driver))) {
    return { target: filePath(options['filename']), format: format ?? (driver === undefined ? undefined : 'raw') };
  }
  const named = typeof driver === 'string' ? driver : format;
  if (!isObject(file))
    return {
      target: refused('protocol', `"json:${shorten(json)}" names no file: only files are opened`),
      format: named,
    };
  const protocol = file['driver'];
  if (typeof file['filename'] !== 'string' || (protocol !== undefined && !PROTOCOL_DRIVERS.has(protocol))) {
    const how = typeof protocol === 'string' ? `the driver "${shorten(protocol)}"` : 'something that is no file name';
    return { target: refused('protocol', `the parent is reached by ${how}: only files are opened`), format: named };
  }
  const window = driver === 'raw' ? readWindow(options) : undefined;
  if (window === 'malformed') {
    return {
      target: refused('malformed', 'the part of the parent that counts is not told in whole bytes'),
      format: named,
    };
  }
  return { target: filePath(file['filename']), format: named, window };
}

function readWindow(options: JsonObject): FileReference['window'] | 'malformed' {
  const number = (value: unknown): unknown => (typeof value === 'string' ? Number(value) : value);
  const offset = number(options['offset']);
  const size = number(options['size']);
  if (!isLength(offset) || !isLength(size)) return 'malformed';
  return (offset ?? 0) === 0 && size === undefined ? undefined : { offset: offset ?? 0, size };
}

const isLength = (value: unknown): value is number | undefined =>
  value === undefined || (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0);

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `{"file.filename": x}` and `{"file": {"filename": x}}` mean the same to QEMU. */
function nest(value: unknown): JsonObject {
  if (!isObject(value)) throw new Error('no object');
  const result = new Map<string, unknown>();
  for (const [key, inner] of Object.entries(value)) {
    const dot = key.indexOf('.');
    const head = dot < 0 ? key : key.slice(0, dot);
    const below = dot < 0 ? inner : { [key.slice(dot + 1)]: inner };
    const before = result.get(head);
    result.set(head, isObject(below) ? { ...(isObject(before) ? before : {}), ...nest(below) } : below);
  }
  return Object.fromEntries(result);
}

const shorten = (name: string): string => (name.length <= 80 ? name : `${name.slice(0, 77)}…`);
