import { DiskError } from '../errors';
import type { ByteSource, Finding, ImageIdentity } from '../model';
import { imageWithin, onRawDisk } from '../sniffing/rawDisk';
import type { Driver } from './driver';
import { FlatPart, SECTOR } from './parts/flatPart';
import { writesBlocks } from './parts/part';
import { PartLayer } from './parts/partLayer';
import { probeInput } from './probeInput';
import { descriptorNameOf } from './vmdk/names';

/** Raw images. Knows nothing by its bytes: it comes last, and takes what it is told to take. */
export const raw: Driver = {
  id: 'raw',
  title: 'raw disk',
  patterns: [],
  probe: () => true,
  open: (source, { cache, identity, isLeaf }) => {
    const lookups = cache.of(source);
    const content = isLeaf ? whatItHolds(lookups) : undefined;
    const guestSize = Math.ceil(source.size / SECTOR) * SECTOR;
    return new PartLayer({
      format: 'raw',
      grain: SECTOR,
      part: new FlatPart(source, lookups, guestSize),
      write: writesBlocks,
      facts: [
        { label: 'Disk size', value: guestSize, unit: 'bytes' },
        ...(content?.disk === undefined ? [] : [{ label: 'Begins as', value: content.disk }]),
      ],
      info: { 'dirty-flag': false },
      findings: [...oddSize(source), ...partOfDisk(identity), ...(content?.findings ?? [])],
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

/** A flat extent of a VMware disk is raw, and tells nothing but by its name. */
function partOfDisk({ path }: ImageIdentity): readonly Finding[] {
  const descriptor = descriptorNameOf(path);
  if (descriptor === undefined) return [];
  return [
    {
      code: 'bare-extent',
      severity: 'info',
      message: `by its name this file holds data of a VMware disk, whose descriptor is ${descriptor}`,
      advice: 'Open the descriptor to see the disk with its snapshots.',
    },
  ];
}

/** What the first bytes of the disk tell of it; nothing where they can't be read, which reading the disk will tell. */
function whatItHolds(source: ByteSource): { readonly disk: string | undefined; readonly findings: readonly Finding[] } {
  try {
    const input = probeInput(source);
    const inner = imageWithin(input);
    return { disk: onRawDisk(input), findings: inner ? [imageFound(inner)] : [] };
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    return { disk: undefined, findings: [] };
  }
}

const imageFound = ({ at, format }: { readonly at: number; readonly format: string }): Finding => ({
  code: 'image-within',
  severity: 'info',
  message: `a partition of this disk, at byte ${at}, begins with an image of another format (${format})`,
  advice: `The disk is in there: copy it out to look at it (dd iflag=skip_bytes skip=${at}).`,
  offset: at,
});
