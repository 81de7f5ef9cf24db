import { CUT_SHORT } from '../advice';
import { windowOf } from '../../extents';
import type { ByteSource, Finding, Layer } from '../../model';
import { formatBytes } from '../../units';
import { BlockPart } from '../blocks/blockPart';
import type { Driver, OpenContext, ProbeInput } from '../driver';
import { SECTOR } from '../parts/flatPart';
import { writesBlocks } from '../parts/part';
import { PartLayer } from '../parts/partLayer';
import { ReservedPart } from '../parts/reservedPart';
import type { Layout } from './blocks';
import { ENTRY_BYTES, VhdBlocks } from './blocks';
import { checkImage } from './check';
import { describe } from './describe';
import type { DynamicHeader } from './dynamicHeader';
import { isDynamicHeader, readDynamicHeader } from './dynamicHeader';
import type { FoundFooter } from './footer';
import { dataOffsetOf, footerAtEnd, footerAtStart, readFooter, typeOf } from './footer';
import { linkIds, parentOf } from './parent';
import { readParentNames } from './parentNames';
import { diskSize } from './size';
import { writesSectors } from './write';

/** VHD: Microsoft's "Virtual Hard Disk Image Format Specification", version 1.0. */
export const vhd: Driver = {
  id: 'vpc',
  title: 'Hyper-V or Virtual PC disk (VHD)',
  patterns: ['*.avhd'],
  probe,
  open: (source, context) => {
    const lookups = context.cache.of(source);
    const found = readFooter(lookups);
    const size = diskSize(found.footer);
    return found.footer.type === 'fixed'
      ? openFixed(source, found, size, context)
      : openBlocks(source, found, size, context);
  },
};

/**
 * A copy of the footer at byte 0 tells, as QEMU has it. Else the footer at the end does, where its checksum is right: of a
 * fixed disk, and of another one where a dynamic disk header stands where it says. The word alone may be anybody's data.
 */
function probe(input: ProbeInput): boolean {
  if (footerAtStart(input.head)) return true;
  const atEnd = footerAtEnd(input.tail, input.size);
  if (atEnd?.sound !== true) return false;
  if (typeOf(atEnd) === 'fixed') return true;
  const offset = dataOffsetOf(atEnd);
  return offset < BigInt(input.head.length) && isDynamicHeader(input.head.subarray(Number(offset)));
}

function openFixed(
  source: ByteSource,
  { footer, end, findings }: FoundFooter,
  size: number,
  context: OpenContext,
): Layer {
  const length = Math.min(end, size);
  const data = windowOf(context.cache.of(source), 0, length);
  return new PartLayer({
    format: vhd.id,
    grain: SECTOR,
    part: new ReservedPart(data, size, { base: 0, offset: 0 }),
    write: writesBlocks,
    facts: describe(footer, size, undefined, []),
    info: { 'dirty-flag': false },
    findings: [...findings, ...missingData(size - length, length), ...stateFindings(footer.savedState)],
    linkIds: linkIds(footer, source.modified),
    // QEMU asks the file for holes (block/vpc.c, vpc_co_block_status), of a fixed disk alone.
    unwritten: () => source.extents?.(),
  });
}

function openBlocks(
  source: ByteSource,
  { footer, end, findings }: FoundFooter,
  size: number,
  context: OpenContext,
): Layer {
  const lookups = context.cache.of(source);
  const header = readDynamicHeader(lookups, footer);
  const differencing = footer.type === 'differencing';
  const parent = differencing ? readParentNames(lookups, header) : { names: [], findings: [] };
  const layout = layoutOf(source, header, size, differencing);
  const wrong = [...findings, ...header.findings, ...tableFindings(source, header, layout)];
  return new PartLayer({
    format: vhd.id,
    grain: header.blockSize,
    part: new BlockPart(new VhdBlocks(source, lookups, layout)),
    write: writesSectors(layout),
    facts: describe(footer, size, header, parent.names),
    info: { 'cluster-size': header.blockSize, 'dirty-flag': false },
    findings: [...wrong, ...parent.findings, ...stateFindings(footer.savedState)],
    parent: differencing ? parentOf(header, parent.names) : undefined,
    linkIds: linkIds(footer, source.modified),
    check: () => checkImage({ source, lookups, footerAt: end, header, layout, findings: wrong }),
  });
}

function layoutOf(source: ByteSource, header: DynamicHeader, size: number, differencing: boolean): Layout {
  const { tableOffset, tableEntries, blockSize } = header;
  const inFile = Math.max(0, Math.floor((source.size - tableOffset) / ENTRY_BYTES));
  return { size, blockSize, tableOffset, entries: Math.min(tableEntries, inFile), differencing };
}

function tableFindings(
  source: ByteSource,
  { at, tableOffset, tableEntries, blockSize }: DynamicHeader,
  { size, entries }: Layout,
): readonly Finding[] {
  const mapped = Math.min(size, entries * blockSize);
  if (mapped === size) return [];
  const rest = `what is on the last ${formatBytes(size - mapped)} of the disk is not known`;
  if (entries < tableEntries) {
    return [
      {
        code: 'table-past-end',
        severity: 'error',
        message: `the block allocation table ends past the end of the file: ${rest}`,
        offset: Math.min(tableOffset, source.size),
        advice: CUT_SHORT,
      },
    ];
  }
  return [
    {
      code: 'table-too-small',
      severity: 'error',
      message: `the block allocation table has too few entries for the disk: ${rest}`,
      offset: at + 28,
      advice: 'QEMU refuses such an image.',
    },
  ];
}

function missingData(missing: number, at: number): readonly Finding[] {
  if (missing === 0) return [];
  const message = `the file ends ${formatBytes(missing)} before the disk does: zeros are read there`;
  return [{ code: 'data-past-end', severity: 'error', message, offset: at, advice: CUT_SHORT }];
}

function stateFindings(savedState: boolean): readonly Finding[] {
  if (!savedState) return [];
  return [
    {
      code: 'saved-state',
      severity: 'info',
      message: 'the image belongs to a saved state of its VM: what is on the disk is not all that the VM has written',
      advice: 'Resume the VM and shut it down before the disk is used elsewhere.',
    },
  ];
}
