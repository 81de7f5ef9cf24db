import { u32le, u64le } from '../../bytes';
import { DiskError } from '../../errors';
import type { ByteSource, Finding } from '../../model';
import { uuidAt } from '../../uuid';
import type { Copy } from './copies';
import { damageOf, noneUsable, readCopies } from './copies';
import type { FilePart } from './header';
import { LIMITS } from './limits';

/** [MS-VHDX] 2.2.3. */
const TABLES = { what: 'region table', offsets: [192 << 10, 256 << 10], length: 64 << 10, signature: 'regi' };
const TABLE_HEADER = 16;
export const REGION_ENTRY_BYTES = 32;
const KNOWN = {
  bat: '2dc27766-f623-4200-9d64-115e9bfd4a08',
  metadata: '8b7ca206-4790-4b9a-b8fe-575f050f886e',
} as const;

export interface Region extends FilePart {
  readonly guid: string;
  readonly required: boolean;
  /** Where its entry stands in the file. */
  readonly entryOffset: number;
}

export interface Regions {
  readonly bat: Region;
  readonly metadata: Region;
  /** All that the table lists. */
  readonly all: readonly Region[];
  readonly findings: readonly Finding[];
}

/** @param source with its log replayed, @throws DiskError */
export function readRegions(source: ByteSource): Regions {
  const copies = readCopies(source, TABLES).map(withCount);
  const used = copies.find(({ fault }) => fault === undefined);
  if (!used) return noneUsable(copies);
  const all = entriesOf(used);
  const unknown = all.find(({ guid, required }) => required && !Object.values<string>(KNOWN).includes(guid));
  if (unknown) {
    throw new DiskError(
      'unsupported',
      `the file has a region that is not known here and must be understood: ${unknown.guid}`,
      { offset: unknown.entryOffset },
    );
  }
  return {
    bat: only(all, 'bat', 'block allocation table', used),
    metadata: only(all, 'metadata', 'metadata region', used),
    all,
    findings: damageOf('region-table-copy', copies, used),
  };
}

function withCount(copy: Copy): Copy {
  const count = countOf(copy);
  const fault =
    count > LIMITS.maxRegions ? `it has ${count} entries, where ${LIMITS.maxRegions} are allowed` : undefined;
  return { ...copy, fault: copy.fault ?? fault };
}

const countOf = ({ bytes }: Copy): number => u32le(bytes, 8);

function entriesOf(table: Copy): readonly Region[] {
  return Array.from({ length: countOf(table) }, (_, index): Region => {
    const at = TABLE_HEADER + index * REGION_ENTRY_BYTES;
    const entryOffset = table.offset + at;
    return {
      guid: uuidAt(table.bytes, at),
      offset: u64le(table.bytes, at + 16, 'offset of a region', entryOffset + 16),
      length: u32le(table.bytes, at + 24),
      required: (u32le(table.bytes, at + 28) & 1) !== 0,
      entryOffset,
    };
  });
}

function only(all: readonly Region[], which: keyof typeof KNOWN, name: string, table: Copy): Region {
  const [found, another] = all.filter(({ guid }) => guid === KNOWN[which]);
  if (!found) throw new DiskError('corrupt', `the region table names no ${name}`, { offset: table.offset });
  if (another) {
    throw new DiskError('corrupt', `the region table names a second ${name}`, { offset: another.entryOffset });
  }
  if (found.offset < LIMITS.alignment) {
    throw new DiskError('corrupt', `the ${name} can't be at byte ${found.offset}, where the headers are`, {
      offset: found.entryOffset,
    });
  }
  return found;
}
