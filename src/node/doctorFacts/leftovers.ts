import * as fs from 'node:fs';
import * as path from 'node:path';
import type { ImageFacts, LeftoverFacts, NotedImage } from '../../core';
import { fileId } from '../fileId';
import type { FileGate } from '../gate';
import { isOurs } from '../ourFiles';
import { notedImage, readNote } from '../snapshots/notes';
import type { Note } from '../snapshots/notes';

/** What `NewFile` calls a file while it is being made: `.NAME.PID.TIME.tmp`. */
const HALF_MADE = /^\.(.+)\.(\d{1,10})\.(\d{12,14})\.tmp$/s;
const KEPT_HEADER = /^\.(.+)\.vmdisk-header$/s;
const BEFORE_REPAIR = /^(.+)\.before-repair(?:-\d+)?$/s;
/** More than the note of a repair has. */
const MAX_REPAIR_NOTE_BYTES = 16 << 20;

/** All images that a note is about; whoever wrote it, its names are only names. */
export function imagesOf(note: Note): readonly string[] {
  switch (note.kind) {
    case 'delete':
      return [note.image, ...(note.parent === null ? [] : [note.parent]), ...note.children];
    case 'preview':
      return [note.overlay, note.of, note.leaf];
    case 'relocate':
      return [note.image];
  }
}

/** A note in a folder, with the image that its name says it is about. */
export interface FoundNote {
  readonly path: string;
  readonly image: string;
  /** Undefined where it makes no sense. */
  readonly note: Note | undefined;
  readonly why: string;
}

export function notesIn(files: readonly string[]): readonly FoundNote[] {
  return files.flatMap((file): FoundNote[] => {
    const noted = notedImage(file);
    if (!noted) return [];
    const note = readNote(noted.image, noted.kind);
    if (!note) return [{ path: file, image: noted.image, note, why: 'it makes no sense' }];
    const about = note.kind === 'preview' ? note.overlay : note.image;
    if (isSame(about, noted.image)) return [{ path: file, image: noted.image, note, why: '' }];
    return [
      { path: file, image: noted.image, note: undefined, why: `it is about ${about}: it came here with its folder` },
    ];
  });
}

const isSame = (a: string, b: string): boolean => {
  if (path.resolve(a) === path.resolve(b)) return true;
  const id = fileId(a);
  return id !== undefined && id === fileId(b);
};

/** What is left over in folders. @param members the images by each of their paths */
export class Leftovers {
  private readonly byId: ReadonlyMap<string, ImageFacts>;

  constructor(
    private readonly members: ReadonlyMap<string, ImageFacts>,
    private readonly gate: FileGate,
  ) {
    this.byId = new Map([...members.values()].map((image) => [image.id, image]));
  }

  ofNote({ path: file, image, note, why }: FoundNote): LeftoverFacts {
    if (!note) return { kind: 'odd-note', path: file, image, why };
    const noted = (name: string): NotedImage => this.noted(name, file);
    switch (note.kind) {
      case 'delete': {
        const { parent, direction, children } = note;
        return {
          kind: 'delete',
          path: file,
          // Whatever the note says, it is about the image that it lies beside.
          image: noted(image),
          parent: parent === null ? undefined : noted(parent),
          direction,
          children: children.map(noted),
          began: note.began,
        };
      }
      case 'preview': {
        const drops = 'drops' in note && Array.isArray(note.drops) ? (note.drops as unknown[]).length : undefined;
        return {
          kind: 'preview',
          path: file,
          overlay: noted(image),
          of: noted(note.of),
          leaf: noted(note.leaf),
          made: note.made,
          committing: drops !== undefined,
        };
      }
      case 'relocate':
        return {
          kind: 'relocate',
          path: file,
          image: noted(image),
          before: typeof note.before === 'string' ? note.before : null,
          backing: note.backing,
          header: headerBeside(note.header, file),
          began: note.began,
        };
    }
  }

  /** Files in the making and kept copies; those that `told` has are told with a note. */
  ofFiles(files: readonly string[], told: ReadonlySet<string>): readonly LeftoverFacts[] {
    return files.flatMap((file) => this.ofFile(file, told));
  }

