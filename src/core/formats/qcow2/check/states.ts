import { DiskError } from '../../../errors';
import type { ByteSource } from '../../../model';
import { formatOffset } from '../../../units';
import { LIMITS } from '../limits';
import type { Geometry } from '../mapping';
import type { L1Place } from '../l1';
import { snapshotEntries, viewId } from '../snapshots';
import type { Notes } from './notes';

/** A part of the file, `[start, end)`. */
export interface Part {
  readonly start: number;
  readonly end: number;
}

/** Fields of the header (docs/interop/qcow2.rst, "Header"). */
const L1_FIELDS: Part = { start: 36, end: 48 };
const SNAPSHOT_COUNT: Part = { start: 60, end: 64 };
const SNAPSHOTS_OFFSET: Part = { start: 64, end: 72 };

/** A state of the disk: the current one, or an internal snapshot. */
export interface State {
  /** The view's id. */
  readonly view: string;
  /** For messages: `the current state`, `snapshot "before"`. */
  readonly name: string;
  readonly l1: L1Place;
  /** What of the file says where its L1 table is. */
  readonly from: Part;
  readonly guestSize: number;
}

export interface States {
  readonly active: State;
  /** Those whose L1 table can be read. */
  readonly snapshots: readonly State[];
  readonly snapshotTableBytes: number;
}

/**
 * Reads all of the snapshot table and checks it, as block/qcow2-snapshot.c does in qcow2_check_read_snapshot_table and
 * block/qcow2-refcount.c in calculate_refcounts.
 */
export function readStates(source: ByteSource, geometry: Geometry, notes: Notes): States {
  const { header } = geometry;
  const active: State = {
    view: '',
    name: 'the current state',
    l1: { offset: header.l1Offset, entries: header.l1Entries },
    from: L1_FIELDS,
    guestSize: header.guestSize,
  };
  const none = { active, snapshots: [], snapshotTableBytes: 0 };
  if (header.snapshotCount === 0) return none;
  const objection = objectionToTable(geometry);
  if (objection !== undefined) {
    tableError(notes, objection.why, objection.host);
    return none;
  }
  const snapshots: State[] = [];
  const seen = new Set<string>();
  let end = header.snapshotsOffset;
  let index = 0;
  try {
    for (const entry of snapshotEntries(source, header, true)) {
      const { snapshot, extraBytes } = entry;
      const view = viewId(snapshot, index, seen);
      seen.add(view);
      const name = `snapshot "${snapshot.name}"`;
      const l1 = { offset: snapshot.l1Offset, entries: snapshot.l1Entries };
      const from = { start: entry.offset, end: entry.end };
      const state = { view, name, l1, from, guestSize: snapshot.guestSize };
      if (header.version >= 3 && extraBytes < 16) incompleteEntry(notes, state);
      if (isUsable(state, geometry, notes)) snapshots.push(state);
      end = entry.end;
      index += 1;
    }
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    const at = error.offset ?? end;
    const why = `${error.message}: ${index} of ${header.snapshotCount} snapshots were read`;
    // All of the entry that can't be read, as far as is known.
    tableError(notes, why, { start: Math.min(end, at), end: at + 1 }, at);
  }
  if (header.externalData) snapshotsWithDataFile(notes, header.snapshotCount);
  return { active, snapshots, snapshotTableBytes: end - header.snapshotsOffset };
}

function objectionToTable({ header, clusterSize }: Geometry): { why: string; host: Part } | undefined {
  const { snapshotCount, snapshotsOffset } = header;
  if (snapshotCount > LIMITS.maxSnapshots) {
    const why = `a table of ${snapshotCount} snapshots is past QEMU's limit of ${LIMITS.maxSnapshots}`;
    return { why, host: SNAPSHOT_COUNT };
  }
  if (snapshotsOffset % clusterSize !== 0) {
    const why = `it is said to begin at ${formatOffset(snapshotsOffset)}, in the middle of a cluster`;
    return { why, host: SNAPSHOTS_OFFSET };
  }
  return undefined;
}

/** QEMU's check goes no further then: what only snapshots use would look leaked. Here leaks are not told. */
function tableError(notes: Notes, why: string, host: Part, offset = host.start): void {
  notes.add('error', 1, 'snapshot-table', () => ({
    message: `the snapshot table can't be read: ${why}`,
    advice: 'What only its snapshots use is not told from what is leaked: do not let anything free it.',
    offset,
    host,
  }));
}

function incompleteEntry(notes: Notes, { name, from }: State): void {
  notes.add('corruption', 1, 'snapshot-entry', () => ({
    message: `the entry of ${name} is incomplete: version 3 tells the sizes of its disk and of its VM state`,
    advice: 'A repair of all completes it, on a copy.',
    offset: from.start,
    host: from,
  }));
}

function snapshotsWithDataFile(notes: Notes, count: number): void {
  notes.add('corruption', 1, 'snapshots-with-data-file', () => ({
    message: `an image with a data file can have no internal snapshots, this one has ${count}`,
    advice: 'Their content is that of the current state at best.',
    offset: SNAPSHOT_COUNT.start,
    host: SNAPSHOT_COUNT,
  }));
}

function isUsable({ l1, name, from }: State, geometry: Geometry, notes: Notes): boolean {
  const aligned = l1.offset % geometry.clusterSize === 0;
  if (aligned && l1.entries * 8 <= LIMITS.maxL1Bytes) return true;
  const what = aligned ? `has ${l1.entries} entries, more than 32 MiB of them` : 'begins in the middle of a cluster';
  notes.add('corruption', 1, 'snapshot-l1', () => ({
    message: `the L1 table of ${name} ${what} (${formatOffset(l1.offset)})`,
    advice: "The snapshot can't be used; what it alone uses looks leaked.",
    offset: from.start,
    host: from,
  }));
  return false;
}
