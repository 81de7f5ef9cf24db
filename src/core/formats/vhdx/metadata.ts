import { ascii, readExactly, u16le, u32le, u64le } from '../../bytes';
import { DiskError } from '../../errors';
import type { ByteSource, Finding } from '../../model';
import { uuidAt } from '../../uuid';
import { CUT_SHORT } from '../advice';
import { LIMITS } from './limits';
import type { Region } from './regions';

/** [MS-VHDX] 2.6.1. */
const TABLE_BYTES = 64 << 10;
const TABLE_HEADER = 32;
const ENTRY = 32;
const FLAGS = { user: 1, required: 4 } as const;

/** 2.6.2. */
const ITEMS = {
  parameters: { guid: 'caa16737-fa36-4d43-b3b6-33f0aa44e76b', name: 'file parameters', bytes: 8 },
  diskSize: { guid: '2fa54224-cd1b-4876-b211-5dbed83bf4b8', name: 'virtual disk size', bytes: 8 },
  diskId: { guid: 'beca12ab-b2e6-4523-93ef-c309e000c746', name: 'virtual disk id', bytes: 16 },
  logicalSector: { guid: '8141bf1d-a96f-4709-ba47-f233a8faab5f', name: 'logical sector size', bytes: 4 },
  physicalSector: { guid: 'cda348c7-445d-4471-9cc9-e9885251c556', name: 'physical sector size', bytes: 4 },
  parentLocator: { guid: 'a8d35f2d-b30b-454d-abf7-d3d84834ab0c', name: 'parent locator', bytes: 0 },
} as const;
const PARAMETERS = { leaveAllocated: 1, hasParent: 2 } as const;

export interface Metadata {
  readonly blockSize: number;
  /** Blocks are never taken from the file again: a fixed disk, where it has no parent. */
  readonly leaveAllocated: boolean;
  readonly hasParent: boolean;
  readonly diskSize: number;
  readonly diskId: string | undefined;
  readonly logicalSector: number;
  readonly physicalSector: number | undefined;
  /** The item as it is. */
  readonly parentLocator: Uint8Array | undefined;
  readonly findings: readonly Finding[];
}

interface Entry {
  readonly guid: string;
  readonly offset: number;
  readonly length: number;
  readonly flags: number;
  /** Where it stands in the file. */
  readonly at: number;
}

interface Item {
  readonly bytes: Uint8Array;
  /** In the file. */
  readonly offset: number;
}

/** @param source with its log replayed, @throws DiskError */
export function readMetadata(source: ByteSource, region: Region): Metadata {
  const entries = readTable(source, region);
  const item = ({ guid, name, bytes }: (typeof ITEMS)[keyof typeof ITEMS]): Item | undefined => {
    const [found, another] = entries.filter((entry) => entry.guid === guid && (entry.flags & FLAGS.user) === 0);
    if (another) throw new DiskError('corrupt', `the metadata has a second ${name}`, { offset: another.at });
    return found && readItem(source, region, found, { name, least: bytes });
  };
  const needed = (known: (typeof ITEMS)[keyof typeof ITEMS]): Item => {
    const found = item(known);
    if (!found) throw new DiskError('corrupt', `the metadata has no ${known.name}`, { offset: region.offset });
    return found;
  };
  const parameters = needed(ITEMS.parameters);
  const sector = needed(ITEMS.logicalSector);
  const physical = item(ITEMS.physicalSector);
  const id = item(ITEMS.diskId);
  const flags = u32le(parameters.bytes, 4);
  const logicalSector = sectorSize(sector, ITEMS.logicalSector.name);
  return {
    blockSize: blockSize(parameters),
    leaveAllocated: (flags & PARAMETERS.leaveAllocated) !== 0,
    hasParent: (flags & PARAMETERS.hasParent) !== 0,
    diskSize: diskSize(needed(ITEMS.diskSize), logicalSector),
    diskId: id && uuidAt(id.bytes, 0),
    logicalSector,
    physicalSector: physical && sectorSize(physical, ITEMS.physicalSector.name),
    parentLocator: item(ITEMS.parentLocator)?.bytes,
    findings: [...(physical ? [] : [missing(ITEMS.physicalSector.name)]), ...(id ? [] : [missing(ITEMS.diskId.name)])],
  };
}

