/**
 * The central types: read this file first.
 *
 * All offsets and lengths are **bytes**, safe integers, and ranges are half-open `[start, end)`.
 * A 64-bit value above 2^53 - 1 is refused once, where it is read from a file (see `bytes.ts`).
 * Guest and host offsets are branded, so that mixing the two does not compile.
 */

import type { Kernel } from './kernel/kernel';

declare const guestBrand: unique symbol;
declare const hostBrand: unique symbol;

/** Where the virtual machine sees a byte: an offset into the virtual disk. */
export type GuestOffset = number & { readonly [guestBrand]: true };
/** Where a file on the host holds a byte. */
export type HostOffset = number & { readonly [hostBrand]: true };

export const guestOffset = (bytes: number): GuestOffset => bytes as GuestOffset;
export const hostOffset = (bytes: number): HostOffset => bytes as HostOffset;

// ---------------------------------------------------------------------------------------------
// Bytes in
// ---------------------------------------------------------------------------------------------

/** Which parts of a file take space on the host; the rest are holes that read as zero. */
export interface HostExtents {
  /**
   * Boundaries between data and hole, strictly rising, from 0 to the file's size:
   * `[b0 = 0, b1, … bn = size]`.
   */
  readonly bounds: Float64Array;
  /** True when `[bounds[0], bounds[1])` is data; the ranges alternate from there. */
  readonly startsWithData: boolean;
  /** How this is known: `exact` from the file system, `assumed` when holes can't be seen (all counts as data). */
  readonly certainty: 'exact' | 'assumed';
}

/** A file or device, open for reading only. Synchronous: the core runs in a worker or in the CLI. */
export interface ByteSource {
  /** Size in bytes at the time of opening. */
  readonly size: number;
  /** Where position 0 stands in the file on the host, when this is a window into a larger one. */
  readonly origin?: number | undefined;
  /** Bytes that the file takes on the host, when the platform tells. */
  readonly diskUsage?: number | undefined;
  /** Time of the last change, milliseconds since 1970. */
  readonly modified?: number | undefined;
  /**
   * Whether the file may have been written to since this was asked last, or since it was opened. Left out where that
   * can't be told.
   */
  changed?(): boolean;
  /**
   * Another number once what was read before may no longer be what the file holds. Only of a file that is read through a
   * cache: whoever keeps something of it reads that anew.
   */
  readonly edition?: number | undefined;
  /**
   * Fills `target` from `position`.
   * @throws DiskError `short-read` when the file ends before `target` is full, `io` when reading fails.
   */
  readInto(target: Uint8Array, position: number): void;
  /**
   * Fills `target` with equally long pieces, each from its own position: as many calls of `readInto` do, which is what is
   * used where this is left out. @throws DiskError the same
   */
  readEach?(target: Uint8Array, positions: readonly number[]): void;
  /** Data and holes of the file on the host. May be slow the first time: ask only when needed. */
  extents?(): HostExtents;
  close(): void;
}

/** A new file in the making. */
export interface Sink {
  /** Writes all of `bytes`. What is never written reads as zero. @throws DiskError `io` */
  writeAt(bytes: Uint8Array, position: number): void;
  /** Makes the file this long, in bytes: at least up to the last one written. @throws DiskError `io` */
  setSize(size: number): void;
}

/** What names an opened image: `id` is equal for two names of one file, `path` is for people. */
export interface ImageIdentity {
  readonly id: string;
  readonly path: string;
  readonly archive?: ArchivePlace | undefined;
}

/** Where an image is that is a member of an archive and is read in place. */
export interface ArchivePlace {
  /** Of the archive. */
  readonly path: string;
  /** Where in the archive the image begins. */
  readonly offset: number;
  readonly member: string;
  /** All disks of the archive, by their members' names. */
  readonly disks: readonly string[];
  /** What the archive says of it. */
  readonly facts: readonly Fact[];
}

export interface OpenedSource {
  readonly identity: ImageIdentity;
  readonly source: ByteSource;
}

/** Why a name inside an image was not opened. */
export type RefusalReason =
  | 'missing' // no such file
  | 'protocol' // nbd:, ssh:, a json: driver that is no file …
  | 'not-a-file' // folder, pipe, socket, device where none is allowed
  | 'outside' // leaves the trusted folders
  | 'unreadable' // permission, I/O error
  | 'malformed'; // the name itself can't be understood

