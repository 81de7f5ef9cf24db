import { Kernel } from '../kernel/kernel';
import type { Pixels } from '../model';
import { codeCount } from '../scan/codes';
import type { Chunk } from './chunk';

/** A range of the disk in cells; see `Pixels`. */
export interface Viewport {
  readonly start: number;
  /** Where the last cell ends, or the disk does. */
  readonly end: number;
  readonly cellBytes: number;
  readonly cells: number;
}

/** For so many the kernel has room, before they are moved out of its memory: enough for a screen, also with sixty layers. */
const PARTS = 2 ** 19;

/** Of the kernel's `Cells`, in this order: doubles, then 32 bits each. */
const CELLS_BYTES = 4 * 8 + 12 * 4;
/** Those that are looked at here, by their place in 32 bits. */
const CELL = 8;
const EMPTIED = 11;
const WRITTEN = 12;

/** Of the kernel's `Chunk`: the places of the arrays, then three numbers, 32 bits each. */
const CHUNK_BYTES = 12 * 4;

type Numbers = Float64Array | Uint32Array | Uint16Array;
type Parts = Pick<Pixels, 'owner' | 'kind' | 'bytes'>;

/**
 * What the cells of a viewport hold.
 * @param chunks those that it touches, in order and without a gap
 * @param owners how many there may be, from 0 on
 */
export function cellsOf(viewport: Viewport, chunks: readonly Chunk[], owners: number): Pixels {
  const kernel = Kernel.take();
  try {
    const adder = new CellAdder(kernel, viewport, owners, Math.max(0, ...chunks.map(placeNeeded)));
    for (const chunk of chunks) adder.add(chunk);
    return adder.take();
  } finally {
    kernel.release();
  }
}

/** Adds up chunk by chunk, in the kernel; `src/kernel/cells.ts` tells how its memory is laid out. */
class CellAdder {
  /** Where the kernel's `Cells` and `Chunk` are, and what they tell the places of. */
  private readonly state: number;
  private readonly chunk: number;
  private readonly place: number;
  private readonly first: number;
  private readonly bytes: number;
  private readonly owner: number;
  private readonly kind: number;
  /** Parts that the kernel had no more room for. */
  private readonly emptied: Parts[] = [];
  private partsEmptied = 0;

  /** @param place bytes of the largest chunk's arrays */
  constructor(
    private readonly kernel: Kernel,
    private readonly viewport: Viewport,
    owners: number,
    place: number,
  ) {
    const { start, end, cellBytes, cells } = viewport;
    const codes = codeCount(owners);
    const room = Math.max(codes, Math.min(PARTS, cells * codes));
    this.state = kernel.reserve(CELLS_BYTES);
    this.chunk = kernel.reserve(CHUNK_BYTES);
    this.place = kernel.reserve(place);
    this.first = kernel.reserve((cells + 1) * 4);
    this.bytes = kernel.reserve(room * 8);
    this.owner = kernel.reserve(room * 2);
    this.kind = kernel.reserve(room);
    const sums = kernel.reserve(codes * 8);
    const seen = kernel.reserve((codes + 1) * 2);
    kernel.u8.fill(0, sums, sums + codes * 8);
    kernel.u32[this.first / 4] = 0;
    kernel.f64.set([start, cellBytes, end, start], this.state / 8);
    const { first, bytes, owner, kind } = this;
    kernel.u32.set([0, cells, first, 0, 0, room, bytes, owner, kind, sums, seen, 0], this.state / 4 + CELL);
  }

  add(chunk: Chunk): void {
    const { kernel, state } = this;
    this.put(chunk);
    while (!kernel.run.addChunk(state, this.chunk)) {
      const { owner, kind, bytes } = this.written();
      this.emptied.push({ owner: owner.slice(), kind: kind.slice(), bytes: bytes.slice() });
      this.partsEmptied += bytes.length;
      kernel.u32.set([this.partsEmptied, 0], state / 4 + EMPTIED);
    }
  }

