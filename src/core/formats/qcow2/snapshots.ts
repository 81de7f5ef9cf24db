import { text, u16be, u32be, u64be, bigU64be } from '../../bytes';
import { DiskError } from '../../errors';
import type { ByteSource, Finding, InternalSnapshot } from '../../model';
import { EntryReader } from './entryReader';
import type { Qcow2Header } from './header';
import { LIMITS } from './limits';

/** docs/interop/qcow2.rst, "Snapshots". */
const FIXED_BYTES = 40;
const NS_PER_SECOND = 1_000_000_000n;

export interface Qcow2Snapshot extends InternalSnapshot {
  readonly l1Offset: number;
  readonly l1Entries: number;
  /** Size of the disk when it was taken; the current size where an old image does not say. */
  readonly guestSize: number;
}

export interface SnapshotTable {
  readonly snapshots: readonly Qcow2Snapshot[];
  readonly findings: readonly Finding[];
}

/**
 * Reads the snapshot table; what can't be read is a finding, since the current state does not depend on it.
 * @param most how many are listed; the rest is counted
 */
export function readSnapshots(source: ByteSource, header: Qcow2Header, most: number): SnapshotTable {
  const { snapshotCount: count, snapshotsOffset: offset } = header;
  if (count === 0) return { snapshots: [], findings: [] };
  const broken = (message: string, at: number): Finding => ({
    code: 'snapshot-table',
    severity: 'error',
    message,
    offset: at,
  });
  if (count > LIMITS.maxSnapshots) {
    return {
      snapshots: [],
      findings: [broken(`a table of ${count} snapshots is past QEMU's limit of ${LIMITS.maxSnapshots}: not read`, 60)],
    };
  }
  const snapshots: Qcow2Snapshot[] = [];
  const findings: Finding[] = [];
  const wanted = Math.min(count, most);
  try {
    for (const { snapshot } of snapshotEntries(source, header)) {
      snapshots.push(snapshot);
      if (snapshots.length === wanted) break;
    }
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    findings.push(
      broken(`${error.message}; ${snapshots.length} of ${count} snapshots were read`, error.offset ?? offset),
    );
    return { snapshots, findings };
  }
  if (count > wanted) {
    findings.push({
      code: 'snapshots-cut',
      severity: 'info',
      message: `the image has ${count} snapshots: the first ${wanted} are listed, ${count - wanted} more are not`,
      offset,
    });
  }
  return { snapshots, findings };
}

/** An entry of the snapshot table as it stands in the file. */
export interface SnapshotEntry {
  readonly snapshot: Qcow2Snapshot;
  /** Bytes of its extra data: version 3 has at least 16. */
  readonly extraBytes: number;
  /** Where it stands in the file, and where it ends, before its padding. */
  readonly offset: number;
  readonly end: number;
}

/**
 * All entries of the snapshot table, one at a time.
 * @param padded whether those past the end of the file read as zeros
 * @throws DiskError where one can't be read: what follows can't be found then
 */
export function* snapshotEntries(
  source: ByteSource,
  header: Qcow2Header,
  padded = false,
): Generator<SnapshotEntry, void, void> {
  const { snapshotCount, snapshotsOffset: offset } = header;
  const table = { name: 'snapshot table', offset, maxBytes: LIMITS.maxSnapshotTableBytes, padded };
  const reader = new EntryReader(source, table);
  for (let index = 0; index < snapshotCount; index += 1) yield readEntry(reader, header);
}

/** What a view of a snapshot is called: the snapshot's id, or where that is empty or used before, its place. */
export function viewId({ id }: InternalSnapshot, index: number, used: { has(id: string): boolean }): string {
  return id === '' || used.has(id) ? `#${index}` : id;
}

function readEntry(reader: EntryReader, header: Qcow2Header): SnapshotEntry {
  const entry = reader.position;
  const fixed = reader.take(FIXED_BYTES).slice();
  const extraBytes = u32be(fixed, 36);
  if (extraBytes > LIMITS.maxSnapshotExtraBytes) {
    throw new DiskError('limit', `a snapshot has ${extraBytes} bytes of extra data, more than QEMU's limit`, {
      offset: entry + 36,
    });
  }
  const extra = reader.take(extraBytes).slice();
  const id = text(reader.take(u16be(fixed, 12)).subarray(0, LIMITS.maxSnapshotIdShown));
  const name = text(reader.take(u16be(fixed, 14)).subarray(0, LIMITS.maxSnapshotNameShown));
  const end = reader.position;
  reader.align(entry);
  const clock = bigU64be(fixed, 24);
  const extraAt = entry + FIXED_BYTES;
  const icount =
    extraBytes >= 24 && bigU64be(extra, 16) !== 0xffff_ffff_ffff_ffffn ? Number(bigU64be(extra, 16)) : undefined;
  const snapshot = {
    id,
    name,
    l1Offset: u64be(fixed, 0, `offset of the L1 table of snapshot "${name}"`, entry),
    l1Entries: u32be(fixed, 8),
    date: u32be(fixed, 16) * 1000,
    dateNanoseconds: u32be(fixed, 20),
    vmClock: { seconds: Number(clock / NS_PER_SECOND), nanoseconds: Number(clock % NS_PER_SECOND) },
    vmStateSize: extraBytes >= 8 ? u64be(extra, 0, `VM state size of snapshot "${name}"`, extraAt) : u32be(fixed, 32),
    guestSize:
      extraBytes >= 16
        ? wholeSectors(u64be(extra, 8, `disk size of snapshot "${name}"`, extraAt + 8))
        : header.guestSize,
    icount,
  };
  return { snapshot, extraBytes, offset: entry, end };
}

const wholeSectors = (bytes: number): number => bytes - (bytes % 512);