export interface Refusal {
  readonly reason: RefusalReason;
  /** The name as it was understood: an absolute path where there is one, else the text of the image. */
  readonly name: string;
  /** One sentence: what, where, what to do. */
  readonly message: string;
}

export type GateAnswer =
  | { readonly ok: true; readonly opened: OpenedSource; readonly findings: readonly Finding[] }
  | { readonly ok: false; readonly refusal: Refusal };

/** By what a format knows an image, whatever its file is called: a CID, a UUID, a DataWriteGuid … */
export interface LinkId {
  /** What the format calls it. */
  readonly what: string;
  readonly value: string;
}

/** What an image says its parent must be known by; it has changed, or is another one, where that differs. */
export interface ExpectedId extends LinkId {
  /** Another value that is as good: of a parent that was about to change when its child was written to last. */
  readonly or?: string | undefined;
  /** How much a difference says. */
  readonly severity: Severity;
}

/** Where a file is that an image names. */
export type ReferenceTarget =
  /** A path, relative or not, of whatever system wrote it. `isGuess`: the image does not name it, only a file called so. */
  | {
      readonly kind: 'path';
      readonly path: string;
      readonly relativeTo: 'image' | 'working-directory';
      readonly isGuess?: boolean;
    }
  /** No name at all: whichever image nearby is known by `expects`, of those whose names end so (`.vdi`). */
  | { readonly kind: 'search'; readonly endings: readonly string[] }
  /** Nothing that we open. */
  | { readonly kind: 'refused'; readonly reason: RefusalReason; readonly message: string };

/** What an image says about another file: its parent, or a file that holds its data. */
export interface FileReference {
  /** `data-file`: holds all data, at the host offsets that the layer tells. `extent`: holds a part of it. */
  readonly role: 'parent' | 'data-file' | 'extent';
  /** The name exactly as the image writes it. */
  readonly written: string;
  readonly target: ReferenceTarget;
  /** Where else the image says that the file may be, in the order in which to look. */
  readonly elsewhere?: readonly ReferenceTarget[] | undefined;
  /** Only of a parent. */
  readonly expects?: readonly ExpectedId[] | undefined;
  /**
   * Which of several states of the file is meant, in words of its driver, who gets them back as `OpenContext.state`.
   * Layers are told apart by their files wherever people see them: states that have files of their own are named by these.
   */
  readonly state?: string | undefined;
  /** The format that the image says the file has; undefined when it says none. */
  readonly format?: string | undefined;
  /** That an image of its format can say no such thing. */
  readonly formatHasNoPlace?: boolean | undefined;
  /** The part of the file that counts, in bytes, where the image says so (`json:`, raw driver, offset and size). */
  readonly window?: { readonly offset: number; readonly size?: number | undefined } | undefined;
}

/** The only way in which a name written inside an image becomes an open file. */
export interface Gate {
  open(reference: FileReference, from: ImageIdentity): GateAnswer;
  /**
   * Names of files near an image that a reference of kind `search` may mean, the likeliest first, as references that
   * `open` judges. Left out where nothing can be looked for.
   */
  find?(reference: FileReference, from: ImageIdentity): Iterable<FileReference>;
}

/** Decompressors for one cluster, and hashes; the host supplies them since the core has no platform of its own. */
export interface Codecs {
  /**
   * Inflates a raw deflate stream (no zlib header; RFC 1951) that may be followed by padding.
   * @param size bytes expected; the answer has at most that many
   * @throws when the stream is broken
   */
  inflateRaw(input: Uint8Array, size: number): Uint8Array;
  /**
   * Decompresses exactly one zstd frame (RFC 8878). `input` ends where the frame ends. The next call may overwrite the
   * answer.
   */
  zstd(input: Uint8Array, size: number): Uint8Array;
  /** MD5 (RFC 1321), in lower-case hexadecimal digits; undefined where the host has it not, since it may be forbidden. */
  md5(input: Uint8Array): string | undefined;
  /** SHA-256 (FIPS 180-4), in lower-case hexadecimal digits. */
  sha256(input: Uint8Array): string;
}

/** Makes one cluster smaller, as a stream of its own; the host supplies it. */
export interface Compressor {
  /** `zlib`: raw deflate (RFC 1951) with a window of 2^12 bytes, which is what QEMU inflates with. `zstd`: one frame (RFC 8878). */
  readonly type: 'zlib' | 'zstd';
  /** The stream, which may be longer than `input`. */
  compress(input: Uint8Array): Uint8Array;
}

