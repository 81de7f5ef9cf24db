import { DESCRIPTOR } from './formats/parallels/descriptor';
import { baseName } from './formats/vmdk/names';

/** What an image is found to be, as far as it tells whose part it is. */
export interface Holding {
  readonly id: string;
  readonly path: string;
  readonly format: string;
  /** Absolute paths of other files that hold part of its data. */
  readonly companions?: readonly string[] | undefined;
  /** What it stands on, where that was found. */
  readonly parent?: { readonly kind: string; readonly id?: string } | undefined;
}

/**
 * Without extents of a disk, and images of a bundle: they are no disks of their own, unless something stands on one. A raw
 * data file of a qcow2 is one.
 */
export function wholeDisks<T extends Holding>(images: readonly T[]): readonly T[] {
  const named = images.flatMap(({ format, companions = [] }) => (format === 'qcow2' ? [] : companions));
  // The images of a bundle look into its descriptor: it is no part of theirs.
  const parts = new Set(named.filter((path) => baseName(path) !== DESCRIPTOR));
  const parents = new Set(images.flatMap(({ parent }) => (parent?.kind === 'found' ? [parent.id] : [])));
  return images.filter(({ id, path }) => !parts.has(path) || parents.has(id));
}
