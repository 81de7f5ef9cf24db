import { ascii } from '../../bytes';
import { DiskError } from '../../errors';
import { BlockPart } from '../blocks/blockPart';
import type { Driver } from '../driver';
import { PartLayer } from '../parts/partLayer';
import { BatLayout, ENTRY_BYTES } from './bat';
import { VhdxBlocks } from './blocks';
import { checkImage } from './check';
import { describe, qemuInfo } from './describe';
import { overlaps, replayed, tableCut } from './findings';
import { readHeader, SIGNATURE } from './header';
import { readLog } from './log';
import type { Metadata } from './metadata';
import { readMetadata } from './metadata';
import { LINK, linkFindings, parentOf } from './parentLocator';
import type { Region } from './regions';
import { readRegions } from './regions';
import { ReplayedSource } from './replay';
import { writesSectors } from './write';

/** Hyper-V's disks, version 2: [MS-VHDX]. */
export const vhdx: Driver = {
  id: 'vhdx',
  title: 'Hyper-V disk (VHDX)',
  patterns: ['*.vhdx', '*.avhdx'],
  probe: ({ head }) => ascii(head, 0, SIGNATURE.length) === SIGNATURE,
  open: (source, { cache }) => {
    const header = readHeader(cache.of(source));
    const log = readLog(source, header);
    const files = log
      ? { bulk: new ReplayedSource(source, log), random: new ReplayedSource(cache.of(source), log) }
      : { bulk: source, random: cache.of(source) };
    const regions = readRegions(files.random);
    const metadata = readMetadata(files.random, regions.metadata);
    const layout = layOut(regions.bat, metadata);
    const blocks = new VhdxBlocks(files, metadata, layout);
    const parent = metadata.hasParent ? parentOf(metadata.parentLocator) : undefined;
    const findings = [
      ...header.findings,
      ...(log ? [replayed(log)] : []),
      ...regions.findings,
      ...overlaps(header, regions),
      ...metadata.findings,
      ...(parent ? linkFindings(parent) : []),
    ];
    return new PartLayer({
      format: 'vhdx',
      grain: metadata.blockSize,
      part: new BlockPart(blocks),
      write: writesSectors,
      facts: describe(header, metadata, log),
      info: qemuInfo(metadata),
      findings: [...findings, ...tableCut(files.bulk, layout)],
      parent,
      linkIds: [{ what: LINK, value: header.dataWriteGuid }],
      check: () => checkImage({ source: files.bulk, blocks, layout, header, regions, findings }),
    });
  },
};

/** @throws DiskError where the table has no room for the disk, as QEMU's `vhdx_open` does */
function layOut({ offset, length, entryOffset }: Region, metadata: Metadata): BatLayout {
  const { blockSize, logicalSector, diskSize, hasParent } = metadata;
  const layout = new BatLayout(offset, blockSize, logicalSector, diskSize, hasParent);
  if (layout.entries * ENTRY_BYTES <= length) return layout;
  throw new DiskError(
    'corrupt',
    `the block allocation table has ${length} bytes: a disk of this size needs ${layout.entries * ENTRY_BYTES}`,
    { offset: entryOffset },
    'Restore the image from a backup.',
  );
}