  /** All arrays are parts of one buffer. */
  take(): Pixels {
    const { kernel, viewport, state } = this;
    const { start, end, cellBytes, cells } = viewport;
    const finished = kernel.u32[state / 4 + CELL] ?? 0;
    const pieces = [...this.emptied, this.written()];
    const parts = kernel.u32[this.first / 4 + finished] ?? 0;
    const buffer = new ArrayBuffer(parts * 11 + (cells + 1) * 4);
    const bytes = new Float64Array(buffer, 0, parts);
    const first = new Uint32Array(buffer, parts * 8, cells + 1);
    const owner = new Int16Array(buffer, parts * 8 + (cells + 1) * 4, parts);
    const kind = new Uint8Array(buffer, parts * 10 + (cells + 1) * 4, parts);
    let at = 0;
    for (const piece of pieces) {
      bytes.set(piece.bytes, at);
      owner.set(piece.owner, at);
      kind.set(piece.kind, at);
      at += piece.bytes.length;
    }
    first.set(kernel.u32.subarray(this.first / 4, this.first / 4 + finished + 1));
    first.fill(parts, finished + 1);
    return { rangeStart: start, rangeEnd: end, cellBytes, cells, first, owner, kind, bytes };
  }

  /** Puts of a chunk what is needed into the kernel's memory: of most of it only the groups, and few runs. */
  private put(chunk: Chunk): void {
    const { f64, u32, u16, run } = this.kernel;
    let field = this.chunk / 4;
    let next = this.place;
    const placeOf = (array: Numbers): number => {
      const at = next;
      u32[field++] = at;
      next += roundUp(array.byteLength);
      return at;
    };
    f64.set(chunk.start, placeOf(chunk.start) / 8);
    u32.set(chunk.firstInGroup, placeOf(chunk.firstInGroup) / 4);
    u16.set(chunk.groupCode, placeOf(chunk.groupCode) / 2);
    f64.set(chunk.groupBytes, placeOf(chunk.groupBytes) / 8);
    const unit = placeOf(chunk.unit);
    const firstRun = placeOf(chunk.firstRun);
    const firstSum = placeOf(chunk.firstSum);
    const sums = placeOf(chunk.sums);
    const runs = placeOf(chunk.runs);
    u32[field++] = chunk.tiles;
    u32[field++] = chunk.perGroup;
    u32[field] = Number(chunk.coarse);
    if (run.groupsCut(this.state, this.chunk) === 0) return;
    f64.set(chunk.unit, unit / 8);
    u32.set(chunk.firstRun, firstRun / 4);
    u32.set(chunk.firstSum, firstSum / 4);
    u16.set(chunk.sums, sums / 2);
    const ranges = next / 4;
    const end = ranges + run.runsNeeded(this.state, this.chunk, next) * 2;
    for (let range = ranges; range < end; range += 2) {
      const from = (u32[range] ?? 0) * 2;
      u16.set(chunk.runs.subarray(from, (u32[range + 1] ?? 0) * 2), runs / 2 + from);
    }
  }

  /** The parts in the kernel's memory. */
  private written(): Parts {
    const { kernel, state } = this;
    const { buffer } = kernel.u8;
    const parts = kernel.u32[state / 4 + WRITTEN] ?? 0;
    return {
      bytes: new Float64Array(buffer, this.bytes, parts),
      owner: new Int16Array(buffer, this.owner, parts),
      kind: new Uint8Array(buffer, this.kind, parts),
    };
  }
}

/** Bytes of a chunk's arrays, and of what the kernel says which runs it needs. */
const placeNeeded = (chunk: Chunk): number =>
  Object.values(chunk).reduce<number>(
    (sum, value: unknown) => sum + (ArrayBuffer.isView(value) ? roundUp(value.byteLength) : 0),
    chunk.tiles * 8,
  );

const roundUp = (bytes: number): number => Math.ceil(bytes / 8) * 8;
