import type { ByteSource, GuestPart } from '../../model';
import type { L1Table } from './l1';
import type { Geometry } from './mapping';
import { tablesOf } from './tableCut';
import type { TableHoles } from './tableHoles';

/** Whether the file ends before an L2 table, or inside. @param offset of the table, where there is one */
export const isTableCut = (
  offset: number,
  { size }: ByteSource,
  holes: TableHoles,
  { clusterSize }: Geometry,
): boolean => offset > 0 && offset + clusterSize > size && !holes.hold(offset, clusterSize);

/**
 * What of a disk is mapped by entries that the file has not, of L2 tables or of the L1 table: rising parts of it.
 * @throws DiskError `io`
 */
export function* lostTables(source: ByteSource, l1: L1Table, geometry: Geometry): Generator<GuestPart, void, void> {
  const { clusterSize, l2Span, l2EntryBytes } = geometry;
  const { holes, tables } = tablesOf(source, l1, geometry);
  const { there } = l1;
  for (const index of tables.unsound(0, there)) {
    const offset = l1.l2Offset(index);
    if (!isTableCut(offset, source, holes, geometry)) continue;
    const entries = Math.max(0, Math.floor((source.size - offset) / l2EntryBytes));
    yield { start: index * l2Span + entries * clusterSize, end: (index + 1) * l2Span };
  }
  if (there < l1.entries) yield { start: there * l2Span, end: l1.entries * l2Span };
}
