import * as path from 'node:path';
import type { OpenedSource } from '../core';
import { DiskError, openMember } from '../core';
import type { FileOptions } from './files';
import { openFile } from './files';

/**
 * Opens the file of a disk, or where that is an archive with disks (`appliance.ova`) the disk in it: the first one, or the
 * one that is named behind it (`appliance.ova:disk2.vmdk`).
 * @throws DiskError as `openFile` does, `not-found` for a disk that the archive has not
 */
export function openDiskFile(name: string, options: FileOptions): OpenedSource {
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
