import type {
  CheckSummary,
  ComparisonSummary,
  DifferenceReply,
  ImageSummary,
  OpenResult,
  PixelReply,
  PixelRequest,
  ReadReply,
  Standpoint,
  SurveyResult,
  TraceReply,
} from './image';
import type { LayerAccount } from '../core/model';
import type { MaintenanceCalls, MaintenanceEvents } from './maintenance';

/** Which files a name inside an image may open. */
export interface GatePolicy {
  /**
   * Folders within which parents and data files may be opened without asking; `undefined` allows any folder
   * (a trusted workspace).
   */
  readonly folders?: readonly string[] | undefined;
  /** Files outside those folders that the user has allowed, as absolute paths. */
  readonly allowed: readonly string[];
  /** Programs found on PATH may be run to learn where files have holes. */
  readonly platformTools: boolean;
}

export interface OpenParams {
  readonly path: string;
  readonly policy: GatePolicy;
  /** Take any file that no other driver knows as a raw disk, without recognising its content. */
  readonly forceRaw: boolean;
  readonly standpoint?: Standpoint | undefined;
}

export type MapFormat = 'json' | 'csv';

/** Work that takes a while, tells how far it is, and can be cancelled; one of each at a time. */
export type WorkName = 'exportMap' | 'check' | 'compare' | 'flatten';

export interface CompareParams {
  /** The other image, an absolute path. */
  readonly path: string;
  /** `''` for its current state, else an internal snapshot's id. */
  readonly view: string;
  readonly policy: GatePolicy;
}

export interface FlattenParams {
  /** A new file, or one that the user has agreed to replace. Never one of the chain's own. */
  readonly target: string;
  readonly replace: boolean;
  readonly format: 'raw' | 'qcow2';
  /** Compresses every cluster; qcow2 only. */
  readonly compression?: 'zlib' | 'zstd' | undefined;
  /** Reads the new image again and compares it with what was to be written, before it gets its name. */
  readonly verify: boolean;
  /** Takes zeros, as a VM reads them, for what lies behind the end of a file that was cut short. */
  readonly salvage?: boolean | undefined;
}

export interface FlattenResult {
  /** Bytes of the guest's disk. */
  readonly guestSize: number;
  /** Bytes of the new file, and those that it takes on the host. */
  readonly fileSize: number;
  readonly diskUsage: number | undefined;
}

/**
 * Extension host → worker. A worker serves one open image, or the tree's survey, or what changes images.
 *
 * - `open` answers as soon as the chain is known; the scan then runs, with `progress` and `changed` events. Asked again
 *   after a file changed, it reads everything anew, keeping the standpoint where it still exists
 * - `look` moves the standpoint; answers at once, the map follows as after `open`
 * - `exportMap` writes a new file, complete before it gets its name, from the standpoint's map
 * - `check` checks one layer's own file; what it found is part of the summary from then on (`changed`)
 * - `compare` compares the disk, from the standpoint, with another; null as parameter puts the comparison away
 * - `difference` finds, while a comparison is shown, the range that differs and begins next after an offset (`by` 1) or last
 *   before it (-1), going round at the ends; null where nothing differs
 * - `flatten` writes the guest's bytes, from the standpoint, to a new image
 *
 * Work answers null when `cancel` stopped it.
 */
export type WorkerCalls = MaintenanceCalls & {
  open: { params: OpenParams; result: OpenResult };
  look: { params: Standpoint; result: ImageSummary };
  pixels: { params: PixelRequest; result: PixelReply };
  trace: { params: { readonly offset: number }; result: TraceReply };
  read: { params: { readonly offset: number; readonly length: number }; result: ReadReply };
  exportMap: {
    params: { readonly target: string; readonly format: MapFormat };
    result: { readonly entries: number } | null;
  };
  check: { params: { readonly depth: number }; result: CheckSummary | null };
  compare: { params: CompareParams | null; result: ComparisonSummary | null };
  difference: { params: { readonly from: number; readonly by: 1 | -1 }; result: DifferenceReply | null };
  flatten: { params: FlattenParams; result: FlattenResult | null };
  cancel: { params: { readonly work: WorkName }; result: null };
  /** Headers of many files at once; a file that can be read and is no image is left out. */
  survey: { params: { readonly paths: readonly string[]; readonly policy: GatePolicy }; result: SurveyResult };
  /** Scans one leaf's chain: path of each layer → what it owns. */
  account: {
    params: { readonly path: string; readonly policy: GatePolicy };
    result: { readonly path: string; readonly account: LayerAccount }[];
  };
};

/** Worker → extension host. */
export type WorkerEvents = MaintenanceEvents & {
  progress: { readonly done: number; readonly total: number };
  /** The map or the findings changed: a layer was scanned, or all are. */
  changed: ImageSummary;
  /** Progress of work that was asked for. */
  working: { readonly work: WorkName; readonly done: number; readonly total: number };
};
