import * as fs from 'node:fs';
import * as path from 'node:path';
import type { OpenedSource } from '../core';
import { openMember } from '../core/archive/ova';
import { DiskError } from '../core/errors';
import { DESCRIPTOR } from '../core/formats/parallels/descriptor';
import type { GatePolicy } from '../protocol/worker';
import type { FileOptions } from './files';
import { openFile } from './files';
import { FileGate } from './gate';

/**
 * Opens the file of a disk, or where that is an archive with disks (`appliance.ova`) the disk in it: the first one, or the
 * one that is named behind it (`appliance.ova:disk2.vmdk`). Of a bundle of Parallels, its descriptor: nobody has chosen
 * that, so it is judged as what was found in a folder.
 * @throws DiskError as `openFile` and `FileGate.openFound` do, `not-found` for a disk that the archive has not
 */
export function openDiskFile(name: string, options: GatePolicy): OpenedSource {
  const descriptor = descriptorMeantBy(name);
  if (descriptor !== undefined) return new FileGate(options).openFound(descriptor);
  const { file, member } = splitMember(name, options);
  const opened = openFile(file, options);
  try {
    const disk = openMember(opened, member);
    if (!disk && member !== undefined) {
      throw new DiskError('not-found', `this is no archive with disks: there is no "${member}" in it`, { file });
    }
    return disk ?? opened;
  } catch (error) {
    opened.source.close();
    throw error instanceof DiskError ? error.in(opened.identity) : error;
  }
}

/** A file whose own name has a colon is that file. */
function splitMember(name: string, options: FileOptions): { readonly file: string; readonly member?: string } {
  const [, file, member] = /^(.+?\.(?:ova|tar)):(.+)$/i.exec(name) ?? [];
  if (file === undefined || member === undefined) return { file: name };
  try {
    openFile(name, options).source.close();
    return { file: name };
  } catch (error) {
    if (!(error instanceof DiskError) || error.code !== 'not-found') throw error;
    return { file: path.normalize(file), member };
  }
}

/**
 * The descriptor that is meant where a bundle is named: a folder, in it an empty file of the folder's name, and a
 * descriptor that says what the disk is. Undefined for anything else.
 */
function descriptorMeantBy(name: string): string | undefined {
  const file = path.resolve(name);
  const stat = statOf(file);
  const isPlaceholder = stat?.isFile() === true && stat.size === 0 && /\.hdd$/i.test(file);
  if (!isPlaceholder && stat?.isDirectory() !== true) return undefined;
  const descriptor = path.join(isPlaceholder ? path.dirname(file) : file, DESCRIPTOR);
  return statOf(descriptor)?.isFile() === true ? descriptor : undefined;
}

function statOf(file: string): fs.Stats | undefined {
  try {
    return fs.statSync(file);
  } catch {
    return undefined; // Opening it will tell why.
  }
}
