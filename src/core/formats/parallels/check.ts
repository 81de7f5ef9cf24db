import type { CheckReport, Job } from '../../model';
import { Use } from '../../model';
import type { BlockNotes, Structure } from '../check';
import { checkBlocks } from '../check';
import { SECTOR } from '../parts/flatPart';
import { BatBlocks } from './bat';
import { BAT_ENTRY_BYTES, HEADER_BYTES } from './header';
import type { ExpandingImage } from './image';

/**
 * Checks an expanding image by itself, counting as block/parallels.c does (`parallels_co_check`): that it was closed, where
 * its data begins, clusters past the end, clusters that two entries claim, and what the file has behind the last of them.
 * QEMU knows nothing of the format extension and takes it for leaked; where entries lead past the end it fails.
 */
export function checkImage(image: ExpandingImage): Job<CheckReport> {
  const { file } = image;
  const { header, source, holder } = file;
  return checkBlocks({
    // QEMU counts a file in whole sectors.
    size: Math.ceil(source.size / SECTOR) * SECTOR,
    blocks: new BatBlocks(file, header.batEntries * header.clusterSize),
    structures: () => structuresOf(image),
    base: holder?.base,
    word: 'cluster',
    corruptions: ['past-end', 'entry', 'claimed-twice'],
    unreferred: 'leaked-at-end',
    countsInFile: true,
    also: (notes) => {
      alsoCheck(image, notes);
    },
  });
}

function alsoCheck({ file: { header }, findings }: ExpandingImage, notes: BlockNotes): void {
  const told = (code: string, counts: 'corruption' | 'further'): void => {
    for (const finding of findings) {
      if (finding.code === code) notes.add(counts, 1, code, () => ({ ...finding, claims: [], guest: [] }));
    }
  };
  if (header.inUse) told('dirty', 'corruption');
  if (header.isDataStartWrong) told('data-offset', 'corruption');
  for (const code of EXTENSION_FINDINGS) told(code, 'further');
}

const EXTENSION_FINDINGS = [
  'extension-past-end',
  'extension-magic',
  'extension-checksum',
  'extension-feature',
  'bitmap',
];

function* structuresOf({ file: { header, source }, bitmaps }: ExpandingImage): Generator<Structure> {
  const { batEntries, clusterSize, dataStart, extensionOffset } = header;
  const tableEnd = HEADER_BYTES + batEntries * BAT_ENTRY_BYTES;
  yield { what: 'the header', start: 0, end: HEADER_BYTES, use: Use.Header };
  const maps = { start: 0, end: batEntries * clusterSize };
  yield { what: 'the block allocation table', start: HEADER_BYTES, end: tableEnd, use: Use.BlockTables, maps };
  const padding = { start: tableEnd, end: Math.min(dataStart, source.size) };
  yield { what: 'the space in front of the data', ...padding, use: Use.BlockTables };
  if (extensionOffset === undefined) return;
  const cluster = (start: number): { start: number; end: number } => ({ start, end: start + clusterSize });
  if (extensionOffset < source.size) {
    yield { what: 'the format extension', ...cluster(extensionOffset), use: Use.Bitmaps };
  }
  for (const { name, clusters } of bitmaps) {
    for (const place of clusters) {
      if (place < source.size) yield { what: `the bits of bitmap ${name}`, ...cluster(place), use: Use.Bitmaps };
    }
  }
}
