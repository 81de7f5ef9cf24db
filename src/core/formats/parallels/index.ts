import type { ByteSource } from '../../model';
import type { Driver, OpenContext } from '../driver';
import { writesBlocks } from '../parts/part';
import { PartLayer } from '../parts/partLayer';
import { magicOf } from './header';
import { factsOf, openExpanding, partOf } from './image';

/** Parallels' expanding images. */
export const parallels: Driver = {
  id: 'parallels',
  title: 'Parallels expanding image',
  patterns: ['*.hdd', '*.hds'],
  probe: ({ head }) => magicOf(head) !== undefined,
  open: openImage,
};

function openImage(source: ByteSource, context: OpenContext): PartLayer {
  const image = openExpanding(source, context);
  const { header } = image.file;
  return new PartLayer({
    format: 'parallels',
    grain: header.clusterSize,
    part: partOf(image, header.guestSize),
    write: writesBlocks,
    facts: factsOf(image),
    // QEMU tells of no cluster size here, and of nothing that is the format's own.
    info: { 'dirty-flag': false },
    findings: image.findings,
    bitmaps: image.bitmaps,
  });
}
