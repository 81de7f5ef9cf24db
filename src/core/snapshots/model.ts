import type { Finding, Severity } from '../model';

/**
 * What is planned, done and found about snapshots: the words that the core, the worker, the command line and the
 * extension share. All sizes are bytes; all paths are absolute, on the machine where the images lie.
 */

/** A run of qemu-img: what changes an image in place is its work. The program's own path is not part of it. */
export interface QemuCommand {
  readonly args: readonly string[];
  /** What it does, a sentence's end: "copies what only web01.qcow2 holds into base.qcow2". */
  readonly what: string;
}

// ---------------------------------------------------------------------------------------------
// A new overlay
// ---------------------------------------------------------------------------------------------

export interface OverlayShape {
  /** Bytes, a power of two from 512 to 2 MiB. */
  readonly clusterSize: number;
  readonly extendedL2: boolean;
  /** `compat` of qemu-img: version 3 (1.1) or 2 (0.10) of the format. */
  readonly compat: '1.1' | '0.10';
}

export interface CreateRequest {
  readonly base: string;
  /** The format of the base; probed when left out. */
  readonly baseFormat?: string | undefined;
  readonly overlay: string;
  /** The base's own cluster size where it is left out and the base has one, else 64 KiB. */
  readonly clusterSize?: number | undefined;
  readonly extendedL2?: boolean | undefined;
  readonly compat?: OverlayShape['compat'] | undefined;
  /** Writes the whole path of the base; otherwise its path from the overlay's folder. */
  readonly absolute?: boolean | undefined;
}

export interface Created {
  readonly overlay: string;
  readonly base: string;
  /** The name of the base as the overlay writes it. */
  readonly backing: string;
  readonly backingFormat: string;
  readonly guestSize: number;
  readonly fileSize: number;
  readonly shape: OverlayShape;
  /** What is worth knowing though it did not stand in the way. */
  readonly findings: readonly Finding[];
}

// ---------------------------------------------------------------------------------------------
// Deleting a layer
// ---------------------------------------------------------------------------------------------

/** Where the data of a deleted layer goes: down into its parent, or up into whatever stands on it. */
export type Direction = 'commit' | 'pull';

/** Data that is copied from the deleted layer to another image. */
export interface Move {
  readonly into: string;
  /** Whole clusters of the image that is written to. */
  readonly bytes: number;
  /** By how much the image that is written to grows: clusters it did not have, with the tables for them. */
  readonly growth: number;
}

/** An image that stands on the deleted one. */
export interface Standing {
  readonly path: string;
  /** 1: directly on it. */
  readonly distance: number;
  /** `rebased`: its header gets another parent; `unchanged`: reads through what is rebased. */
  readonly effect: 'rebased' | 'unchanged';
}

export type PlanStep =
  | { readonly kind: 'qemu-img'; readonly command: QemuCommand }
  /** `copied`: the parent reads as the layer does; `all`: every image that is left reads as before. */
  | { readonly kind: 'verify'; readonly what: string; readonly check: 'copied' | 'all' }
  | { readonly kind: 'remove'; readonly path: string };

/** What deleting a layer would do; made without writing anything. */
export interface DeletePlan {
  /** The layer that is to go. */
  readonly image: string;
  readonly parent?: string | undefined;
  /** Undefined where neither way is open: `refusals` says why. */
  readonly direction: Direction | undefined;
  readonly moves: readonly Move[];
  /** The sum of the moves' bytes. */
  readonly bytesToMove: number;
  /** False where the figures are the most that it can be: equal data is found only by reading it all. */
  readonly exact: boolean;
  /** Room that is taken while it runs, a file system each; `free` where the host tells. */
  readonly space: readonly { readonly folder: string; readonly needed: number; readonly free?: number | undefined }[];
  /** Room that there is more of in the end; negative where the family grows. */
  readonly freed: number;
  /** Why it frees what it frees, a sentence each: most of all why nothing. */
  readonly why: readonly string[];
  readonly standing: readonly Standing[];
  /** The newest layers that are there in the end and whose reading is verified: before and after must be the same. */
  readonly leaves: readonly string[];
  readonly steps: readonly PlanStep[];
  /** Why it is not done, most important first; none where `direction` is given. */
  readonly refusals: readonly Finding[];
  /** What to know before. */
  readonly cautions: readonly Finding[];
}

export interface Deleted {
  readonly image: string;
  readonly direction: Direction;
  /** Measured: what was freed on the host, all files of the family together. */
  readonly freed: number;
  /** The layers that were verified to read as before. */
  readonly verified: readonly string[];
  /** What reads as the layer did and takes its place: its parent, where nothing stood on it. */
  readonly heir?: string | undefined;
}

// ---------------------------------------------------------------------------------------------
// Preview
// ---------------------------------------------------------------------------------------------

/** A fresh overlay on an older layer, to look at the disk as it was then, and to write to it. */
export interface Preview {
  /** The fresh overlay. */
  readonly overlay: string;
  /** The layer it stands on. */
  readonly of: string;
  /** The newest layer when the preview was made: what undoing it goes back to. */
  readonly leaf: string;
  /** Milliseconds since 1970. */
  readonly made: number;
}