/** Everything the core asks of the world around it. */
export interface Environment {
  readonly gate: Gate;
  readonly codecs: Codecs;
}

/** Progress of a long job, yielded between slices of work; `done` of `total` in the job's own unit. */
export interface Progress {
  readonly done: number;
  readonly total: number;
}

/** A long job: a generator that works a few milliseconds between yields. Dropping it cancels the job. */
export type Job<T> = Generator<Progress, T, void>;

// ---------------------------------------------------------------------------------------------
// What is wrong
// ---------------------------------------------------------------------------------------------

export type Severity = 'info' | 'warning' | 'error';

/** A suspicious image: something to tell, after which work goes on. */
export interface Finding {
  /** Stable kebab-case code, e.g. `parent-missing`. */
  readonly code: string;
  readonly severity: Severity;
  /** What, where. */
  readonly message: string;
  /** What to do about it. */
  readonly advice?: string | undefined;
  /** Place in the layer's own file. */
  readonly offset?: number | undefined;
  /** Bytes of the disk, at most, whose tables are gone: they read as empty, and what was there is unknown. */
  readonly lost?: number | undefined;
}

// ---------------------------------------------------------------------------------------------
// One layer
// ---------------------------------------------------------------------------------------------

/** What a layer says about a range of the guest's disk. */
export const Kind = {
  /** Nothing here: a read goes on below. May still have a host offset (an unused part of an allocated cluster). */
  Absent: 0,
  Data: 1,
  /** Reads as zero; no space in the file. */
  Zero: 2,
  /** Reads as zero, though space in the file is kept for it. */
  ZeroAllocated: 3,
  Compressed: 4,
  /** The entry can't be true: unaligned, past the end of the file, reserved bits. */
  Invalid: 5,
  /** The table that would say could not be read, or the layer below is missing. */
  Unknown: 6,
} as const;
export type Kind = (typeof Kind)[keyof typeof Kind];
export const KIND_COUNT = 7;

/** What a scan knows of the disk from an offset on: up to where, and what is there unless a table has to be read for it. */
export interface Outlook {
  /** Past the offset that was asked about. */
  readonly end: number;
  /** One kind for all of it; undefined where `paint` has to tell. */
  readonly kind: Kind | undefined;
  /** Host offset of the first byte, no less than how far it is into the largest unit of a chain; or -1. Only with a kind. */
  readonly host: number;
}

/** Where kinds are put: in the kernel's memory, see `src/kernel`. */
export interface Strip {
  readonly kernel: Kernel;
  /** A byte for each unit. */
  readonly kinds: number;
  /** A 64-bit host offset for each unit, or -1; 0 where they are not asked for. */
  readonly hosts: number;
}

/**
 * One state of one layer, told unit by unit. Ranges may be asked for in any order; one after the other within what
 * `begin` announced costs the fewest reads.
 */
export interface LayerScan {
  /** Bytes of the disk that one kind stands for, a power of two. */
  readonly unit: number;
  /** Bytes of the disk that are told together, a power of two: one unit or several. */
  readonly block: number;
  /**
   * Where what one reading tells ends, of what is told at an offset: where that reading fails, no more is unknown. The
   * end of the block when left out.
   */
  endOfPiece?(at: number): number;
  /** Announces that `[from, to)` is asked for next: tables are read ahead up to there. @throws DiskError */
  begin(from: number, to: number): void;
  /** @param limit nothing past it matters. @throws DiskError when a table can't be read */
  ahead(at: number, limit: number): Outlook;
  /**
   * Tells the kinds of the `blocks` blocks from `from` on, a multiple of `block`; of what they hold past the layer's end,
   * Absent or anything. Never Unknown: that is `ahead`'s to tell, or an error.
   * @param toldBefore what is odd about blocks that begin before this offset was counted already
   * @throws DiskError when a table can't be read: then nothing was counted
   */
  paint(from: number, blocks: number, strip: Strip, toldBefore: number): void;
  /** Counts what is odd about the tables that begin in `[from, to)`, once that was told. @throws DiskError */
  conclude?(from: number, to: number): void;
  /** What was odd in what was told since this scan began, by code. */
  readonly oddities: Oddities;
  /**
   * What the tables hold that were read since `begin`, as a number that another content has not, but for chance; they
   * are added up in any order. Undefined unless it was asked for, and where there are no tables.
   */
  readonly fingerprint?: number | undefined;
  /** Reads all tables of `[from, to)`: `fingerprint` is then as if they had been painted. @throws DiskError */
  readTables?(from: number, to: number): void;
}

