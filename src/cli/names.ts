import * as path from 'node:path';
import type { Chain, FileReference } from '../core';
import { isWindowsAbsolute } from '../core';

/**
 * Names of layers as `qemu-img info --backing-chain` prints them: the leaf's as it was typed, every other one put
 * behind the folder of its child and not made shorter.
 */

/** The name of each layer, newest first. @param leaf as it was typed */
export function layerNames({ layers }: Chain, leaf: string): string[] {
  const names: string[] = [];
  for (const { depth, identity } of layers) {
    const target = layers[depth - 1]?.layer.parent?.target;
    const child = names[depth - 1];
    const joined = target?.kind === 'path' && child !== undefined ? inFolderOf(child, target.path) : leaf;
    // A name that another system wrote is not where the file was found.
    names.push(path.resolve(joined) === identity.path ? joined : identity.path);
  }
  return names;
}

/** `full-backing-filename`: what QEMU would open, of an image whose own name is `child`. */
export function fullBackingName(child: string, { written, target }: FileReference): string {
  return target.kind === 'path' && target.path === written ? inFolderOf(child, written) : written;
}

function inFolderOf(child: string, name: string): string {
  if (path.isAbsolute(name) || isWindowsAbsolute(name)) return name;
  const folder = process.platform === 'win32' ? /^.*[\\/]/s : /^.*\//s;
  return `${folder.exec(child)?.[0] ?? ''}${name}`;
}
