import * as fs from 'node:fs';
import * as path from 'node:path';
import { DiskError } from '../../core';
import { NewFile } from '../newFile';

/**
 * What stands beside an image while something is done to its family, so that whoever finds a half-done job knows what it
 * was: written before the first step, removed after the last.
 */
export type Note =
  | {
      readonly kind: 'delete';
      /** The layer that is to go, its parent, and what stood directly on it; absolute. */
      readonly image: string;
      readonly parent: string | null;
      readonly direction: 'commit' | 'pull';
      readonly children: readonly string[];
      readonly began: number;
    }
  | {
      readonly kind: 'preview';
      readonly overlay: string;
      readonly of: string;
      readonly leaf: string;
      readonly made: number;
      /** Once a commit has begun: the layers that go, newest first. From then on it can't be undone any more. */
      readonly drops?: readonly string[] | undefined;
    }
  | {
      readonly kind: 'relocate';
      readonly image: string;
      readonly before: string | null;
      readonly backing: string;
      /** The file with the header's cluster as it was. */
      readonly header: string;
      readonly began: number;
    };
export type NoteKind = Note['kind'];
export type DeleteNote = Extract<Note, { readonly kind: 'delete' }>;

const MAX_BYTES = 1 << 20;

/** `.web01.qcow2.vmdisk-delete.json`: beside the image that it is about. */
export function notePath(image: string, kind: NoteKind): string {
  const { dir, base } = path.parse(image);
  return path.join(dir, `.${base}.vmdisk-${kind}.json`);
}

/** The image that a file's name says it is a note about; undefined where it is no note. */
export function notedImage(file: string): { readonly image: string; readonly kind: NoteKind } | undefined {
  const match = /^\.(.+)\.vmdisk-(delete|preview|relocate)\.json$/s.exec(path.basename(file));
  const [, base, kind] = match ?? [];
  if (base === undefined || kind === undefined) return undefined;
  return { image: path.join(path.dirname(file), base), kind: kind as NoteKind };
}

/**
 * @param replace a note of the kind that is there already
 * @throws DiskError `refused` where there is such a note already, `io`
 */
export function writeNote(image: string, note: Note, replace = false): void {
  // A link that somebody put there is replaced itself, not what it leads to.
  if (replace && isLink(notePath(image, note.kind))) removeNote(image, note.kind);
  const file = new NewFile(notePath(image, note.kind), { replace });
  file.append(`${JSON.stringify(note, undefined, 2)}\n`);
  file.commit();
}

const isLink = (file: string): boolean => fs.lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() === true;

/**
 * Whether what lies beside an image for our own use was put there by somebody who may change the image anyway: us, its
 * owner or the folder's, or root. Where a system knows no owners (Windows) all are the same.
 */
export function isFromOwner(file: string, image: string): boolean {
  const owner = fs.lstatSync(file).uid;
  const owners = [image, path.dirname(image)].map((each) => fs.statSync(each, { throwIfNoEntry: false })?.uid);
  return owner === 0 || owner === process.geteuid?.() || owners.includes(owner);
}

/** Undefined where there is none, none of the image's owner, or none that makes sense: it is only a hint. */
export function readNote(image: string, kind: NoteKind): Note | undefined {
  try {
    const file = notePath(image, kind);
    // A note is no link: what that leads to may never end.
    const stat = fs.lstatSync(file, { throwIfNoEntry: false });
    if (!stat?.isFile() || stat.size > MAX_BYTES || !isFromOwner(file, image)) return undefined;
    const note = JSON.parse(fs.readFileSync(file, 'utf8')) as Partial<Note> | null;
    return note?.kind === kind && hasPaths(note) ? (note as Note) : undefined;
  } catch {
    return undefined;
  }
}

export function removeNote(image: string, kind: NoteKind): void {
  const file = notePath(image, kind);
  try {
    fs.rmSync(file, { force: true });
  } catch (cause) {
    throw new DiskError('io', 'the note about what was done could not be removed', { file }, undefined, { cause });
  }
}

const isPath = (value: unknown): boolean => typeof value === 'string' && path.isAbsolute(value);

function hasPaths(note: Partial<Note>): boolean {
  switch (note.kind) {
    case 'delete':
      return (
        isPath(note.image) &&
        (note.parent === null || isPath(note.parent)) &&
        (note.direction === 'commit' || note.direction === 'pull') &&
        Array.isArray(note.children) &&
        note.children.every(isPath)
      );
    case 'preview':
      return (
        isPath(note.overlay) &&
        isPath(note.of) &&
        isPath(note.leaf) &&
        typeof note.made === 'number' &&
        (note.drops === undefined || (Array.isArray(note.drops) && note.drops.every(isPath)))
      );
    case 'relocate':
      return isPath(note.image) && typeof note.backing === 'string' && isPath(note.header);
    default:
      return false;
  }
}