export interface ScanOptions {
  /** How many bytes of tables may be read ahead. */
  readonly windowBytes: number;
  readonly fingerprints?: boolean | undefined;
}

/** How often something was odd, and the first place: an offset of the disk, or of the file for a table. */
export interface Oddity {
  readonly count: number;
  readonly first: number;
}
export type Oddities = ReadonlyMap<string, Oddity>;

/** A part of the guest's disk, `[start, end)`. */
export interface GuestPart {
  readonly start: number;
  readonly end: number;
}

/** A part that is all of one kind, and the host offset of its first byte, as an `OwnershipMap` has it. */
export interface PlacedRun extends GuestPart {
  readonly kind: Kind;
  readonly host: number;
}

/** A state of the disk that a layer holds: its current one, or an internal snapshot. */
export interface View {
  /** `''` for the current state, otherwise the snapshot's id in the image. */
  readonly id: string;
  readonly name: string;
  /** Size of the virtual disk in this state. */
  readonly guestSize: number;
  readonly snapshot?: InternalSnapshot | undefined;
}

/** An internal snapshot as the image lists it. */
export interface InternalSnapshot {
  readonly id: string;
  readonly name: string;
  /** Milliseconds since 1970, whole seconds of it: the rest is `dateNanoseconds`. */
  readonly date: number;
  /** Nanoseconds within that second, as the image has them. */
  readonly dateNanoseconds: number;
  /** Running time of the VM when it was taken. In two parts: 104 days of nanoseconds fill a safe integer. */
  readonly vmClock: { readonly seconds: number; readonly nanoseconds: number };
  /** Bytes of saved VM memory and device state. */
  readonly vmStateSize: number;
  /** Instruction count of a recorded run, when there is one. */
  readonly icount?: number | undefined;
}

export interface Bitmap {
  readonly name: string;
  /** Bytes of the disk that one bit stands for. */
  readonly granularity: number;
  readonly flags: readonly ('in-use' | 'auto')[];
}

/** A fact about an image, for a person to read. */
export interface Fact {
  readonly label: string;
  readonly value: string | number | boolean;
  readonly unit?: 'bytes' | 'bits' | undefined;
}

/** One table consulted on the way to a block. */
export interface Lookup {
  readonly table: string;
  readonly index: number;
  /** Where the entry stands in the layer's file. */
  readonly entryOffset: HostOffset;
  /** The raw entry, `0x` and all its digits. */
  readonly entry: string;
  readonly flags: readonly string[];
}

/** How one layer answers for one guest offset. */
export interface LayerTrace {
  readonly kind: Kind;
  readonly lookups: readonly Lookup[];
  /** Host offset of the very byte asked for (of the compressed data's start where compressed). */
  readonly hostOffset?: HostOffset | undefined;
  /** Path of the file that this is an offset of, where that is not the layer's own. */
  readonly holder?: string | undefined;
  /** Guest range `[start, end)` of the allocation unit (cluster or subcluster) around the offset. */
  readonly unitStart: GuestOffset;
  readonly unitEnd: GuestOffset;
  /** Bytes that the unit takes in the file, where it is compressed. */
  readonly compressedLength?: number | undefined;
  /** What a write to this byte would do here, if the layer were the active one. */
  readonly write: WriteEffect;
}

/** What a write to a block would do to the active layer. */
export interface WriteEffect {
  /** `in-place`: written where it is. `allocate`: new space in the file. `copy`: new space, and the rest of the unit copied into it. */
  readonly effect: 'in-place' | 'allocate' | 'copy' | 'impossible';
  /** Bytes of new space in the file. */
  readonly bytes: number;
  /** Why, in a few words: "shared with a snapshot", "compressed" … */
  readonly reason?: string | undefined;
}

/**
 * A file that holds a part of a layer's data. Host offsets of such a layer count through all its files: each has a place
 * in one *host space*, which says both which file is meant and where in it (`hostSpace.ts`).
 */
