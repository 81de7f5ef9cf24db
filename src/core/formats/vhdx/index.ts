import { ascii, readPadded } from '../../bytes';
import { DiskError } from '../../errors';
import type { ByteSource } from '../../model';
import { BlockPart } from '../blocks/blockPart';
import type { BlockMap, Blocks } from '../blocks/blockMap';
import type { Driver } from '../driver';
import { PartLayer } from '../parts/partLayer';
import { Bat, BatLayout, ENTRY_BYTES } from './bat';
import { describe, qemuInfo } from './describe';
import { overlaps, replayed, tableCut } from './findings';
import { readHeader, SIGNATURE } from './header';
import { readLog } from './log';
import type { Metadata } from './metadata';
import { readMetadata } from './metadata';
import { LINK, parentOf } from './parentLocator';
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
    return new PartLayer({
      format: 'vhdx',
      grain: metadata.blockSize,
      part: new BlockPart(new VhdxBlocks(files, metadata, layout)),
      write: writesSectors,
      facts: describe(header, metadata, log),
      info: qemuInfo(metadata),
      findings: [
        ...header.findings,
        ...(log ? [replayed(log)] : []),
        ...regions.findings,
        ...overlaps(header, regions),
        ...metadata.findings,
        ...tableCut(files.bulk, layout),
      ],
      parent: metadata.hasParent ? parentOf(metadata.parentLocator) : undefined,
      linkIds: [{ what: LINK, value: header.dataWriteGuid }],
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

/** The same file twice: as it is, and with its pages kept. */
interface Files {
  readonly bulk: ByteSource;
  readonly random: ByteSource;
}

class VhdxBlocks implements Blocks {
  readonly size: number;
  readonly blockSize: number;
  readonly sectorUnit: number | undefined;
  readonly dataEnd: number;

  constructor(
    private readonly files: Files,
    { diskSize, blockSize, hasParent, logicalSector }: Metadata,
    private readonly layout: BatLayout,
  ) {
    this.size = diskSize;
    this.blockSize = blockSize;
    this.sectorUnit = hasParent ? logicalSector : undefined;
    this.dataEnd = files.bulk.size;
  }

  open(random: boolean, windowBytes: number): BlockMap {
    return new Bat(random ? this.files.random : this.files.bulk, this.layout, { windowBytes, random });
  }

  readData(host: number, target: Uint8Array): void {
    readPadded(this.files.random, target, host);
  }

  close(): void {
    this.files.random.close();
  }
}
