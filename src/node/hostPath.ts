import * as path from 'node:path';
import type { FileReference, Finding } from '../core';
import { isWindowsAbsolute } from '../core/fileReference';

/** What of the host's system decides how a name is read; tests ask for either system on both. */
export interface HostSystem {
  readonly windows: boolean;
  exists(file: string): boolean;
  /** Where a path leads once links are followed; undefined when it leads nowhere. */
  real(file: string): string | undefined;
}

export type Located =
  | { readonly kind: 'here'; readonly file: string; readonly findings: readonly Finding[] }
  /** An absolute path of the other kind of system: it means nothing on this one. */
  | { readonly kind: 'elsewhere' };

/**
 * Where on this machine a name written in an image points to, by QEMU's rule: from the folder of the image that names
 * it. Names that another system wrote are understood where they can be.
 */
export function locate({ target, written }: FileReference, folder: string, system: HostSystem): Located {
  if (target.kind !== 'path') return { kind: 'elsewhere' };
  const name = target.path;
  if (system.windows ? /^\/(?!\/)/.test(name) : isWindowsAbsolute(name)) return { kind: 'elsewhere' };
  const findings = target.relativeTo === 'working-directory' ? [takenFromFolder(written)] : [];
  const file = resolveName(folder, name, system);
  if (system.windows || !name.includes('\\') || system.exists(file)) return { kind: 'here', file, findings };
  return {
    kind: 'here',
    file: resolveName(folder, name.replaceAll('\\', '/'), system),
    findings: [...findings, writtenOnWindows(name)],
  };
}

/**
 * The path of what opening `name` in `folder` opens. `..` behind a link is the folder above the place that the link
 * leads to; taken as text it would be the folder that the link is in. (Windows does take it as text.)
 */
export function resolveName(folder: string, name: string, system: HostSystem): string {
  if (system.windows) return path.win32.resolve(folder, name);
  const asText = path.posix.resolve(folder, name);
  if (!name.split('/').includes('..')) return asText;
  let followed = name.startsWith('/') ? '/' : folder;
  for (const part of name.split('/')) {
    followed = part === '..' ? path.posix.dirname(system.real(followed) ?? followed) : path.posix.join(followed, part);
  }
  return system.real(followed) === system.real(asText) ? asText : followed;
}

/** Names that mean a device on Windows, in whatever folder and with whatever extension. */
const WINDOWS_DEVICE = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$) *(?:[.:].*)?$/i;

export const isDeviceName = (file: string, windows: boolean): boolean =>
  windows && file.split(/[\\/]/).some((part) => WINDOWS_DEVICE.test(part));

const takenFromFolder = (written: string): Finding => ({
  code: 'relative-to-working-directory',
  severity: 'info',
  message: `QEMU looks for "${written}" in the folder it is started in; here it is taken from the image's own folder`,
});

const writtenOnWindows = (name: string): Finding => ({
  code: 'windows-path',
  severity: 'warning',
  message: `the name "${name}" was written on Windows: it is read here as "${name.replaceAll('\\', '/')}"`,
  advice: 'QEMU will not find it here. Write the name anew: qemu-img rebase -u.',
});
