/** Files that are only in memory, and the core's world around them: every read is counted, no disk is touched. */
import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import type {
  ByteSource,
  Codecs,
  Environment,
  FileReference,
  Gate,
  GateAnswer,
  HostExtents,
  ImageIdentity,
  OpenedSource,
  RefusalReason,
} from '../../src/core';
import { DiskError } from '../../src/core';
import type { Read, Tally } from './countingSource';
import { takeReads } from './countingSource';

/** A file that is held in some other way than byte for byte, such as a `SparseImage`. */
export interface Peekable {
  readonly size: number;
  /** The bytes of `[offset, offset + length)`, shorter where the file ends. */
  peek(offset: number, length: number): Uint8Array;
}

export interface MemoryFile {
  readonly bytes: Uint8Array | Peekable;
  readonly extents?: HostExtents;
  readonly diskUsage?: number;
  /** Milliseconds since 1970. */
  readonly modified?: number;
  /** Reading from this byte on fails, as a broken disk does. */
  readonly failsFrom?: number;
  /** Whether the file was written to since it was asked last. */
  readonly changed?: () => boolean;
}

/** A folder of files, all under `/`; also the gate that opens them by the names that images write. */
export class MemoryDisk implements Gate {
  readonly reads: Read[] = [];
  /** Names of the files that are open now, one for each time. */
  readonly openFiles: string[] = [];
  /** Every name that the gate was asked for, as it resolved it. */
  readonly asked: string[] = [];
  readonly environment: Environment = { gate: this, codecs: CODECS };
  private readonly files = new Map<string, MemoryFile>();
  private readonly refusals = new Map<string, RefusalReason>();

  put(name: string, file: MemoryFile | Uint8Array | Peekable): this {
    this.files.set(name, file instanceof Uint8Array || !('bytes' in file) ? { bytes: file } : file);
    return this;
  }

  /** Asked for this name, the gate will say no. */
  refuse(name: string, reason: RefusalReason): this {
    this.refusals.set(name, reason);
    return this;
  }

  /** A file by its own name. @throws Error when there is none: the test is wrong */
  leaf(name: string): OpenedSource {
    const file = this.files.get(name);
    if (!file) throw new Error(`no file ${name} was put into memory`);
    return { identity: { id: name, path: name }, source: this.source(name, file) };
  }

  open({ target, written }: FileReference, from: ImageIdentity): GateAnswer {
    if (target.kind === 'refused') {
      return { ok: false, refusal: { reason: target.reason, name: written, message: target.message } };
    }
    if (target.kind === 'search') throw new Error('what is only looked for can not be opened by name');
    const name = posix.resolve(posix.dirname(from.path), target.path);
    this.asked.push(name);
    const reason = this.refusals.get(name) ?? (this.files.has(name) ? undefined : 'missing');
    if (reason !== undefined)
      return { ok: false, refusal: { reason, name, message: `${name} is not opened: ${reason}` } };
    return { ok: true, opened: this.leaf(name), findings: [] };
  }

  /** All files whose names end so, in the order in which they were put here. */
  find(reference: FileReference): readonly FileReference[] {
    const { target } = reference;
    const endings = target.kind === 'search' ? target.endings : [];
    return [...this.files.keys()]
      .filter((path) => endings.some((ending) => path.endsWith(ending)))
      .map((path) => ({ ...reference, target: { kind: 'path', path, relativeTo: 'image' } }));
  }

  /** What was read of one file. */
  readsOf(name: string): Read[] {
    return this.reads.filter(({ file }) => file === name);
  }

  /** What was read since this was asked last, of all files or of one; what was read of others stays. */
  takeReads(name?: string): Tally {
    return takeReads(this.reads, name);
  }

  private source(
    name: string,
    { bytes, extents, diskUsage, modified, changed, failsFrom = Infinity }: MemoryFile,
  ): ByteSource {
    const size = bytes instanceof Uint8Array ? bytes.length : bytes.size;
    this.openFiles.push(name);
    const readInto = (target: Uint8Array, position: number): void => {
      this.reads.push({ file: name, position, length: target.length });
      if (target.length === 0) return;
      if (position < 0 || position + target.length > size)
        throw new DiskError('short-read', 'the file ends', { file: name, offset: size });
      if (position + target.length > failsFrom)
        throw new DiskError('io', 'reading failed', { file: name, offset: failsFrom });
      target.set(
        bytes instanceof Uint8Array
          ? bytes.subarray(position, position + target.length)
          : bytes.peek(position, target.length),
      );
    };
    return {
      size,
      diskUsage,
      modified,
      readInto,
      readEach: (target, positions) => {
        const each = target.length / positions.length;
        positions.forEach((position, i) => {
          readInto(target.subarray(i * each, (i + 1) * each), position);
        });
      },
      ...(extents ? { extents: () => extents } : {}),
      ...(changed ? { changed } : {}),
      close: () => {
        const at = this.openFiles.indexOf(name);
        if (at >= 0) this.openFiles.splice(at, 1);
      },
    };
  }
}

const CODECS: Codecs = {
  inflateRaw: (input, size) => inflateRawSync(input, { maxOutputLength: size }),
  zstd: () => {
    throw new Error('no zstd here: tests of it use the codecs of src/node');
  },
  sha256: (input) => createHash('sha256').update(input).digest('hex'),
  md5: (input) => createHash('md5').update(input).digest('hex'),
};

/** One file in memory, by itself. */
export function memorySource(file: MemoryFile | Uint8Array | Peekable): ByteSource {
  return new MemoryDisk().put('/file', file).leaf('/file').source;
}

/** Data and holes of a file of `size` bytes from the ranges `[start, end)` that hold data. */
export function extentsOf(size: number, data: readonly (readonly [start: number, end: number])[]): HostExtents {
  const inner = data.flat().filter((bound) => bound > 0 && bound < size);
  return { bounds: Float64Array.of(0, ...inner, size), startsWithData: data[0]?.[0] === 0, certainty: 'exact' };
}
