import { ascii } from '../../bytes';
import { DiskError } from '../../errors';
import type { ByteSource, Finding } from '../../model';
import type { Driver, OpenContext } from '../driver';
import { writesBlocks } from '../parts/part';
import { PartLayer } from '../parts/partLayer';
import { openDescriptor, openState, placeOf, readDescriptor } from './bundle';
import { checkImage } from './check';
import { DESCRIPTOR, isDescriptor } from './descriptor';
import { magicOf } from './header';
import { factsOf, openExpanding, partOf } from './image';

/** Parallels' expanding images, and the bundles (`.hdd`) that are made of them, by their descriptor. */
export const parallels: Driver = {
  id: 'parallels',
  title: 'Parallels disk',
  patterns: ['*.hdd', '*.hds'],
  probe: ({ head }) => magicOf(head) !== undefined || isBundle(head),
  open: (source, context) => {
    if (context.state !== undefined) return openState(source, context.state, context);
    const head = new Uint8Array(Math.min(source.size, HEAD_BYTES));
    context.cache.of(source).readInto(head, 0);
    return isBundle(head) ? openDescriptor(source, context) : openAlone(source, context);
  },
};

/** As much of a descriptor as its outermost element begins in. */
const HEAD_BYTES = 4096;

const isBundle = (head: Uint8Array): boolean => isDescriptor(ascii(head, 0, Math.min(head.length, HEAD_BYTES)));

/** An expanding image by itself, whatever it is part of. */
function openAlone(source: ByteSource, context: OpenContext): PartLayer {
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
    findings: [...(context.isLeaf ? bundleFindings(context) : []), ...image.findings],
    bitmaps: image.bitmaps,
    check: () => checkImage(image),
  });
}

/** Where a descriptor beside the image says that it is not all of a disk. */
function bundleFindings(context: OpenContext): readonly Finding[] {
  const { identity } = context;
  const path = placeOf(identity.path, DESCRIPTOR);
  const answer = context.openCompanion({
    role: 'extent',
    written: DESCRIPTOR,
    target: { kind: 'path', path, relativeTo: 'image' },
  });
  if (!answer.ok) return [];
  const { source } = answer.opened;
  try {
    const { storages, parents } = readDescriptor(source);
    const guid = storages
      .flatMap(({ images }) => [...images])
      .find(([, { file }]) => placeOf(path, file) === identity.path)?.[0];
    if (guid === undefined) return [];
    const parent = parents.get(guid);
    const why = [
      ...(parent === undefined
        ? []
        : [`what it does not hold is in the images that it stands on, the next being that of ${parent}`]),
      ...(storages.length > 1 ? [`it is one of ${storages.length} parts of the disk`] : []),
    ];
    if (why.length === 0) return [];
    return [
      {
        code: 'bundle-layer',
        severity: 'info',
        message: `this is an image of snapshot ${guid} of a bundle, and not all of its disk: ${why.join('; ')}`,
        advice: `Open ${path}, which knows them all.`,
      },
    ];
  } catch (error) {
    if (error instanceof DiskError) return []; // It is told of where the descriptor itself is opened.
    throw error;
  } finally {
    source.close();
  }
}
