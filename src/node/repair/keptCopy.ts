import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { FileRange, Job } from '../../core';
import { DiskError } from '../../core';
import { openFile } from '../files';
import { isTaken, NewFile } from '../newFile';
import { isFromOwner } from '../snapshots/notes';

/**
 * What a repair may change, as it was before: a file as long as the image, with those parts at their own places and holes
 * elsewhere, and beside it a file that tells which parts these are. The second is written last: without it the copy is
 * not complete.
 */
export interface KeptCopy {
  readonly kind: 'vmdisk-repair';
  /** The name of the image, in the same folder. */
  readonly image: string;
  /** Of the image before, in bytes. */
  readonly length: number;
  readonly ranges: readonly FileRange[];
  /** SHA-256 of all ranges, before the repair. */
  readonly before: string;
  /** The same of the same places after it, and the length then; not there while it runs. */
  readonly after?: { readonly digest: string; readonly length: number } | undefined;
  /** True from when putting it back began. */
  readonly undoing?: boolean | undefined;
}

const PIECE = 1 << 20;
/** Zeros that are left out of a copy. */
const BLOCK = 4096;
const MAX_NOTE_BYTES = 16 << 20;
const MAX_NAMES = 1000;
const ZEROS = new Uint8Array(BLOCK);

const noteOf = (copy: string): string => `${copy}.json`;

/** `web01.qcow2.before-repair`, or with a number where that is taken. */
export function freeCopyName(image: string): string {
  for (let number = 1; number <= MAX_NAMES; number += 1) {
    const copy = `${image}.before-repair${number === 1 ? '' : `-${number}`}`;
    if (!isTaken(copy) && !isTaken(noteOf(copy))) return copy;
  }
  throw new DiskError('refused', 'there are too many copies of earlier repairs', { file: image }, 'Remove some.');
}

/**
 * Keeps the given parts of an image.
 * @throws DiskError `io`: then nothing is left behind
 */
export function* keepCopy(image: string, copy: string, ranges: readonly FileRange[]): Job<KeptCopy> {
  const { source } = openFile(image, { platformTools: false });
  const file = new NewFile(copy, { replace: false });
  let kept: KeptCopy;
  try {
    file.setSize(source.size);
    const hash = createHash('sha256');
    const total = ranges.reduce((sum, { start, end }) => sum + end - start, 0);
    let done = 0;
    for (const { bytes, at } of piecesOf(source, ranges)) {
      hash.update(bytes);
      writeWithoutZeros(file, bytes, at);
      done += bytes.length;
      yield { done, total };
    }
    file.commit();
    const before = hash.digest('hex');
    kept = { kind: 'vmdisk-repair', image: path.basename(image), length: source.size, ranges, before };
  } catch (error) {
    file.abandon();
    throw error;
  } finally {
    source.close();
  }
  try {
    writeNote(copy, kept, false);
  } catch (error) {
    fs.rmSync(copy, { force: true });
    throw error;
  }
  return kept;
}

/** Notes what the image is after the repair: putting the copy back is right only while it is that. */
export function* noteAfter(image: string, copy: string, kept: KeptCopy): Job<void> {
  const digest = yield* digestOf(image, kept.ranges);
  writeNote(copy, { ...kept, after: { digest, length: fs.statSync(image).size } }, true);
}

/** Whether the image is what it was when the copy was made, as far as a repair could change it. */
export function* isUntouched(image: string, kept: KeptCopy): Job<boolean> {
  return fs.statSync(image).size === kept.length && (yield* digestOf(image, kept.ranges)) === kept.before;
}

export function forgetCopy(copy: string): void {
  fs.rmSync(noteOf(copy), { force: true });
  fs.rmSync(copy, { force: true });
}

/**
 * Puts back what was kept: the image is then what it was, byte for byte.
 * @throws DiskError `refused` where the copy is not complete or not of this image, or the image was written to since
 */
