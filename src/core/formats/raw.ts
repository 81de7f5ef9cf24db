import type { ByteSource, Finding } from '../model';
import type { Driver } from './driver';
import { FlatPart, SECTOR } from './parts/flatPart';
import { writesBlocks } from './parts/part';
import { PartLayer } from './parts/partLayer';

/** Raw images. Knows nothing by its bytes: it comes last, and takes what it is told to take. */
export const raw: Driver = {
  id: 'raw',
  title: 'raw disk',
  patterns: [],
  probe: () => true,
  open: (source, { cache }) => {
    const guestSize = Math.ceil(source.size / SECTOR) * SECTOR;
    return new PartLayer({
      format: 'raw',
      grain: SECTOR,
      part: new FlatPart(source, cache.of(source), guestSize),
      write: writesBlocks,
      facts: [{ label: 'Disk size', value: guestSize, unit: 'bytes' }],
      info: { 'dirty-flag': false },
      findings: oddSize(source),
    });
  },
};

function oddSize({ size }: ByteSource): readonly Finding[] {
  if (size === 0) {
    return [{ code: 'empty-file', severity: 'warning', message: 'the file is empty: a disk of no bytes' }];
  }
  if (size % SECTOR === 0) return [];
  return [
    {
      code: 'partial-sector',
      severity: 'info',
      message: `the file is no whole number of ${SECTOR}-byte sectors: its last sector reads as if filled up with zeros`,
      advice: 'A raw image that was cut short looks like this: compare its size with the original.',
    },
  ];
}
