import type { Finding } from '../core/model';
import type {
  Created,
  CreateRequest,
  Deleted,
  DeletePlan,
  Diagnosis,
  Direction,
  InternalRequest,
  ParentCandidate,
  Preview,
  PreviewEnd,
  QemuCommand,
  Relocated,
  RelocateRequest,
  Repaired,
  RepairMode,
} from '../core/snapshots/model';
import type { GatePolicy } from './worker';

/** How the worker finds qemu-img: a path that a person has set, or nothing for the one on PATH. */
interface WithTool {
  readonly qemuImg: string;
}
interface WithPolicy {
  readonly policy: GatePolicy;
}
export interface DeleteParams extends WithPolicy {
  readonly image: string;
  readonly direction?: Direction | undefined;
  readonly exact?: boolean | undefined;
  readonly folders: readonly string[];
}

/**
 * Extension host → a worker of its own for what changes images: one job at a time, each with progress, each ended by
 * `stopMaintenance`; a job that was ended answers null.
 */
export type MaintenanceCalls = {
  /** Null where there is none that can be used; `why` says so. */
  qemuImg: { params: WithTool; result: { readonly path: string; readonly version: string } | { readonly why: string } };
  /** Why no file is made or removed at that place; nothing where it may be. */
  mayLieIn: { params: { readonly file: string }; result: readonly Finding[] };
  /** Answers with an error that says why no overlay can stand on an image. */
  assertBase: { params: WithPolicy & { readonly base: string }; result: null };
  suggestOverlay: { params: { readonly base: string; readonly name: string }; result: string };
  createSnapshot: { params: WithPolicy & { readonly request: CreateRequest }; result: Created };
  planDelete: { params: DeleteParams; result: DeletePlan | null };
  deleteLayer: { params: DeleteParams & WithTool; result: Deleted | null };
  startPreview: {
    params: WithPolicy & { readonly leaf: string; readonly of: string; readonly overlay?: string | undefined };
    result: { readonly preview: Preview; readonly created: Created };
  };
  previewsIn: { params: { readonly folders: readonly string[] }; result: readonly Preview[] };
  planPreviewEnd: {
    params: WithPolicy & { readonly overlay: string; readonly how: 'commit' | 'undo' };
    result: PreviewEnd;
  };
  endPreview: {
    params: WithPolicy & { readonly overlay: string; readonly how: 'commit' | 'undo' };
    result: PreviewEnd;
  };
  findCandidates: {
    params: WithPolicy & { readonly image: string; readonly folders: readonly string[] };
    result: readonly ParentCandidate[] | null;
  };
  planRelocate: { params: WithPolicy & { readonly request: RelocateRequest }; result: QemuCommand };
  relocateParent: { params: WithPolicy & WithTool & { readonly request: RelocateRequest }; result: Relocated | null };
  planRepair: {
    params: WithPolicy & { readonly image: string; readonly mode: RepairMode };
    result: QemuCommand;
  };
  repair: {
    params: WithPolicy & WithTool & { readonly image: string; readonly mode: RepairMode };
    result: Repaired | null;
  };
  planInternal: { params: WithPolicy & { readonly request: InternalRequest }; result: QemuCommand };
  internalSnapshot: {
    params: WithPolicy & WithTool & { readonly request: InternalRequest };
    result: InternalRequest | null;
  };
  diagnose: {
    /** `folders`: further ones in which overlays and missing parents are looked for. */
    params: WithPolicy & { readonly paths: readonly string[]; readonly folders: readonly string[] };
    result: readonly Diagnosis[] | null;
  };
  stopMaintenance: { params: null; result: null };
};

export type MaintenanceEvents = {
  /** What is being done, and how far it is, 0 … 1, where that is known. */
  maintaining: { readonly what: string; readonly share: number | null };
  /** A command line, right before it is run. */
  running: { readonly command: string };
  /** How it ended, and what it said. */
  ran: { readonly command: string; readonly end: string };
};
