/**
 * Image files packed for the repository with their holes, and unpacked again.
 *
 * A pack is brotli over: u32 LE length of the header, the header (JSON), the data ranges of all files one after the
 * other. Holes are a property of the file on disk, so the pack names the ranges that hold data; what lies between
 * them is left unwritten. Ranges start and end on 4096-byte boundaries (or at the file's end), which is the
 * granularity that ext4, XFS, Btrfs and tmpfs give back exactly.
 */
import { closeSync, fstatSync, ftruncateSync, mkdirSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import type { Chunk } from '../fixtures/build/index';
import { SparseImage } from '../fixtures/build/index';

export const HOLE_ALIGNMENT = 4096;

export interface PackedFile {
  /** Path below the pack's folder, with `/`. */
  readonly path: string;
  readonly size: number;
  /** Ranges `[start, end)` that take space. */
  readonly data: readonly (readonly [number, number])[];
}

/** `dense`: no holes. `sparse`: every aligned block of zeroes is a hole. A list: exactly these ranges hold data. */
export type HolePolicy = 'dense' | 'sparse' | readonly (readonly [number, number])[];

function sparseRanges(bytes: Uint8Array): [number, number][] {
  const ranges: [number, number][] = [];
  for (let start = 0; start < bytes.length; start += HOLE_ALIGNMENT) {
    const end = Math.min(start + HOLE_ALIGNMENT, bytes.length);
    if (bytes.subarray(start, end).every((byte) => byte === 0)) continue;
    const last = ranges.at(-1);
    if (last?.[1] === start) last[1] = end;
    else ranges.push([start, end]);
  }
  return ranges;
}

function dataRanges(bytes: Uint8Array, policy: HolePolicy): readonly (readonly [number, number])[] {
  if (policy === 'sparse') return sparseRanges(bytes);
  if (policy === 'dense') return bytes.length === 0 ? [] : [[0, bytes.length]];
  for (const [start, end] of policy) {
    const aligned = start % HOLE_ALIGNMENT === 0 && (end % HOLE_ALIGNMENT === 0 || end === bytes.length);
    if (!aligned) throw new Error(`data range [${start}, ${end}) is not aligned to ${HOLE_ALIGNMENT}`);
  }
  return policy;
}

export function pack(folder: string, files: ReadonlyMap<string, HolePolicy>): Uint8Array {
  const header: PackedFile[] = [];
  const parts: Uint8Array[] = [];
  for (const [path, policy] of files) {
    const bytes = readFileSync(join(folder, path));
    const data = dataRanges(bytes, policy);
    header.push({ path, size: bytes.length, data });
    for (const [start, end] of data) parts.push(bytes.subarray(start, end));
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  const plain = Buffer.concat([length, text, ...parts]);
  return brotliCompressSync(plain, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
      [constants.BROTLI_PARAM_SIZE_HINT]: plain.length,
    },
  });
}

/** A pack unpacked: its files, and their data ranges one after the other from `start` on. */
function openPack(packed: Uint8Array): { files: readonly PackedFile[]; plain: Buffer; start: number } {
  const plain = brotliDecompressSync(packed);
  const start = 4 + plain.readUInt32LE(0);
  return { files: JSON.parse(plain.toString('utf8', 4, start)) as PackedFile[], plain, start };
}

/** The files of a pack, in memory, by their path. What is written is in pieces that are cheap to change. */
export function unpackToMemory(packed: Uint8Array): Map<string, SparseImage> {
  const { files, plain, start } = openPack(packed);
  let position = start;
  return new Map(
    files.map(({ path, size, data }) => {
      const chunks: Chunk[] = [];
      for (const [from, to] of data) {
        for (let at = from; at < to; at += HOLE_ALIGNMENT) {
          const length = Math.min(HOLE_ALIGNMENT, to - at);
          chunks.push({ offset: at, bytes: plain.subarray(position, position + length) });
          position += length;
        }
      }
      return [path, new SparseImage(size, chunks)];
    }),
  );
}

/**
 * Writes the files of a pack below `folder`.
 * @param dense write zeroes in place of the holes
 */
export function unpack(packed: Uint8Array, folder: string, dense = false): readonly PackedFile[] {
  const { files, plain, start } = openPack(packed);
  let position = start;
  for (const file of files) {
    const target = join(folder, ...file.path.split('/'));
    mkdirSync(dirname(target), { recursive: true });
    const descriptor = openSync(target, 'w');
    try {
      if (dense) writeFully(descriptor, new Uint8Array(file.size), 0);
      else ftruncateSync(descriptor, file.size);
      for (const [start, end] of file.data) {
        writeFully(descriptor, plain.subarray(position, position + end - start), start);
        position += end - start;
      }
      if (fstatSync(descriptor).size !== file.size) throw new Error(`${file.path}: not written in full`);
    } finally {
      closeSync(descriptor);
    }
  }
  return files;
}

function writeFully(descriptor: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length;) {
    done += writeSync(descriptor, bytes, done, bytes.length - done, position + done);
  }
}

/** How the file system keeps an unpacked file: with the pack's holes, with none, or in some way of its own. */
export function holesOf(folder: string, file: PackedFile): 'as-packed' | 'dense' | 'other' {
  const { blocks } = statSync(join(folder, ...file.path.split('/'))) as { blocks?: number };
  // Windows tells no blocks; a file written there has no holes unless it is marked as sparse.
  if (blocks === undefined) return 'dense';
  const whole = (bytes: number): number => Math.ceil(bytes / HOLE_ALIGNMENT) * HOLE_ALIGNMENT;
  const packed = file.data.reduce((sum, [start, end]) => sum + whole(end) - start, 0);
  if (blocks * 512 === packed) return 'as-packed';
  return blocks * 512 >= file.size ? 'dense' : 'other';
}
