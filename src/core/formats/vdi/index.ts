import { Kind } from '../../model';
import { BlockPart } from '../blocks/blockPart';
import type { Driver } from '../driver';
import { writesBlocks } from '../parts/part';
import { PartLayer } from '../parts/partLayer';
import { VdiBlocks } from './blocks';
import { checkImage } from './check';
import { describe, qemuInfo } from './describe';
import { isVdi, readHeader, TYPE } from './header';
import { ignoredParent, linkIdsOf, parentOf } from './parent';

/** VirtualBox disks: src/VBox/Storage/VDICore.h and VDI.cpp of VirtualBox. */
export const vdi: Driver = {
  id: 'vdi',
  title: 'VirtualBox disk (VDI)',
  patterns: ['*.vdi'],
  probe: ({ head }) => isVdi(head),
  open: (source, { cache }) => {
    const lookups = cache.of(source);
    const header = readHeader(lookups);
    const parent = parentOf(header);
    // What an image without a parent holds nothing of reads as zeros, and QEMU counts it as that image's own.
    const free = parent ? Kind.Absent : Kind.Zero;
    const parts = { source, lookups, header, free };
    return new PartLayer({
      format: 'vdi',
      grain: header.blockSize,
      part: new BlockPart(new VdiBlocks(parts)),
      write: writesBlocks,
      facts: describe(header),
      info: qemuInfo(header),
      findings: [...header.findings, ...ignoredParent(header)],
      parent,
      linkIds: linkIdsOf(header),
      // Of a static image alone QEMU asks the file for holes (block/vdi.c, vdi_co_block_status).
      unwritten: header.type === TYPE.static ? () => source.extents?.() : undefined,
      check: () => checkImage(parts),
    });
  },
};