export interface HeldFile {
  readonly identity: ImageIdentity;
  /** Where the file begins in the layer's host space. */
  readonly base: number;
  readonly size: number;
  /** As of a `ByteSource`. */
  readonly diskUsage?: number | undefined;
  readonly modified?: number | undefined;
}

/** One image, and nothing of its parents. */
export interface Layer {
  /** Driver id: `raw`, `qcow2` … */
  readonly format: string;
  readonly guestSize: number;
  /** Allocation unit in bytes. */
  readonly grain: number;
  /** The parent as the image writes it; undefined for a base. */
  readonly parent?: FileReference | undefined;
  /** What those that stand on it know it by, any of those of one kind; none of a format that has nothing of the kind. */
  readonly linkIds?: readonly LinkId[] | undefined;
  /** The files of its host space, in rising order; left out where that is one file, at 0. */
  readonly files?: readonly HeldFile[] | undefined;
  /** `views[0]` is the current state. */
  readonly views: readonly View[];
  readonly bitmaps: readonly Bitmap[];
  readonly facts: readonly Fact[];
  /** Of the image, of its current state and of others that were scanned. Grows while the layer is scanned. */
  readonly findings: readonly Finding[];
  /** False when the content can't be read as the guest sees it (encrypted). */
  readonly readable: boolean;
  /** `format-specific` of `qemu-img info`, plus the other keys it has for this format. */
  readonly info: LayerInfo;
  /**
   * A scan of a view's tables, whose window of tables is in the kernel's memory.
   * @throws DiskError when the view can't be scanned at all
   */
  scan(view: View, kernel: Kernel, options: ScanOptions): LayerScan;
  /** Those findings that count where one state is looked at: of the image, and of that state. */
  findingsOf(view: View): readonly Finding[];
  /** Adds to the findings what scans of all of a view found odd, together. */
  scanned(view: View, oddities: Oddities): void;
  /** @throws DiskError only when reading fails, and where a scan gives up; a nonsensical entry is answered as `invalid` */
  trace(view: View, offset: GuestOffset): LayerTrace;
  /**
   * Bytes that this layer itself holds for `[offset, offset + target.length)`. Only asked for ranges whose
   * kind is data or compressed.
   */
  read(view: View, offset: GuestOffset, target: Uint8Array): void;
  /**
   * The same, without a look into the tables, for a range whose kind is data and whose host offset a scan told. Left out
   * where `read` looks nothing up.
   */
  readData?(host: number, target: Uint8Array): void;
  /**
   * Where the file that holds this layer's data has holes, when its data clusters are known to lie in such: space that
   * was promised (`preallocation=metadata`) and never written. QEMU calls those data *and* zero. Undefined otherwise.
   */
  unwritten?(): HostExtents | undefined;
  /**
   * What of a view's disk is mapped by tables that lie past the end of the file, in rising parts: they read as empty. Left
   * out where there are no tables. @throws DiskError
   */
  lostTables?(view: View): Iterable<GuestPart>;
  /**
   * From which guest offset on, within a run that a scan told, data lies past the end of the file that holds it, whole
   * allocation units of it, or compressed data of which a part does. Undefined where none does. Left out where none can.
   * @throws DiskError
   */
  firstPastEnd?(view: View, run: PlacedRun): number | undefined;
  /** Checks the image by itself, without its parents. Undefined for a format that has nothing to check. */
  check?(): Job<CheckReport>;
  close(): void;
}

/** What `info` prints of a layer, in the words of `qemu-img info --output=json`. */
export interface LayerInfo {
  readonly 'cluster-size'?: number;
  readonly 'dirty-flag': boolean;
  /** As the image records it, whatever the parent's name says of it. */
  readonly 'backing-filename-format'?: string;
  readonly encrypted?: boolean;
  readonly compressed?: boolean;
  readonly 'format-specific'?: { readonly type: string; readonly data: Readonly<Record<string, unknown>> };
}

// ---------------------------------------------------------------------------------------------
// The chain
// ---------------------------------------------------------------------------------------------

export interface ChainLayer {
  /** 0 is the leaf. */
  readonly depth: number;
  readonly identity: ImageIdentity;
  readonly layer: Layer;
  readonly source: ByteSource;
  /**
   * Other files that the layer says hold part of its data: the path of each that was opened, else what its name was
   * understood as. None that is not allowed.
   */
  readonly companions: readonly string[];
  /** The file that its host offsets are about, where that is another one and was opened. */
  readonly dataFile?: ImageIdentity | undefined;
  /** Findings about this layer's link to the next one, beside `layer.findings`. */
  readonly findings: readonly Finding[];
}

