import type { ByteSource, ChainLayer, HeldFile, ImageIdentity } from './model';

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
  add(
    identity: ImageIdentity,
    { size, diskUsage, modified }: Pick<ByteSource, 'size' | 'diskUsage' | 'modified'>,
  ): number {
    const base = this.end + GAP;
    this.held.push({ identity, base, size, diskUsage, modified });
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

/** A byte of a file on the host. */
export interface HostPlace {
  /** Path of the file, where that is not the image itself. */
  readonly holder: string | undefined;
  readonly offset: number;
}

/** @param host an offset in a layer's host space @returns the file on the host that it is in, and where there */
export function hostPlace(
  { identity, layer, dataFile }: Pick<ChainLayer, 'identity' | 'layer' | 'dataFile'>,
  host: number,
): HostPlace {
  const { file, offset } = placeIn(layer.files, host);
  const other = file?.identity ?? dataFile;
  if (other && other.id !== identity.id) return { holder: other.path, offset };
  return inOwnFile(identity, offset);
}

/** The same of a byte of the image itself, which may be a member of an archive. */
export const inOwnFile = ({ archive }: ImageIdentity, offset: number): HostPlace => ({
  holder: archive?.path,
  offset: offset + (archive?.offset ?? 0),
});

/** Bytes of all files that a layer is in, and what they take on the host, where that is known of each. */
export function sizesOnHost({ identity, source, layer }: Pick<ChainLayer, 'identity' | 'source' | 'layer'>): {
  readonly fileSize: number;
  readonly diskUsage: number | undefined;
} {
  let { size: fileSize, diskUsage } = source;
  for (const file of layer.files ?? []) {
    if (file.identity.id === identity.id) continue;
    fileSize += file.size;
    diskUsage = diskUsage === undefined || file.diskUsage === undefined ? undefined : diskUsage + file.diskUsage;
  }
  return { fileSize, diskUsage };
}
