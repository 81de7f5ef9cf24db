import type { HeldFile, ImageIdentity } from './model';

/**
 * Where the first of several files begins, and how far apart they are at least. More than the largest unit of any format
 * (a VHDX block of 256 MiB), so that a host offset is never less than how far it is into a unit (see `Outlook`), and
 * what lies at the end of one file is never next to what lies at the beginning of another.
 */
const GAP = 2 ** 28;

/** Gives each of several files a place in one space of host offsets. */
export class HostSpace {
  private readonly held: HeldFile[] = [];
  private end = 0;

  get files(): readonly HeldFile[] {
    return this.held;
  }

  /** @returns where the file begins */
  add(identity: ImageIdentity, size: number): number {
    const base = this.end + GAP;
    this.held.push({ identity, base, size });
    this.end = Math.ceil((base + size) / GAP) * GAP;
    return base;
  }
}

/** A place in a file: of a layer's own where it has no list of files. */
export interface Place {
  readonly file: HeldFile | undefined;
  readonly offset: number;
}

/** @param host an offset in the host space of a layer with these files */
export function placeIn(files: readonly HeldFile[] | undefined, host: number): Place {
  const file = files?.findLast(({ base }) => base <= host);
  return { file, offset: host - (file?.base ?? 0) };
}