/** How a chain ends below its last readable layer. A broken chain is a value to draw, not an exception. */
export type ChainEnd =
  | { readonly kind: 'base' }
  | {
      readonly kind: 'missing' | 'refused' | 'cycle' | 'too-deep';
      /** The parent's name as the last layer writes it. */
      readonly written: string;
      /** Where it was looked for, or the written name where that has no meaning here. */
      readonly name: string;
      readonly message: string;
      /** The gate's reason, where it was the gate that said no. */
      readonly reason?: RefusalReason | undefined;
    };
export type ChainEndKind = ChainEnd['kind'];

/** A leaf and everything that it stands on, newest first: `layers[0]` is the leaf. */
export interface Chain {
  readonly layers: readonly ChainLayer[];
  readonly end: ChainEnd;
}

// ---------------------------------------------------------------------------------------------
// Ownership
// ---------------------------------------------------------------------------------------------

/** Owner of a range that no layer holds: it reads as zero. */
export const NOBODY = -1;
/** Owner of a range whose answer lies below a missing parent. */
export const UNKNOWN_OWNER = -2;

/**
 * Who answers each byte of `[0, guestSize of the leaf)`, or of a part of it, in columns: `owner` is a depth, NOBODY or
 * UNKNOWN_OWNER. Every byte has exactly one owner, so the owners' bytes add up to the guest size.
 *
 * `start` has `count + 1` entries, strictly rising; the first is where the part begins, the last is its end. So run `i`
 * covers `[start[i], start[i + 1])`. No two neighbours could be one run, so two maps of the same part are the same
 * exactly when their columns are equal.
 */
export interface OwnershipMap {
  readonly count: number;
  readonly start: Float64Array;
  readonly owner: Int16Array;
  readonly kind: Uint8Array;
  /**
   * Host offset of the first byte of each run in the owner's file, or -1; neighbours with offsets join only where they
   * are contiguous. In a compressed cluster it counts on from where the compressed bytes begin: it tells clusters apart,
   * no byte of them. Left out where they were not asked for.
   */
  readonly host?: Float64Array | undefined;
}

/** Guest bytes, per layer. `owned = ownedData + ownedZero + ownedCompressed`. */
export interface LayerAccount {
  readonly owned: number;
  readonly ownedData: number;
  readonly ownedZero: number;
  readonly ownedCompressed: number;
  /** Allocated here, yet hidden by a newer layer (or by a newer layer's end), inside the leaf's size. */
  readonly shadowed: number;
}

export interface Accounting {
  readonly guestSize: number;
  readonly nobody: number;
  readonly unknown: number;
  readonly layers: readonly LayerAccount[];
}

/**
 * What each of `cells` equal slices of a byte range holds. Cell `c` has the parts `first[c] … first[c + 1] - 1`, in
 * the order in which they first appear in the cell. The size follows the screen, never the disk.
 */
export interface Pixels {
  readonly rangeStart: number;
  readonly rangeEnd: number;
  /** Bytes per cell; the last may be cut short by `rangeEnd`. */
  readonly cellBytes: number;
  readonly cells: number;
  readonly first: Uint32Array;
  readonly owner: Int16Array;
  readonly kind: Uint8Array;
  readonly bytes: Float64Array;
}

// ---------------------------------------------------------------------------------------------
// The walk of a read
// ---------------------------------------------------------------------------------------------

export interface TraceStep extends LayerTrace {
  readonly depth: number;
  readonly filename: string;
  /** Path of the file that `hostOffset` is an offset of, where that is not the image. */
  readonly holder?: string | undefined;
  /** `hidden`: a newer layer answered first; told so that the inspector can show what lies underneath. */
  readonly role: 'passed' | 'owner' | 'hidden';
}

export interface Trace {
  readonly offset: GuestOffset;
  /** Depth of the owner, NOBODY or UNKNOWN_OWNER. */
  readonly owner: number;
  readonly kind: Kind;
  readonly steps: readonly TraceStep[];
  /** Why the walk ended where nobody answered: past the end of a shorter parent, or a broken chain. */
  readonly ended?: string | undefined;
  /** `copiesFrom`: depths of the layers that hold what a copy brings along, newest first. */
  readonly write: WriteEffect & { readonly copiesFrom?: readonly number[] | undefined };
}

