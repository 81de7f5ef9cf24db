import type { ByteSource, OpenedSource } from '../../src/core';

/** One call of `readInto`, or a piece of `readEach`. */
export interface Read {
  readonly file: string;
  readonly position: number;
  readonly length: number;
}

/** What was read of one file, or of several: to be compared as a whole. */
export interface Tally {
  readonly reads: number;
  readonly bytes: number;
  /** In order. */
  readonly places: readonly (readonly [offset: number, length: number])[];
}

/** The tally of reads at these places, which is what a test expects. */
export function readsAt(...places: readonly (readonly [offset: number, length: number])[]): Tally {
  return { reads: places.length, bytes: places.reduce((sum, [, length]) => sum + length, 0), places };
}

/** Takes the reads of one file, or of all, out of a list. */
export function takeReads(reads: Read[], file?: string): Tally {
  const taken = reads.filter((read) => file === undefined || read.file === file);
  const left = reads.filter((read) => !taken.includes(read));
  reads.splice(0, reads.length, ...left);
  return readsAt(...taken.map(({ position, length }) => [position, length] as const));
}

/** Notes what is read of files, a real one or one in memory, by their names. */
export class ReadCounter {
  private readonly noted: Read[] = [];

  /** The same file, noted from here on. */
  source(source: ByteSource, file = '/file'): ByteSource {
    const note = (position: number, length: number): void => {
      this.noted.push({ file, position, length });
    };
    const readEach = source.readEach?.bind(source);
    return {
      size: source.size,
      origin: source.origin,
      diskUsage: source.diskUsage,
      modified: source.modified,
      readInto: (target, position) => {
        note(position, target.length);
        source.readInto(target, position);
      },
      ...(readEach && {
        readEach: (target: Uint8Array, positions: readonly number[]) => {
          for (const position of positions) note(position, target.length / positions.length);
          readEach(target, positions);
        },
      }),
      ...(source.changed ? { changed: source.changed.bind(source) } : {}),
      ...(source.extents ? { extents: source.extents.bind(source) } : {}),
      close: () => {
        source.close();
      },
    };
  }

  opened({ identity, source }: OpenedSource): OpenedSource {
    return { identity, source: this.source(source, identity.path) };
  }

  /** What was read since this was asked last, of all files or of one; what was read of others stays. */
  take(file?: string): Tally {
    return takeReads(this.noted, file);
  }
}
