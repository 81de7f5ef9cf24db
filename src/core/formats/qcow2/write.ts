import type { WriteEffect } from '../../model';
import { Kind } from '../../model';
import type { Qcow2Header } from './header';
import type { Geometry } from './mapping';

/**
 * What a write of a few bytes would do to this image (block/qcow2-cluster.c, handle_copied and handle_alloc): only a
 * cluster that nobody else counts on (COPIED) is written where it is.
 */
export function writeEffect(
  header: Qcow2Header,
  geometry: Geometry,
  kind: Kind,
  host: number,
  copied: boolean,
): WriteEffect {
  const { clusterSize } = geometry;
  if (header.corrupt) return { effect: 'impossible', bytes: 0, reason: 'the image is marked corrupt' };
  switch (kind) {
    case Kind.Invalid:
    case Kind.Unknown:
      return { effect: 'impossible', bytes: 0, reason: 'the table entry is broken' };
    case Kind.Data:
      return copied
        ? { effect: 'in-place', bytes: 0 }
        : { effect: 'copy', bytes: clusterSize, reason: 'shared with an internal snapshot' };
    case Kind.Compressed:
      return { effect: 'copy', bytes: clusterSize, reason: 'a compressed cluster is never written in place' };
    case Kind.ZeroAllocated:
      return copied
        ? { effect: 'in-place', bytes: 0, reason: 'its space is kept' }
        : { effect: 'allocate', bytes: clusterSize, reason: 'its space is shared with an internal snapshot' };
    case Kind.Zero:
      return { effect: 'allocate', bytes: clusterSize };
    case Kind.Absent:
      // An unused subcluster of a cluster that is there: the space is, the bytes around the write are not.
      return host >= 0 && copied
        ? { effect: 'copy', bytes: 0, reason: 'its cluster is already there, this part of it unused' }
        : { effect: 'copy', bytes: clusterSize };
  }
}
