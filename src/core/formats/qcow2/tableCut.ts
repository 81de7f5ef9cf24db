import type { ByteSource } from '../../model';
import type { L1Table } from './l1';
import type { Geometry } from './mapping';
import { TableHoles } from './tableHoles';
import { NO_TABLE, TableList } from './tableList';

/** The L2 tables that an L1 table names, and the holes of the file that some may lie in. */
export interface TablesOfFile {
  readonly holes: TableHoles;
  readonly tables: TableList;
}

/** May take a while where there are very many tables. @throws DiskError `io` */
export function tablesOf(source: ByteSource, l1: L1Table, { clusterSize }: Geometry): TablesOfFile {
  const holes = new TableHoles(source, l1.entries * clusterSize, () => l1.tables * clusterSize);
  return { holes, tables: new TableList(l1, source, holes, clusterSize) };
}

/**
 * An honest image's tables fit in its file.
 * @returns where that ends to be so, in guest bytes: from there on what tables tell is unknown
 * @throws DiskError `io`
 */
export function tableCut(l1: L1Table, { holes, tables }: TablesOfFile, { clusterSize, l2Span }: Geometry): number {
  let left = holes.budget;
  if (l1.entries * clusterSize <= left) return Infinity;
  for (let index = 0; index < l1.entries;) {
    const end = Math.min(tables.runEnd(index), l1.entries);
    if (tables.at(index) > NO_TABLE) {
      const room = Math.floor(left / clusterSize);
      if (end - index > room) return (index + room) * l2Span;
      left -= (end - index) * clusterSize;
    }
    index = end;
  }
  return Infinity;
}
