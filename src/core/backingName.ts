import { text, utf8Bytes } from './bytes';
import { isWindowsAbsolute } from './fileReference';

/**
 * A relative path as an image has to write it, so that QEMU takes it for one: what stands before a colon in the first
 * part is a protocol to it (block.c, path_has_protocol), and so is `json:`.
 */
export function asRelativeName(path: string): string {
  return /^[^/]*:/.test(path) ? `./${path}` : path;
}

/** Whether a name comes back as it is from an image: one that is no valid text does not. */
export const isWritableName = (name: string): boolean => name !== '' && text(utf8Bytes(name)) === name;

/** Whether a name that an image writes is a whole path, wherever that was written. */
export const isWholeName = (name: string): boolean => name.startsWith('/') || isWindowsAbsolute(name);
