import * as path from 'node:path';
import type { FileReference, Finding } from '../core';
import { isWindowsAbsolute } from '../core';

/** What of the host's system decides how a name is read; tests ask for either system on both. */
export interface HostSystem {
  readonly windows: boolean;
  exists(file: string): boolean;
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
  const flavour = system.windows ? path.win32 : path.posix;
  if (system.windows ? /^\/(?!\/)/.test(name) : isWindowsAbsolute(name)) return { kind: 'elsewhere' };
  const findings = target.relativeTo === 'working-directory' ? [takenFromFolder(written)] : [];
  const file = flavour.resolve(folder, name);
  if (system.windows || !name.includes('\\') || system.exists(file)) return { kind: 'here', file, findings };
  return { kind: 'here', file: flavour.resolve(folder, name.replaceAll('\\', '/')), findings: [...findings, writtenOnWindows(name)] };
}

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