export function* putBack(image: string, copy: string): Job<KeptCopy> {
  const kept = readNote(copy);
  const at = { file: copy };
  if (![copy, noteOf(copy)].every((file) => isFromOwner(file, image))) {
    throw new DiskError('refused', 'the copy belongs to somebody who may not change the image', at);
  }
  if (kept.image !== path.basename(image)) {
    throw new DiskError('refused', `the copy is one of ${kept.image}, not of ${path.basename(image)}`, at);
  }
  if (fs.statSync(copy).size !== kept.length || (yield* digestOf(copy, kept.ranges)) !== kept.before) {
    throw new DiskError('refused', 'the copy is not what it was when it was made', at);
  }
  yield* refuseIfWrittenSince(image, kept);
  writeNote(copy, { ...kept, undoing: true }, true);
  const { source } = openFile(copy, { platformTools: false });
  const descriptor = fs.openSync(image, 'r+');
  try {
    const total = kept.ranges.reduce((sum, { start, end }) => sum + end - start, 0);
    let done = 0;
    for (const { bytes, at: place } of piecesOf(source, kept.ranges)) {
      for (let put = 0; put < bytes.length;) {
        put += fs.writeSync(descriptor, bytes, put, bytes.length - put, place + put);
      }
      done += bytes.length;
      yield { done, total };
    }
    fs.ftruncateSync(descriptor, kept.length);
    fs.fsyncSync(descriptor);
  } catch (cause) {
    if (cause instanceof DiskError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    const advice = 'The copy is still there: run the same again.';
    throw new DiskError('io', `the copy could not be put back: ${why}`, { file: image }, advice, { cause });
  } finally {
    fs.closeSync(descriptor);
    source.close();
  }
  if (!(yield* isUntouched(image, kept))) {
    throw new DiskError('io', 'what was put back does not read as the copy does', { file: image });
  }
  return kept;
}

function* refuseIfWrittenSince(image: string, { ranges, after, undoing }: KeptCopy): Job<void> {
  // One that was cut off is of neither moment; the next try makes it whole.
  if (!after || undoing === true) return;
  const isSame = fs.statSync(image).size === after.length && (yield* digestOf(image, ranges)) === after.digest;
  if (isSame) return;
  throw new DiskError(
    'refused',
    'the image was written to since it was repaired: to put the copy back would tear it',
    { file: image },
    'Keep it as it is, or go back to a backup.',
  );
}

function* digestOf(file: string, ranges: readonly FileRange[]): Job<string> {
  const { source } = openFile(file, { platformTools: false });
  try {
    const hash = createHash('sha256');
    const total = ranges.reduce((sum, { start, end }) => sum + end - start, 0);
    let done = 0;
    for (const { bytes } of piecesOf(source, ranges)) {
      hash.update(bytes);
      done += bytes.length;
      yield { done, total };
    }
    return hash.digest('hex');
  } finally {
    source.close();
  }
}

interface FilePiece {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** The ranges of a file, a piece at a time; zeros where it has become shorter. A piece is good until the next one. */
function* piecesOf(
  source: { readonly size: number; readInto(target: Uint8Array, position: number): void },
  ranges: readonly FileRange[],
): Generator<FilePiece, void, void> {
  const buffer = new Uint8Array(PIECE);
  for (const { start, end } of ranges) {
    for (let at = start; at < end; at += PIECE) {
      const bytes = buffer.subarray(0, Math.min(PIECE, end - at));
      const there = Math.max(0, Math.min(bytes.length, source.size - at));
      if (there > 0) source.readInto(bytes.subarray(0, there), at);
      bytes.fill(0, there);
      yield { at, bytes };
    }
  }
}

function writeWithoutZeros(file: NewFile, bytes: Uint8Array, at: number): void {
  for (let from = 0; from < bytes.length;) {
    let to = from;
    while (to < bytes.length && !isZero(bytes, to)) to += BLOCK;
    if (to > from) file.writeAt(bytes.subarray(from, Math.min(to, bytes.length)), at + from);
    from = to + BLOCK;
  }
}

const isZero = (bytes: Uint8Array, at: number): boolean => {
  const block = bytes.subarray(at, at + BLOCK);
  return Buffer.compare(block, block.length === BLOCK ? ZEROS : ZEROS.subarray(0, block.length)) === 0;
};

function writeNote(copy: string, kept: KeptCopy, replace: boolean): void {
  const file = new NewFile(noteOf(copy), { replace });
  const ranges = kept.ranges.map(({ start, end }) => [start, end]);
  file.append(`${JSON.stringify({ ...kept, ranges })}\n`);
  file.commit();
}

/** @throws DiskError `refused` where there is no note, or it makes no sense: it may be anybody's */
function readNote(copy: string): KeptCopy {
  const file = noteOf(copy);
  if (!isTaken(copy)) throw new DiskError('io', 'there is no such file', { file: copy });
  let note: Record<string, unknown> | null = null;
  try {
    // A note is no link or pipe: what that leads to may never end.
    const stat = fs.lstatSync(file);
    if (stat.isFile() && stat.size <= MAX_NOTE_BYTES) {
      note = JSON.parse(fs.readFileSync(file, 'utf8')) as Record<string, unknown> | null;
    }
  } catch {
    // Told below.
  }
  const kept = note && understood(note);
  if (kept) return kept;
  throw new DiskError('refused', 'there is nothing beside this copy that tells which parts of the image it holds', {
    file,
  });
}

const isLength = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

function understood(note: Record<string, unknown>): KeptCopy | undefined {
  const { kind, image, length, ranges, before, after, undoing } = note;
  if (kind !== 'vmdisk-repair' || typeof image !== 'string' || !isLength(length) || typeof before !== 'string') {
    return undefined;
  }
  if (!Array.isArray(ranges)) return undefined;
  const read: FileRange[] = [];
  for (const range of ranges as readonly unknown[]) {
    const [start, end] = Array.isArray(range) ? (range as readonly unknown[]) : [];
    if (!isLength(start) || !isLength(end) || start >= end || end > length) return undefined;
    if (start < (read.at(-1)?.end ?? 0)) return undefined;
    read.push({ start, end });
  }
  const later = after as { readonly digest?: unknown; readonly length?: unknown } | undefined;
  const known =
    typeof later?.digest === 'string' && isLength(later.length)
      ? { digest: later.digest, length: later.length }
      : undefined;
  return { kind, image, length, ranges: read, before, after: known, undoing: undoing === true };
}