  private ofFile(file: string, told: ReadonlySet<string>): readonly LeftoverFacts[] {
    const name = path.basename(file);
    const beside = (other: string): string => path.join(path.dirname(file), other);
    const stat = fs.lstatSync(file, { throwIfNoEntry: false });
    if (!stat?.isFile() || told.has(file)) return [];
    const { size } = stat;
    const [, target, pid, began] = HALF_MADE.exec(name) ?? [];
    if (target !== undefined) {
      return [
        {
          kind: 'half-made',
          path: file,
          target: beside(target),
          pid: Number(pid),
          began: Number(began),
          size,
          running: isRunning(Number(pid), Number(began)),
          complete: fileId(file) === fileId(beside(target)),
        },
      ];
    }
    const header = KEPT_HEADER.exec(name)?.[1];
    if (header !== undefined) return [{ kind: 'kept-header', path: file, image: beside(header), size }];
    const repaired = BEFORE_REPAIR.exec(name)?.[1];
    if (repaired !== undefined && isOurs(file)) {
      // As long as the image, but only parts of it are there.
      const taken = Math.min(size, ((stat as { readonly blocks?: number }).blocks ?? Infinity) * 512);
      return [{ kind: 'before-repair', path: file, image: beside(repaired), size: taken, state: repairState(file) }];
    }
    return [];
  }

  /** @param note whose folder counts as looked at */
  private noted(name: string, note: string): NotedImage {
    const known = this.members.get(path.resolve(name));
    if (known) return { path: name, image: known, exists: true };
    if (!this.isThere(name, note)) return { path: name, exists: false };
    return { path: name, image: this.byId.get(fileId(name) ?? ''), exists: true };
  }

  private isThere(name: string, note: string): boolean {
    return path.dirname(path.resolve(name)) === path.dirname(note)
      ? fs.existsSync(name)
      : mayBeOpened(name, note, this.gate);
  }
}

/** A name in a note opens no more than a name in an image. */
export function mayBeOpened(name: string, from: string, gate: FileGate): boolean {
  const target = { kind: 'path', path: name, relativeTo: 'image' } as const;
  const answer = gate.open({ role: 'parent', written: name, target }, { id: '', path: from });
  if (answer.ok) answer.opened.source.close();
  return answer.ok;
}

/** The kept header lies beside its note: no note makes another file one. */
function headerBeside(header: string, note: string): { readonly path: string; readonly size: number } | undefined {
  const file = path.resolve(header);
  if (path.dirname(file) !== path.dirname(note) || !path.basename(file).startsWith('.')) return undefined;
  const stat = fs.lstatSync(file, { throwIfNoEntry: false });
  return stat?.isFile() === true ? { path: file, size: stat.size } : undefined;
}

/** How far a repair came, by the note beside what it has kept; it is written once all is kept. */
function repairState(copy: string): Extract<LeftoverFacts, { readonly kind: 'before-repair' }>['state'] {
  try {
    const stat = fs.lstatSync(`${copy}.json`);
    if (!stat.isFile() || stat.size > MAX_REPAIR_NOTE_BYTES) return 'partial';
    const note = JSON.parse(fs.readFileSync(`${copy}.json`, 'utf8')) as Record<string, unknown> | null;
    if (note?.['kind'] !== 'vmdisk-repair') return 'partial';
    if (note['undoing'] === true) return 'undoing';
    return note['after'] === undefined ? 'repairing' : 'repaired';
  } catch {
    return 'partial';
  }
}

/** Linux counts a process's start in hundredths of a second since the machine was started. */
const TICK_MS = 10;
const SLACK_MS = 5000;

/** Whether the process runs on this machine, and is not another one that got its number since. */
function isRunning(pid: number, began: number): boolean {
  if (pid < 1) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const started = startOf(pid);
  return started === undefined || started <= began + SLACK_MS;
}

/** Milliseconds since 1970; undefined where the system does not tell. */
function startOf(pid: number): number | undefined {
  try {
    // The second field is the program's name in brackets, with anything in it.
    const fields = fs
      .readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ');
    const boot = /^btime (\d+)$/m.exec(fs.readFileSync('/proc/stat', 'latin1'))?.[1];
    const ticks = Number(fields[19]);
    return boot === undefined || !Number.isFinite(ticks) ? undefined : Number(boot) * 1000 + ticks * TICK_MS;
  } catch {
    return undefined;
  }
}
