import { u32le } from '../../bytes';
import { DiskError } from '../../errors';
import type { CheckReport, Job } from '../../model';
import { Use } from '../../model';
import { formatCount } from '../../units';
import { EntryTable } from '../blocks/entries';
import type { BlockNotes, Structure } from '../check';
import { checkBlocks } from '../check';
import type { VdiParts } from './blocks';
import { DISCARDED, hostOfEntry, VdiBlocks } from './blocks';
import type { VdiHeader } from './header';
import { ENTRY_BYTES } from './header';

const WINDOW_BYTES = 1 << 20;
/** Findings of the header that are told otherwise here: by what lies past the end, and by the count of blocks. */
const TOLD_OTHERWISE: ReadonlySet<string> = new Set(['map-past-end', 'allocated-count']);

/**
 * Checks the map and what it refers to. As QEMU counts it (block/vdi.c, vdi_co_check), corruptions are blocks that are
 * claimed twice, entries for more blocks than there are, and a wrong count in the header; all else is `further`.
 */
export function checkImage(parts: VdiParts): Job<CheckReport> {
  const { source, header } = parts;
  return checkBlocks({
    size: source.size,
    blocks: new VdiBlocks({ ...parts, entriesEnd: header.blocks }),
    lead: header.blockExtra,
    structures: () => structures(header),
    corruptions: ['entry', 'claimed-twice'],
    unreferred: 'free',
    also: (notes) => {
      for (const { severity, code, message, offset, advice } of header.findings) {
        if (severity === 'info' || TOLD_OTHERWISE.has(code)) continue;
        notes.add('further', 1, code, () => ({ message, offset, advice, claims: [], guest: [] }));
      }
      return countEntries(parts, notes);
    },
  });
}

/** Those of them that do not lie in each other, which is said of the header. */
function* structures({ headerEnd, mapOffset, dataOffset, blocks, guestSize }: VdiHeader): Generator<Structure> {
  const mapEnd = mapOffset + blocks * ENTRY_BYTES;
  if (headerEnd <= Math.min(mapOffset, dataOffset)) {
    yield { what: 'the header', start: 0, end: headerEnd, use: Use.Header };
  }
  if (mapEnd <= dataOffset) {
    yield {
      what: 'the block map',
      start: mapOffset,
      end: mapEnd,
      use: Use.L2,
      maps: { start: 0, end: guestSize },
    };
  }
}

/**
 * What QEMU counts beside what is found block by block: entries behind those of the disk, and places behind the file's end.
 * Yields for a pause.
 */
function* countEntries(parts: VdiParts, notes: BlockNotes): Generator<undefined, void, void> {
  const { source, header } = parts;
  const { blocks, blocksAllocated, mapOffset, guestSize, blockSize } = header;
  const ofDisk = Math.ceil(guestSize / blockSize);
  const seen = new Bits(blocks);
  const found = { allocated: 0, twice: 0, beyond: 0 };
  const count = (block: number, entry: number): void => {
    if (entry >= DISCARDED) return;
    if (entry >= blocks) {
      if (block >= ofDisk) found.beyond += 1;
      return;
    }
    found.allocated += 1;
    if (!seen.add(entry)) return;
    const isElsewhere = block >= ofDisk || hostOfEntry(header, entry) + blockSize > source.size;
    if (isElsewhere) found.twice += 1;
  };
  const table = new EntryTable(source, mapOffset, ENTRY_BYTES, WINDOW_BYTES);
  const there = Math.min(blocks, Math.floor((source.size - mapOffset) / ENTRY_BYTES));
  try {
    for (let block = 0; block < there;) {
      const read = table.read(block, there - block);
      for (let i = 0; i < read.count; i += 1) count(block + i, u32le(read.bytes, i * ENTRY_BYTES));
      block += read.count;
      yield;
    }
  } catch (error) {
    // That the map can't be read is told of the blocks that it is for.
    if (error instanceof DiskError) return;
    throw error;
  }
  const note = (code: string, times: number, message: string): void => {
    if (times > 0) notes.add('corruption', times, code, () => ({ message, claims: [], guest: [] }));
  };
  note('entry', found.beyond, 'entries of the block map behind the end of the disk name blocks that there are not');
  note('claimed-twice', found.twice, 'blocks past the end of the file, or of the disk, are claimed more than once');
  if (there === blocks && found.allocated !== blocksAllocated) {
    const [has, says] = [found.allocated, blocksAllocated].map(formatCount);
    note('allocated-count', 1, `the block map has ${has} blocks with space in the file, and the header says ${says}`);
  }
}

class Bits {
  private readonly bytes: Uint8Array;

  constructor(count: number) {
    this.bytes = new Uint8Array(Math.ceil(count / 8));
  }

  /** @returns whether it was there already */
  add(index: number): boolean {
    const at = Math.floor(index / 8);
    const bit = 1 << (index % 8);
    const byte = this.bytes[at] ?? 0;
    this.bytes[at] = byte | bit;
    return (byte & bit) !== 0;
  }
}
