import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import { BLOCK } from './content';
import type { ContentSpec } from './content';

/** Sources of a write that are no file of the list. */
export const LITERAL = -1;
export const DISCARD = -2;
export const ZEROES = -3;

/** `count` disk blocks from `block` on: block `first` and following of file `source`, or one of the above. */
export type Write = readonly [block: number, count: number, source: number, first: number];

/** What happened to the disk between one state and the next. */
export interface Step {
  readonly name: string;
  readonly parent: string | null;
  readonly writes: readonly Write[];
}

/** The guest's disk through its life, as the repository keeps it. */
export interface Guest {
  readonly files: readonly ContentSpec[];
  readonly steps: readonly Step[];
  /** Disk blocks of the file system's journal. */
  readonly journal: readonly (readonly [block: number, count: number])[];
  /** The bytes of the LITERAL writes, in their order. */
  readonly literals: Uint8Array;
}

/** One brotli stream over: u32 LE length of the JSON, the JSON, the literals. */
export function packGuest({ literals, ...rest }: Guest): Uint8Array {
  const json = Buffer.from(JSON.stringify(rest));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  return brotliCompressSync(Buffer.concat([length, json, literals]), {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
    },
  });
}

export function unpackGuest(packed: Uint8Array): Guest {
  const plain = brotliDecompressSync(packed);
  const end = 4 + plain.readUInt32LE(0);
  const rest = JSON.parse(plain.toString('utf8', 4, end)) as Omit<Guest, 'literals'>;
  return { ...rest, literals: plain.subarray(end) };
}

/** How many literal blocks a step carries. */
export function literalBlocks(step: Step): number {
  return step.writes.reduce((sum, [, count, source]) => sum + (source === LITERAL ? count : 0), 0);
}

/** Bytes of one literal block. */
export function literalBlock(guest: Guest, index: number): Uint8Array {
  return guest.literals.subarray(index * BLOCK, (index + 1) * BLOCK);
}
