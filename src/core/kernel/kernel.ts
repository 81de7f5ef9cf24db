import bytes from 'kernel.wasm';

/** What the core uses of WebAssembly, which every host of JavaScript has. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
};

interface Memory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

/** The functions of `src/kernel`; what they take is told there. Pointers are positions in the memory. */
export interface KernelExports {
  readonly memory: Memory;
  readonly oddEntries: { readonly value: number };
  readonly firstOddEntry: { readonly value: number };
  readonly pastEnds: { readonly value: number };
  readonly firstPastEnd: { readonly value: number };
  readonly standard: (...of: EntriesOf) => number;
  readonly extended: (...of: EntriesOf) => number;
  fill(kinds: number, hosts: number, count: number, kind: number, host: number, unit: number): void;
  expand(
    kinds: number,
    hosts: number,
    shift: number,
    skip: number,
    toKinds: number,
    toHosts: number,
    count: number,
    unit: number,
  ): void;
  fingerprint(pointer: number, bytes: number, place: number): number;
  count(kinds: number, count: number): number;
  overlay(kinds: number, hosts: number, count: number, codes: number, codeHosts: number, owner: number): number;
  cover(codes: number, codeHosts: number, count: number, code: number, host: number, unit: number): void;
  runs(
    codes: number,
    hosts: number,
    count: number,
    unit: number,
    ends: number,
    runCodes: number,
    runHosts: number,
  ): number;
  readonly chunkTiles: { readonly value: number };
  readonly chunkRuns: { readonly value: number };
  readonly chunkSums: { readonly value: number };
  layChunk(
    start: number,
    unit: number,
    firstRun: number,
    firstSum: number,
    pairsOfRuns: number,
    pairsOfSums: number,
    counts: number,
    bytes: number,
  ): void;
  clearChunk(): void;
  addOne(from: number, bytes: number, code: number): void;
  addUnits(codes: number, count: number, size: number, phase: number, from: number, unit: number): void;
  endChunk(end: number): void;
  addGroups(perGroup: number, firstInGroup: number, codes: number, bytes: number): number;
  /** AssemblyScript's `bool` is 0 or 1 here. */
  groupsCut(cells: number, chunk: number): number;
  runsNeeded(cells: number, chunk: number, ranges: number): number;
  addChunk(cells: number, chunk: number): number;
}

type EntriesOf = [
  entries: number,
  count: number,
  kinds: number,
  hosts: number,
  flags: number,
  clusterBits: number,
  fileEnd: number,
  guest: number,
];

const PAGE = 65536;
/** Instances that are kept for the next who needs one: making one maps gigabytes of addresses, if no memory. */
const KEPT = 4;
/** A memory never shrinks: one that grew larger is not kept. */
const MAX_KEPT_BYTES = 8 << 20;

let compiled: object | undefined;
const idle: Kernel[] = [];

/**
 * The loops over millions of entries (`src/kernel`), with a memory of their own. Whoever takes one lays its memory out
 * anew, and gives it back when done.
 */
export class Kernel {
  readonly run: KernelExports;
  private end = 0;
  private taken = true;
  private views: {
    readonly u8: Uint8Array;
    readonly u16: Uint16Array;
    readonly u32: Uint32Array;
    readonly f64: Float64Array;
    readonly i64: BigInt64Array;
  };

  private constructor() {
    compiled ??= new WebAssembly.Module(bytes);
    this.run = new WebAssembly.Instance(compiled, { env: { abort } }).exports as KernelExports;
    this.views = viewsOf(this.run.memory);
  }

  static take(): Kernel {
    const kernel = idle.pop() ?? new Kernel();
    kernel.end = 0;
    kernel.taken = true;
    return kernel;
  }

  /** Gives it back. Whoever took it releases it once: it may be another's by then. */
  release(): void {
    if (!this.taken) throw new Error('a kernel is released by who has taken it');
    this.taken = false;
    const small = this.run.memory.buffer.byteLength <= MAX_KEPT_BYTES;
    if (small && idle.length < KEPT) idle.push(this);
  }

  /** Reserves memory, aligned to 16 bytes; what is in it is undefined. @returns where it begins */
  reserve(length: number): number {
    // Nothing is at 0, which means "none" in calls.
    const at = Math.max(16, Math.ceil(this.end / 16) * 16);
    this.end = at + length;
    const missing = this.end - this.run.memory.buffer.byteLength;
    if (missing > 0) {
      this.run.memory.grow(Math.ceil(missing / PAGE));
      this.views = viewsOf(this.run.memory);
    }
    return at;
  }

  /** Views of the whole memory; they are others after memory was reserved. */
  get u8(): Uint8Array {
    return this.views.u8;
  }
  get u16(): Uint16Array {
    return this.views.u16;
  }
  get u32(): Uint32Array {
    return this.views.u32;
  }
  get f64(): Float64Array {
    return this.views.f64;
  }
  get i64(): BigInt64Array {
    return this.views.i64;
  }
}

function viewsOf({ buffer }: Memory): Kernel['views'] {
  return {
    u8: new Uint8Array(buffer),
    u16: new Uint16Array(buffer),
    u32: new Uint32Array(buffer),
    f64: new Float64Array(buffer),
    i64: new BigInt64Array(buffer),
  };
}

function abort(): never {
  throw new Error('the kernel was called with what it does not know');
}