/** What ending a preview does: the files that go, and why one does not. */
export interface PreviewEnd {
  readonly preview: Preview;
  readonly how: 'commit' | 'undo';
  /** What to boot from then on. */
  readonly keeps: string;
  /** Newest first; `only` is what no other image holds, in guest bytes that the layer owns from the old leaf. */
  readonly removes: readonly { readonly path: string; readonly fileSize: number }[];
  readonly refusals: readonly Finding[];
  readonly cautions: readonly Finding[];
}

// ---------------------------------------------------------------------------------------------
// Relocating a parent, and the doctor
// ---------------------------------------------------------------------------------------------

export type Certainty = 'certain' | 'likely' | 'possible';

/** A file that may be the parent that an overlay misses. */
export interface ParentCandidate {
  readonly path: string;
  readonly format: string;
  readonly guestSize: number;
  readonly certainty: Certainty | 'unlikely';
  /** 0 … 1, for their order. */
  readonly score: number;
  /** What speaks for it and against it, strongest first. */
  readonly evidence: readonly { readonly speaks: 'for' | 'against'; readonly what: string }[];
  /** It may be the parent, and not all of it is there or can be true: its place is behind those that are whole. */
  readonly damaged?: boolean | undefined;
}

export interface RelocateRequest {
  /** The overlay whose parent is named anew. */
  readonly image: string;
  readonly parent: string;
  readonly parentFormat?: string | undefined;
  readonly absolute?: boolean | undefined;
}

export interface Relocated {
  readonly image: string;
  /** As written before and now. */
  readonly before: string | null;
  readonly backing: string;
  readonly backingFormat: string;
}

/** What mends something: a command of ours, or one for a terminal. */
export type Remedy =
  | { readonly kind: 'relocate'; readonly image: string; readonly parent: string; readonly parentFormat: string }
  | { readonly kind: 'choose-parent'; readonly image: string }
  | { readonly kind: 'repair'; readonly image: string; readonly mode: RepairMode }
  | { readonly kind: 'check'; readonly image: string }
  | { readonly kind: 'end-preview'; readonly overlay: string }
  | { readonly kind: 'finish-delete'; readonly image: string }
  | { readonly kind: 'remove-file'; readonly path: string }
  | { readonly kind: 'none' };

/** One thing that is wrong, or that is good to know, about an image, a folder or a storage domain. */
export interface Diagnosis {
  /** Stable kebab-case code. */
  readonly code: string;
  readonly severity: Severity;
  /** The file it is about. */
  readonly path: string;
  /** What was found: what, where. */
  readonly message: string;
  /** What that means for whoever owns the VM. */
  readonly meaning: string;
  readonly certainty: Certainty;
  /** Best first. */
  readonly remedies: readonly {
    readonly title: string;
    readonly remedy: Remedy;
    /** The same for a terminal, where there is such a command. */
    readonly command?: string | undefined;
  }[];
  /** Place in the file. */
  readonly offset?: number | undefined;
}

export type RepairMode = 'leaks' | 'all';

export interface Repaired {
  readonly image: string;
  readonly mode: RepairMode;
  /** Where what it changed is kept as it was; left out where nothing was changed. */
  readonly kept?: string | undefined;
  /** Problems before and after, as the check counts them. */
  readonly before: { readonly corruptions: number; readonly leaks: number };
  readonly after: { readonly corruptions: number; readonly leaks: number };
}

export interface InternalRequest {
  readonly image: string;
  readonly action: 'create' | 'apply' | 'delete';
  /** Name, or for apply and delete an id or a name. */
  readonly name: string;
}

// ---------------------------------------------------------------------------------------------
// What the platform says
// ---------------------------------------------------------------------------------------------

/** What the platform that made an image calls it. */
export interface LayerStory {
  /** `oVirt`, `libvirt`, `Proxmox`, `Multipass`, `Lima`, `VirtualBox`, `VMware`, `Parallels`, `Hyper-V`. */
  readonly platform: string;
  /** The name of the snapshot whose state this layer froze, or what the layer is: "current", "template". */
  readonly label?: string | undefined;
  readonly description?: string | undefined;
  /** When the snapshot was taken, milliseconds since 1970. */
  readonly date?: number | undefined;
  /** The disk and the VM it belongs to, as the platform calls them. */
  readonly disk?: string | undefined;
  readonly vm?: string | undefined;
  readonly role?: 'current' | 'snapshot' | 'template' | 'preview' | 'base' | undefined;
  /** The format that the platform says the file has: a raw disk tells nothing by itself. */
  readonly format?: 'raw' | 'qcow2' | undefined;
  /** Names and dates of internal snapshots, by their tag in the image. */
  readonly snapshots?: Readonly<
    Record<string, { readonly label: string; readonly description?: string; readonly date?: number }>
  >;
}