// ---------------------------------------------------------------------------------------------
// Checking
// ---------------------------------------------------------------------------------------------

/** What a part of an image's own file is used for. */
export const Use = {
  /** Not counted as used, and nothing refers to it. */
  Free: 0,
  /** Counted as used, though nothing refers to it. */
  Leaked: 1,
  Header: 2,
  L1: 3,
  L2: 4,
  /** The reference count table and its blocks. */
  Refcounts: 5,
  /** Data of the current state. */
  Data: 6,
  /** Data of the current state, compressed. */
  Compressed: 7,
  /** Space kept for clusters that read as zero. */
  Preallocated: 8,
  /** The snapshot table, and L1 and L2 tables that only internal snapshots use. */
  SnapshotTables: 9,
  /** Data that only internal snapshots use: what deleting them would free. */
  SnapshotData: 10,
  Bitmaps: 11,
  /** The LUKS header and its key material. */
  Encryption: 12,
  /** Claimed by more than one, of which all but one will be wrong once it is written to. */
  Contested: 13,
  /** Referred to more often than it is counted: a write may take it for free, or write to what is shared. */
  Uncounted: 14,
  /** Not told: the file is in too many pieces to keep, or the check broke off. */
  Unknown: 15,
  /** What says where each block of the disk is, where that is no L1 and L2 table: a block allocation table, grain tables … */
  BlockTables: 16,
  /** Which sectors of a block are the layer's own. */
  SectorBitmaps: 17,
  /** Changes of tables that are not carried out yet. */
  Log: 18,
  /** Copies of headers and tables, for when the first ones are broken. */
  Copies: 19,
} as const;
export type Use = (typeof Use)[keyof typeof Use];
export const USE_COUNT = 20;

/** What lies where in an image's file, in columns like an `OwnershipMap`; of qcow2 in whole clusters, so the last may end past the file. */
export interface FileMap {
  readonly count: number;
  readonly start: Float64Array;
  readonly use: Uint8Array;
}

/** A range `[start, end)` of the guest's disk in one state of an image. */
export interface GuestRange {
  /** The view's id: `''` is the current state. */
  readonly view: string;
  readonly start: number;
  readonly end: number;
}

/** What a check found at one place. */
export interface CheckProblem extends Finding {
  /** As what `qemu-img check` counts it; `further` is what it does not look for. */
  readonly counts: 'corruption' | 'leak' | 'error' | 'further';
  /** How many of them this stands for: one problem may tell of a run of clusters. */
  readonly times: number;
  /** The place in the file that it is about, `[start, end)`. */
  readonly host?: { readonly start: number; readonly end: number } | undefined;
  /** Who refers to that place, in words, the first few: "L2 entry 5 of the table at L1 index 0, the current state". */
  readonly claims: readonly string[];
  /** The guest's bytes that it touches, as far as that is known; at most a few for each problem. */
  readonly guest: readonly GuestRange[];
  /** How many such places were found, where `guest` has only the first of them. */
  readonly guestPlaces?: number | undefined;
}

/** The numbers of `qemu-img check` (qapi/block-core.json, ImageCheck), counted as it counts them. */
export interface CheckCounts {
  readonly checkErrors: number;
  readonly corruptions: number;
  readonly leaks: number;
  /** Corruptions that `qemu-img check` does not look for. */
  readonly further: number;
  /** End of the last cluster in use, bytes; undefined where the check broke off before it was known. */
  readonly imageEnd: number | undefined;
  /** Clusters of the guest's disk. */
  readonly totalClusters: number;
  readonly allocatedClusters: number;
  readonly fragmentedClusters: number;
  readonly compressedClusters: number;
}

export interface CheckReport {
  readonly counts: CheckCounts;
  /** In the order in which they were found, at most `MAX_PROBLEMS` of them. */
  readonly problems: readonly CheckProblem[];
  /** How many more there are. */
  readonly untold: number;
  readonly file: FileMap;
}

// ---------------------------------------------------------------------------------------------
// Comparing
// ---------------------------------------------------------------------------------------------

/** Ranges of a disk in columns: range `i` is `[start[i], end[i])`; rising, and no two touch. */
export interface Ranges {
  readonly count: number;
  readonly start: Float64Array;
  readonly end: Float64Array;
}
