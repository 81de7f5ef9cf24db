import * as fs from 'node:fs';
import * as path from 'node:path';
import { realPath } from './gate';

/** More folders than this above a file is no path that a system has. */
const MOST_FOLDERS = 256;

/**
 * The oVirt or RHV storage domain that a file lies in, by any of its names.
 * @param file need not exist
 * @returns the domain's folder, or undefined where it lies in none
 */
export function storageDomainOf(file: string): string | undefined {
  const named = path.resolve(file);
  return domainAbove(named) ?? domainAbove(realPath(named));
}

function domainAbove(file: string): string | undefined {
  let at = file;
  for (let folders = 0; folders < MOST_FOLDERS; folders += 1) {
    if (isDomain(at)) return at;
    if (holdsVolumes(at)) return path.dirname(path.dirname(at));
    const above = path.dirname(at);
    if (above === at) return undefined;
    at = above;
  }
  return undefined;
}

/** By names alone: what is in them may be for the engine's eyes only. In a block domain they lead to volumes of LVM. */
function isDomain(folder: string): boolean {
  const metadata = path.join(folder, 'dom_md');
  return ['metadata', 'ids', 'leases', 'inbox', 'outbox'].some((name) => exists(path.join(metadata, name)));
}

/** The folder of an image whose domain can't be seen, or was cut off: what has leases is the engine's. */
function holdsVolumes(folder: string): boolean {
  if (path.basename(path.dirname(folder)) !== 'images' || !UUID.test(path.basename(folder))) return false;
  try {
    const names = new Set(fs.readdirSync(folder));
    return [...names].some((name) => UUID.test(name) && names.has(`${name}.meta`) && names.has(`${name}.lease`));
  } catch {
    return false;
  }
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function exists(file: string): boolean {
  try {
    return fs.lstatSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}
