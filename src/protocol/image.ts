import type {
  Accounting,
  Bitmap,
  ChainEnd,
  CheckCounts,
  CheckProblem,
  Fact,
  Finding,
  LayerAccount,
  Pixels,
  Trace,
  View,
} from '../core/model';
import type { WireError } from '../core/errors';
import type { Standpoint } from '../core/session';
import type { LayerStory, Preview } from '../core/snapshots/model';

export type { Standpoint } from '../core/session';

/** One layer, as the tree, the stack and the table show it. */
export interface LayerSummary {
  readonly depth: number;
  /** Absolute path on the machine of the extension host. */
  readonly path: string;
  /** Absolute paths of other files that hold part of its data. */
  readonly companions?: readonly string[] | undefined;
  /** The file's own name. */
  readonly fileName: string;
  /** What the platform calls this layer, where that is known. */
  readonly label?: string | undefined;
  /** All that the platform says of it. */
  readonly story?: LayerStory | undefined;
  readonly format: string;
  /** Milliseconds since 1970. */
  readonly modified?: number | undefined;
  readonly guestSize: number;
  readonly fileSize: number;
  readonly diskUsage?: number | undefined;
  readonly grain: number;
  readonly backing: string | null;
  readonly views: readonly View[];
  readonly bitmaps: readonly Bitmap[];
  readonly facts: readonly Fact[];
  readonly findings: readonly Finding[];
  /** False when the content is encrypted. */
  readonly readable: boolean;
  /** True for a format that can be checked. */
  readonly checkable: boolean;
  /** It is the overlay of a preview: what it shows, and what undoing goes back to. */
  readonly preview?: Preview | undefined;
  /** What its check found, once it was checked. */
  readonly check?: CheckSummary | undefined;
}

/** What a check found; the map of the file stays in the worker, and is asked for in cells. */
export interface CheckSummary {
  readonly counts: CheckCounts;
  readonly problems: readonly CheckProblem[];
  readonly untold: number;
  /** Bytes that the map of the file covers: the file in whole clusters. */
  readonly fileEnd: number;
  /** Bytes of the file by `Use`, `USE_COUNT` of them. */
  readonly uses: readonly number[];
}

/** What was found when the disk was compared with another; the ranges stay in the worker. */
export interface ComparisonSummary {
  /** The other disk: its file, and the internal snapshot of it where it is not its current state. */
  readonly path: string;
  readonly view: string;
  readonly viewName: string;
  readonly guestSize: number;
  /** Ranges that differ, and their bytes. */
  readonly ranges: number;
  readonly bytes: number;
  /** Bytes that could not be compared: unknown or unreadable on either side. */
  readonly unknown: number;
  /** Bytes that were not read, since both answer from the same place in the same file. */
  readonly skipped: number;
  /** The first of the ranges that differ. */
  readonly first: readonly { readonly start: number; readonly end: number }[];
}

/** A chain, its facts and, once scanned, its numbers. All depths are those of the chain opened, leaf = 0. */
export interface ImageSummary {
  readonly path: string;
  readonly layers: readonly LayerSummary[];
  readonly end: ChainEnd;
  /** Depth 0 and view `''` are the disk as the VM would see it now; anything else is "as of" an older state. */
  readonly standpoint: Standpoint;
  /** Size of the disk from the standpoint. */
  readonly guestSize: number;
  /** Grows by one whenever the map changes; answers carry the generation they were made from. */
  readonly generation: number;
  /** `complete` once every layer from the standpoint down is scanned. */
  readonly scan: 'running' | 'complete' | 'failed';
  /** Accounting from the standpoint; indexes are depths, layers above the standpoint own nothing. */
  readonly accounting?: Accounting | undefined;
  readonly scanError?: WireError | undefined;
  /** Present while a comparison is shown. */
  readonly comparison?: ComparisonSummary | undefined;
}

/** What a file turned out to be when it is no disk image. */
export interface NotAnImage {
  readonly path: string;
  readonly size: number;
  /** "a PNG picture", "text", "an empty file" … */
  readonly found: string;
  /** What to do next, one sentence. */
  readonly advice: string;
  /** The first bytes, at most 256. */
  readonly head: Uint8Array;
  /** True for a disk image of a format that is not read here. */
  readonly foreign: boolean;
  /** True when opening it as a raw disk is a sensible thing to offer. */
  readonly offerRaw: boolean;
}

export type OpenResult =
  | { readonly kind: 'image'; readonly summary: ImageSummary }
  | { readonly kind: 'not-an-image'; readonly what: NotAnImage }
  | { readonly kind: 'failed'; readonly error: WireError; readonly size?: number; readonly head?: Uint8Array };

export interface PixelRequest {
  readonly start: number;
  readonly cellBytes: number;
  readonly cells: number;
  /**
   * Draws the file of the layer at this depth instead of the guest's disk: `start` is then a host offset, and the
   * answer's owners are `Use`s (`Free` is NOBODY). Only of a layer that was checked.
   */
  readonly file?: number | undefined;
}

export interface PixelReply {
  readonly generation: number;
  /** False while layers are still being scanned: what is not yet known is UNKNOWN_OWNER with kind Unknown. */
  readonly complete: boolean;
  readonly pixels: Pixels;
  /** Bytes of each cell that differ from the disk compared with, while a comparison is shown. */
  readonly different?: Float64Array | undefined;
  /** Bytes of each cell that a problem of a check touches, where there are any; of a file, all problems but leaks. */
  readonly damaged?: Float64Array | undefined;
}

/** One of the ranges that differ, and which of them it is, counted from 0. */
export interface DifferenceReply {
  readonly start: number;
  readonly end: number;
  readonly index: number;
}

export interface TraceReply {
  readonly generation: number;
  readonly trace: Trace;
}

export interface ReadReply {
  readonly offset: number;
  /** As many bytes as there are before the end of the disk, at most those asked for. */
  readonly bytes: Uint8Array;
  /** Ranges within `bytes` that can't be read, and why (encrypted, below a missing parent, broken). */
  readonly gaps: readonly { readonly start: number; readonly end: number; readonly why: string }[];
}

/** An image as the tree lists it: its header's facts, without its map. */
export interface SurveyedImage extends LayerSummary {
  /** Equal for two names of one file. */
  readonly id: string;
  /** Where its parent is: an id of another surveyed image, or how the chain breaks. */
  readonly parent?:
    | { readonly kind: 'found'; readonly id: string; readonly path: string }
    | Exclude<ChainEnd, { readonly kind: 'base' }>
    | undefined;
  /** Per leaf standing on it (by path): what the layer owns in that leaf's chain. Present once accounted. */
  readonly accounts?: Readonly<Record<string, LayerAccount>> | undefined;
}

/** A file that can't be listed, though it is an image by its content or can't be read at all. */
export interface UnusableImage {
  readonly path: string;
  /** The format, where the content tells; undefined when not even that could be read. */
  readonly format?: string | undefined;
  readonly error: WireError;
}

export interface SurveyResult {
  readonly images: readonly SurveyedImage[];
  readonly unusable: readonly UnusableImage[];
}
