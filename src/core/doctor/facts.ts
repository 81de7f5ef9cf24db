import type { WireError } from '../errors';
import type { Bitmap, CheckCounts, Finding, RefusalReason } from '../model';
import type { ParentCandidate } from '../snapshots/model';

/**
 * What the doctor's rules judge: gathered once, from headers, names, dates and locks, and never from what a guest has
 * written. Times are milliseconds since 1970, paths absolute.
 */
export interface DoctorFacts {
  readonly images: readonly ImageFacts[];
  readonly unreadable: readonly UnreadableFacts[];
  readonly leftovers: readonly LeftoverFacts[];
  /** Folders in which not everything was looked at, and why. */
  readonly incomplete: readonly { readonly folder: string; readonly why: string }[];
  /** Where the images lie, Windows' shells quote names and its paths are at home. */
  readonly windows: boolean;
}

export interface ImageFacts {
  /** Equal for two names of one file. */
  readonly id: string;
  readonly path: string;
  /** Other names of the same file that were come across. */
  readonly otherNames: readonly string[];
  readonly format: string;
  /** Bytes. */
  readonly guestSize: number;
  /** Bytes. */
  readonly fileSize: number;
  /** Last write to the file. */
  readonly modified?: number | undefined;
  /** When the file came to be on this file system, where that tells: a copy is made when it is copied. */
  readonly made?: number | undefined;
  /** Dates of its internal snapshots, by the clock of whoever took them. */
  readonly snapshotDates: readonly number[];
  readonly bitmaps: readonly Bitmap[];
  /** As the image's facts word it: `AES (…)`, `LUKS (…)`. */
  readonly encryption?: string | undefined;
  /** What opening it and its parent told. */
  readonly findings: readonly Finding[];
  /** Undefined for a base. */
  readonly parent?: ParentFacts | undefined;
  readonly use: UseFacts;
  /** What its check found, where it was asked for. */
  readonly check?: CheckFacts | undefined;
}

export interface UseFacts {
  /** `written`: a QEMU may write to it. `read`: a QEMU reads it. `unknown`: the system does not tell. */
  readonly state: 'written' | 'read' | 'free' | 'unknown';
  /** Processes, where they can be seen: `qemu-system-x86 (4711)`. */
  readonly by: readonly string[];
}

/** `endsEarly`: the file ends before what it refers to. */
export type CheckFacts = (CheckCounts & { readonly endsEarly: boolean }) | { readonly failed: string };

/** The image below, as the overlay names it and as it was found. */
export interface ParentFacts {
  /** The name exactly as the image has it. */
  readonly written: string;
  /** The format that the image records. */
  readonly recorded?: string | undefined;
  readonly state: 'found' | 'missing' | 'refused' | 'cycle' | 'too-deep';
  /** Where `found`: the parent among the images. */
  readonly id?: string | undefined;
  /** Where it is or was looked for; undefined where the name has no meaning here. */
  readonly path?: string | undefined;
  /** Why it is not `found`, a sentence. */
  readonly message?: string | undefined;
  readonly reason?: RefusalReason | undefined;
  /** What its own bytes say, where the file could be opened. */
  readonly content?: ContentFacts | undefined;
  /** The name is absolute on the other kind of system, or leads into a top folder that this machine does not have. */
  readonly foreign?: 'windows' | 'unix' | 'no-such-root' | undefined;
  /** A file beside the image that has the name which the missing parent's path ends in, and its format by content. */
  readonly beside?: BesideFacts | undefined;
  /** Where the parent is missing: what may be it, best first. */
  readonly candidates: readonly ParentCandidate[];
}

export interface BesideFacts {
  readonly path: string;
  readonly format: string;
  /** Bytes. */
  readonly guestSize?: number | undefined;
}

export interface ContentFacts {
  /** A driver's id, or undefined for what no driver reads. */
  readonly format: string | undefined;
  /** `a disk with a GPT`, `data of no kind known here` … */
  readonly found: string;
  /** Bytes of the disk that it holds, read as `format`. */
  readonly guestSize?: number | undefined;
  /** Bytes of the file. */
  readonly fileSize: number;
  /** It names further files itself. */
  readonly namesOthers: boolean;
}

export interface UnreadableFacts {
  readonly path: string;
  /** The format, where the content tells. */
  readonly format?: string | undefined;
  readonly error: WireError;
}

/** Where an image stands now: `on` names the id of the parent it was found on. */
export interface NotedImage {
  readonly path: string;
  /** Undefined where it is not among the images that were looked at. */
  readonly image?: ImageFacts | undefined;
  readonly exists: boolean;
}

/** What our own work, or that of something alike, has left in a folder. */
export type LeftoverFacts =
  | {
      readonly kind: 'half-made';
      readonly path: string;
      /** The name that it was to get. */
      readonly target: string;
      readonly pid: number;
      readonly began: number;
      /** Bytes. */
      readonly size: number;
      /** The process that was making it still runs on this machine. */
      readonly running: boolean;
      /** It is the same file as its target: complete, with one name too many. */
      readonly complete: boolean;
    }
  | {
      readonly kind: 'delete';
      readonly path: string;
      readonly image: NotedImage;
      readonly parent?: NotedImage | undefined;
      readonly direction: 'commit' | 'pull';
      readonly children: readonly NotedImage[];
      readonly began: number;
    }
  | {
      readonly kind: 'preview';
      readonly path: string;
      readonly overlay: NotedImage;
      readonly of: NotedImage;
      readonly leaf: NotedImage;
      readonly made: number;
      /** It was being committed: the newer layers are going already, and it can't be undone any more. */
      readonly committing: boolean;
    }
  | {
      readonly kind: 'relocate';
      readonly path: string;
      readonly image: NotedImage;
      readonly before: string | null;
      readonly backing: string;
      /** The kept header, where it is there and lies beside the note. */
      readonly header?: { readonly path: string; readonly size: number } | undefined;
      readonly began: number;
    }
  /** A note that can't be read, or is about other files than its name says. */
  | { readonly kind: 'odd-note'; readonly path: string; readonly image: string; readonly why: string }
  /** The header's cluster as it was before the parent was named anew, with no note about it. */
  | { readonly kind: 'kept-header'; readonly path: string; readonly image: string; readonly size: number }
  /** What a repair has kept of what it changed. */
  | {
      readonly kind: 'before-repair';
      readonly path: string;
      readonly image: string;
      /** Bytes that it takes on the host. */
      readonly size: number;
      /** `partial`: it was still being kept, and nothing was changed yet. `repairing`, `undoing`: that did not end. */
      readonly state: 'partial' | 'repairing' | 'repaired' | 'undoing';
    };