function readTable(source: ByteSource, { offset, length }: Region): readonly Entry[] {
  if (length < TABLE_BYTES || offset + TABLE_BYTES > source.size) {
    throw new DiskError('corrupt', 'the metadata table lies past the end of the file', { offset }, CUT_SHORT);
  }
  const table = readExactly(source, offset, TABLE_BYTES);
  if (ascii(table, 0, 8) !== 'metadata') {
    throw new DiskError('corrupt', 'the metadata table is damaged: its signature is missing', { offset });
  }
  const count = u16le(table, 10);
  if (count > LIMITS.maxMetadataEntries) {
    throw new DiskError(
      'limit',
      `the metadata table has ${count} entries, where ${LIMITS.maxMetadataEntries} are allowed`,
      { offset: offset + 10 },
    );
  }
  const entries = Array.from({ length: count }, (_, index): Entry => {
    const at = TABLE_HEADER + index * ENTRY;
    return {
      guid: uuidAt(table, at),
      offset: u32le(table, at + 16),
      length: u32le(table, at + 20),
      flags: u32le(table, at + 24),
      at: offset + at,
    };
  });
  refuseUnknown(entries);
  return entries;
}

/** 2.6.1.2, IsRequired. */
function refuseUnknown(entries: readonly Entry[]): void {
  const known = new Set<string>(Object.values(ITEMS).map(({ guid }) => guid));
  const unknown = entries.find(
    ({ guid, flags }) => (flags & FLAGS.required) !== 0 && ((flags & FLAGS.user) !== 0 || !known.has(guid)),
  );
  if (!unknown) return;
  throw new DiskError(
    'unsupported',
    `the metadata has an item that is not known here and must be understood: ${unknown.guid}`,
    { offset: unknown.at },
  );
}

function readItem(
  source: ByteSource,
  region: Region,
  { offset, length, at }: Entry,
  { name, least }: { readonly name: string; readonly least: number },
): Item {
  const start = region.offset + offset;
  const isPlaced = offset >= TABLE_BYTES && offset + length <= region.length && start + length <= source.size;
  if (length < least || length > LIMITS.maxMetadataItemBytes || !isPlaced) {
    throw new DiskError('corrupt', `the ${name} can't be at byte ${offset} of the metadata, ${length} bytes long`, {
      offset: at,
    });
  }
  return { bytes: readExactly(source, start, length), offset: start };
}

function blockSize({ bytes, offset }: Item): number {
  const size = u32le(bytes, 0);
  const isPowerOfTwo = (size & (size - 1)) === 0;
  if (isPowerOfTwo && size >= LIMITS.minBlockBytes && size <= LIMITS.maxBlockBytes) return size;
  throw new DiskError('corrupt', `a block can't have ${size} bytes: 1 MiB to 256 MiB, a power of two`, { offset });
}

function sectorSize({ bytes, offset }: Item, name: string): number {
  const size = u32le(bytes, 0);
  if (LIMITS.sectorBytes.some((known) => known === size)) return size;
  throw new DiskError('corrupt', `the ${name} is ${size}: it must be ${LIMITS.sectorBytes.join(' or ')}`, { offset });
}

function diskSize({ bytes, offset }: Item, sector: number): number {
  const size = u64le(bytes, 0, ITEMS.diskSize.name, offset);
  if (size > LIMITS.maxDiskBytes) {
    throw new DiskError('limit', `the ${ITEMS.diskSize.name} is ${size} bytes: 64 TiB are the most`, { offset });
  }
  if (size % sector === 0) return size;
  throw new DiskError(
    'corrupt',
    `the ${ITEMS.diskSize.name} is ${size} bytes, no whole number of its sectors of ${sector} bytes`,
    { offset },
  );
}

const missing = (name: string): Finding => ({
  code: 'metadata-missing',
  severity: 'warning',
  message: `the metadata has no ${name}, which every VHDX file must have`,
  advice: 'QEMU does not open it: copy the disk to a new image with vmdisk convert.',
});
