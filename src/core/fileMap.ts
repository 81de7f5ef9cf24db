import type { FileMap, OwnershipMap } from './model';
import { Kind, NOBODY, Use } from './model';

/**
 * A map of a file in the form of a map of a disk, to be cut into cells like one: the owner of a range is its `Use`, and
 * what is free is nobody's.
 */
export function fileOwners({ count, start, use }: FileMap): OwnershipMap {
  const owner = Int16Array.from(use, (each) => (each === Use.Free ? NOBODY : each));
  const kind = Uint8Array.from(use, (each) => (each === Use.Free ? Kind.Absent : Kind.Data));
  return { count, start, owner, kind };
}
