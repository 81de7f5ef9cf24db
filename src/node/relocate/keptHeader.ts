import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Qcow2Header } from '../../core';
import { changedBesideParent, DiskError, headerCluster, MAX_NAME_BYTES, memory, roomForName } from '../../core';
import { openFile } from '../files';
import { NewFile } from '../newFile';
import { isFromOwner, readNote, removeNote, writeNote } from '../snapshots/notes';

/** The header of an image as it is before its parent's name is written anew, and where it is kept meanwhile. */
export interface TakenHeader {
  readonly bytes: Uint8Array;
  readonly header: Qcow2Header;
  readonly file: string;
}

/** More than a cluster can have. */
const MAX_BYTES = 2 << 20;
const OPEN = { platformTools: false };

/** `.web01.qcow2.vmdisk-header`: beside the image whose header it is. */
export function headerPath(image: string): string {
  const { dir, base } = path.parse(image);
  return path.join(dir, `.${base}.vmdisk-header`);
}

/**
 * Reads the header of an image, and sees to it that the name fits and that nothing but the header will change.
 * @throws DiskError `refused` with the reason
 */
export function takeHeader(image: string, name: string, format: string): TakenHeader {
  const { header, bytes } = readCluster(image);
  const at = { file: image };
  if (header.corrupt) {
    throw new DiskError('refused', 'QEMU has marked the image as corrupt', at, 'Repair it first: vmdisk repair.');
  }
  if (header.dirty) {
    const why = 'the image was not closed cleanly: opening it to write would repair it at the same time';
    throw new DiskError('refused', why, at, 'Repair it first: vmdisk repair --mode leaks.');
  }
  if (header.encryption !== 'none') {
    const why = 'the image is encrypted: qemu-img changes it only with its passphrase, which is not asked for here';
    throw new DiskError('refused', why, at, 'Run qemu-img rebase -u with --object secret yourself.');
  }
  const bad = header.findings.find(({ severity }) => severity === 'error');
  if (bad) throw new DiskError('refused', `its header is damaged: ${bad.message}`, at, 'Repair it first.');
  const needed = Buffer.byteLength(name, 'utf8');
  const room = roomForName(bytes, header, format);
  if (needed > room) {
    const most = needed > MAX_NAME_BYTES ? 'any image' : 'its header';
    throw new DiskError(
      'refused',
      `the name of the parent has ${needed} bytes, and ${most} has room for ${room}: ${name}`,
      at,
      'Move one of the two so that the way from one to the other is shorter, or use the shorter of the relative and the whole path.',
    );
  }
  return { bytes, header, file: headerPath(image) };
}

/**
 * Puts the header beside the image, complete and brought to the disk, with a note that says what for.
 * @throws DiskError `refused` where there is one already, `io`
 */
export function keepHeader(image: string, taken: TakenHeader, backing: string, before: string): void {
  const file = new NewFile(taken.file, { replace: false });
  file.writeAt(taken.bytes, 0);
  file.commit();
  const began = Date.now();
  writeNote(image, { kind: 'relocate', image, before, backing, header: taken.file, began });
}

/** Removes what was kept. */
export function forgetHeader(image: string): void {
  removeNote(image, 'relocate');
  fs.rmSync(headerPath(image), { force: true });
}

/** What an earlier relocation left, that did not come to its end. */
export type Leftover =
  | { readonly kind: 'none' }
  /** The header is what it was, or names the parent that it was to name and is otherwise the same. */
  | { readonly kind: 'untouched' | 'done' }
  | { readonly kind: 'unclear'; readonly why: string };

export function leftoverOf(image: string): Leftover {
  const kept = keptBytes(image);
  if (!kept) return readNote(image, 'relocate') ? { kind: 'untouched' } : { kind: 'none' };
  try {
    const { bytes, header } = readCluster(image);
    if (Buffer.compare(bytes, kept) === 0) return { kind: 'untouched' };
    const changed = changedBesideParent(kept, bytes);
    if (changed.length > 0) return { kind: 'unclear', why: `its ${changed.join(', ')} changed too` };
    const note = readNote(image, 'relocate');
    if (note?.kind === 'relocate' && note.backing === header.backingName) return { kind: 'done' };
    return { kind: 'unclear', why: 'its parent is another one than was to be written' };
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    return { kind: 'unclear', why: `its header can't be read: ${error.message}` };
  }
}

/**
 * Puts the kept header back over the one that is there.
 * @returns the name of the parent as it is then written
 * @throws DiskError `not-found`, or `refused` where more than the parent is another than it was
 */
export function restoreHeader(image: string): string | undefined {
  const kept = keptBytes(image);
  const file = headerPath(image);
  if (!kept) throw new DiskError('not-found', 'there is no kept header beside the image', { file });
  const { header } = headerCluster(memory(kept));
  if (kept.length !== Math.min(2 ** header.clusterBits, fs.statSync(image).size)) {
    throw new DiskError('refused', 'the kept header is not of this image, or was cut short', { file });
  }
  refuseIfWrittenSince(image, kept);
  const descriptor = fs.openSync(image, 'r+');
  try {
    for (let done = 0; done < kept.length;) done += fs.writeSync(descriptor, kept, done, kept.length - done, done);
    fs.fsyncSync(descriptor);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const advice = `The kept header is still there: ${file}.`;
    throw new DiskError('io', `the header could not be put back: ${why}`, { file: image }, advice, { cause });
  } finally {
    fs.closeSync(descriptor);
  }
  forgetHeader(image);
  return header.backingName;
}

function refuseIfWrittenSince(image: string, kept: Uint8Array): void {
  let changed: readonly string[];
  try {
    const { bytes, header } = readCluster(image);
    const bitmaps = JSON.stringify(header.bitmaps) !== JSON.stringify(headerCluster(memory(kept)).header.bitmaps);
    changed = [...changedBesideParent(kept, bytes), ...(bitmaps ? ['bitmaps'] : [])];
  } catch (error) {
    // A header that can't be read is what the kept one is for.
    if (error instanceof DiskError && error.code !== 'io') return;
    throw error;
  }
  if (changed.length === 0) return;
  throw new DiskError(
    'refused',
    `the image was written to since its header was kept: its ${changed.join(', ')} changed`,
    { file: image },
    'Its present header is the right one: name its parent with vmdisk snapshot relocate --parent.',
  );
}

function keptBytes(image: string): Uint8Array | undefined {
  const file = headerPath(image);
  const stat = fs.lstatSync(file, { throwIfNoEntry: false });
  if (!stat?.isFile() || stat.size > MAX_BYTES || stat.size === 0) return undefined;
  // What is put over a header must be what we kept of it.
  if (!isFromOwner(file, image)) return undefined;
  return fs.readFileSync(file);
}

/** @throws DiskError */
export function readCluster(image: string): { readonly header: Qcow2Header; readonly bytes: Uint8Array } {
  const { source, identity } = openFile(image, OPEN);
  try {
    return headerCluster(source);
  } catch (error) {
    throw error instanceof DiskError ? error.in(identity) : error;
  } finally {
    source.close();
  }
}
