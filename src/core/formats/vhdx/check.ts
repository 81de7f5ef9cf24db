import { readExactly } from '../../bytes';
import { DiskError } from '../../errors';
import type { ByteSource, CheckReport, Finding, Job } from '../../model';
import { Use } from '../../model';
import type { BlockNotes, Part, Structure } from '../check';
import { checkBlocks } from '../check';
import type { BatLayout } from './bat';
import { BITMAP_BYTES, ENTRY_BYTES, offsetIn, State, stateIn } from './bat';
import type { VhdxBlocks } from './blocks';
import { LOG_REPLAYED } from './findings';
import type { FilePart, VhdxHeader } from './header';
import { LIMITS } from './limits';
import type { Regions } from './regions';
import { REGION_ENTRY_BYTES } from './regions';

/** What a check goes through. */
export interface Checked {
  /** With its log replayed. */
  readonly source: ByteSource;
  readonly blocks: VhdxBlocks;
  readonly layout: BatLayout;
  readonly header: VhdxHeader;
  readonly regions: Regions;
  /** What was wrong with all that was read to open it, but for the table of blocks. */
  readonly findings: readonly Finding[];
}

/** Sector bitmaps that are looked for between two pauses. */
const SLICE = 1024;

/**
 * Checks what the table of blocks refers to, as block/vhdx.c counts it (`vhdx_check_bat_entries`, `vhdx_co_check`): blocks
 * past the end of the file, blocks over the log or a region, and a log that is to be replayed are corruptions. That two
 * blocks are one it does not see, and what is wrong with a copy of a header it refuses to open.
 */
export function checkImage(image: Checked): Job<CheckReport> {
  const { source, blocks, header, regions, findings } = image;
  const fixed = [header.log, ...regions.all].map(partOf);
  return checkBlocks({
    size: source.size,
    blocks,
    structures: () => structures(image),
    corruptions: ['past-end'],
    contested: ({ start, end }) =>
      fixed.some((part) => part.start < end && part.end > start) ? 'corruption' : 'further',
    lastMayEndEarly: true,
    unreferred: 'free',
    also: (notes) => {
      for (const finding of findings) tell(notes, finding);
    },
  });
}

function* structures({ source, header, regions, layout }: Checked): Generator<Structure | undefined> {
  yield { what: 'the headers', start: 0, end: LIMITS.alignment, use: Use.Header };
  yield { what: 'the log', ...partOf(header.log), use: Use.Log };
  for (const region of regions.all) {
    const from = { start: region.entryOffset, end: region.entryOffset + REGION_ENTRY_BYTES };
    if (region !== regions.bat) {
      const what = region === regions.metadata ? 'the metadata' : `the region ${region.guid}`;
      yield { what, ...partOf(region), use: Use.Header, from };
      continue;
    }
    const maps = { start: 0, end: layout.blocks * layout.blockSize };
    yield { what: 'the block allocation table', ...partOf(region), use: Use.BlockTables, from, maps };
  }
  if (layout.hasParent) yield* bitmaps(source, layout);
}

function* bitmaps(source: ByteSource, layout: BatLayout): Generator<Structure | undefined> {
  const chunk = layout.chunkRatio * layout.blockSize;
  for (let block = 0, seen = 1; block < layout.blocks; block += layout.chunkRatio, seen += 1) {
    if (seen % SLICE === 0) yield undefined;
    const index = layout.bitmapEntryOf(block);
    const entryAt = layout.offset + index * ENTRY_BYTES;
    const start = bitmapAt(source, entryAt);
    if (start < 0) continue;
    const first = block * layout.blockSize;
    yield {
      what: `the sector bitmap of BAT entry ${index}`,
      start,
      end: start + BITMAP_BYTES,
      use: Use.SectorBitmaps,
      from: { start: entryAt, end: entryAt + ENTRY_BYTES },
      maps: { start: first, end: Math.min(first + chunk, layout.blocks * layout.blockSize) },
    };
  }
}

/** Where an entry says that its sector bitmap is; -1 for nowhere, and where it can't be read, which is told of the table. */
function bitmapAt(source: ByteSource, entryAt: number): number {
  try {
    const entry = new DataView(readExactly(source, entryAt, ENTRY_BYTES).buffer);
    const low = entry.getUint32(0, true);
    return stateIn(low) === State.FullyPresent ? offsetIn(entry.getUint32(4, true), low) : -1;
  } catch (error) {
    if (error instanceof DiskError) return -1;
    throw error;
  }
}

const partOf = ({ offset, length }: FilePart): Part => ({ start: offset, end: offset + length });

function tell(notes: BlockNotes, { code, message, offset, advice }: Finding): void {
  const counts = code === LOG_REPLAYED ? 'corruption' : 'further';
  notes.add(counts, 1, code, () => ({ message, offset, advice, claims: [], guest: [] }));
}
