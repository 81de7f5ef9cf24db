import type { Accounting, Bitmap, ChainEnd, Fact, Finding, LayerAccount, Pixels, Trace, View } from '../core/model';
import type { WireError } from '../core/errors';
import type { Standpoint } from '../core/session';

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
}

export interface PixelReply {
  readonly generation: number;
  /** False while layers are still being scanned: what is not yet known is UNKNOWN_OWNER with kind Unknown. */
  readonly complete: boolean;
  readonly pixels: Pixels;
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
