import { readUpTo } from '../../bytes';
import { DiskError } from '../../errors';
import type { ByteSource, Finding, Layer } from '../../model';
import { BlockPart } from '../blocks/blockPart';
import type { Driver, OpenContext } from '../driver';
import { writesBlocks } from '../parts/part';
import { PartLayer } from '../parts/partLayer';
import { checkExtent } from './check';
import { checkExtents } from './checkExtents';
import { isCowd } from './cowd';
import type { Descriptor } from './descriptor';
import { isDescriptor, parseDescriptor } from './descriptor';
import { descriptorFacts, linkFindings, linkIdsOf, parentOf, qemuInfo } from './describe';
import { grainOf, openExtents } from './extents';
import { holesOf } from './flatHoles';
import type { HostedHeader } from './hosted';
import { isHosted } from './hosted';
import { LIMITS } from './limits';
import { baseName, descriptorNameOf } from './names';
import { isSeSparse } from './seSparse';
import type { SparseHeader } from './sparseExtent';
import { grainsOf, readSparse } from './sparseExtent';
import { SECTOR_BYTES } from './sectors';

/** VMware's disks, and their extents by themselves: Virtual Disk Format 5.0 (VMware); block/vmdk.c in QEMU's sources. */
export const vmdk: Driver = {
  id: 'vmdk',
  title: 'VMware virtual disk (VMDK)',
  patterns: ['*.vmdk'],
  probe: ({ head }) => isHosted(head) || isCowd(head) || isSeSparse(head) || isDescriptor(head),
  open: (source, context) => {
    const lookups = context.cache.of(source);
    const head = readUpTo(lookups, 0, SECTOR_BYTES);
    if (!isHosted(head) && !isCowd(head) && !isSeSparse(head)) return openText(lookups, context);
    const header = readSparse(lookups);
    const descriptor = header.hosted && embeddedDescriptor(lookups, header.hosted);
    // An image of no disk of its own may hold the descriptor of one.
    if (descriptor && header.layout.size === 0) return openDescribed(lookups, descriptor, context);
    return openAlone(source, header, descriptor, context);
  },
};

function openText(source: ByteSource, context: OpenContext): Layer {
  const bytes = readUpTo(source, 0, LIMITS.maxDescriptorBytes);
  if (!isDescriptor(bytes.subarray(0, SECTOR_BYTES * 8))) {
    throw new DiskError('not-this-format', 'this is neither a VMware disk nor the descriptor of one', { offset: 0 });
  }
  return openDescribed(source, parseDescriptor(bytes), context);
}

/** The descriptor that an extent holds, where it does. */
function embeddedDescriptor(source: ByteSource, { descriptor: place }: HostedHeader): Descriptor | undefined {
  if (!place) return undefined;
  const bytes = readUpTo(source, place.offset, Math.min(place.length, LIMITS.maxDescriptorBytes));
  // Where there is room for one and none in it, the extent is a part of a larger disk.
  return (bytes[0] ?? 0) === 0 ? undefined : parseDescriptor(bytes);
}

/** A disk whose descriptor names the files that it is in. */
function openDescribed(own: ByteSource, descriptor: Descriptor, context: OpenContext): Layer {
  const { part, files, diskFiles, opened, findings } = openExtents(descriptor.extents, context);
  const extents = opened.map(({ line: { name = '', type, size }, sparse }) => ({
    name,
    type,
    size,
    sparse: sparse?.header,
  }));
  return new PartLayer({
    format: 'vmdk',
    grain: grainOf(opened),
    part,
    own,
    write: writesBlocks,
    facts: [
      ...descriptorFacts(descriptor),
      { label: 'Disk size', value: part.size, unit: 'bytes' },
      ...(opened.some(({ sparse }) => sparse)
        ? [{ label: 'Grain size', value: grainOf(opened), unit: 'bytes' } as const]
        : []),
      { label: 'Extents', value: descriptor.extents.length },
    ],
    info: qemuInfo(descriptor, descriptor.createType, extents),
    findings: [...descriptor.findings, ...typeFindings(descriptor), ...linkFindings(descriptor), ...findings],
    parent: parentOf(descriptor),
    linkIds: linkIdsOf(descriptor),
    files,
    // QEMU asks the files for them (block/vmdk.c, vmdk_co_block_status).
    unwritten: () => holesOf(diskFiles),
    check: () => checkExtents(opened, descriptor.extents, own.size),
  });
}

/** A disk in one file, or one file of a disk, that a descriptor apart names. */
function openAlone(
  source: ByteSource,
  header: SparseHeader,
  descriptor: Descriptor | undefined,
  { identity, cache, codecs }: OpenContext,
): Layer {
  const { kind, layout } = header;
  const file = { source, lookups: cache.of(source) };
  const grains = grainsOf(file, header, layout.size, { codecs, shelf: cache.shelf() });
  const extent = { name: baseName(identity.path), type: '', size: layout.size, sparse: header };
  return new PartLayer({
    format: 'vmdk',
    grain: layout.grainSize,
    part: new BlockPart(grains),
    write: writesBlocks,
    facts: [
      ...header.facts,
      ...(descriptor ? descriptorFacts(descriptor) : []),
      { label: 'Disk size', value: layout.size, unit: 'bytes' },
      { label: 'Grain size', value: layout.grainSize, unit: 'bytes' },
    ],
    info: qemuInfo(descriptor, CREATE_TYPES[kind], [extent]),
    findings: [
      ...header.findings,
      ...(descriptor
        ? [...descriptor.findings, ...linkFindings(descriptor), ...extentFindings(descriptor, layout.size)]
        : [partOfDisk(identity.path)]),
    ],
    parent: parentOf(descriptor),
    linkIds: linkIdsOf(descriptor),
    check: () => checkExtent({ file, header, grains }),
  });
}

/** What QEMU calls a disk in one file, whatever its descriptor does (block/vmdk.c, vmdk_open_vmdk4). */
const CREATE_TYPES: Readonly<Record<SparseHeader['kind'], string>> = {
  hosted: 'monolithicSparse',
  cowd: 'vmfsSparse',
  seSparse: 'seSparse',
};

/** A file is opened that says nothing of the disk that it is a part of. */
function partOfDisk(path: string): Finding {
  const descriptor = descriptorNameOf(path);
  return {
    code: 'bare-extent',
    severity: 'warning',
    message:
      'this is one file of a VMware disk, without its descriptor: it is shown as if it were all of the disk, and what it does not hold as if nobody did',
    advice: `Open the descriptor of the disk${descriptor === undefined ? '' : `, ${descriptor}`}.`,
  };
}

/** A disk in one file has one extent, the file itself. */
function extentFindings({ extents }: Descriptor, size: number): readonly Finding[] {
  const [first] = extents;
  if (extents.length === 1 && first?.size === size) return [];
  const said =
    first === undefined
      ? 'names no extent'
      : `names ${extents.length} of ${extents.map((one) => one.size).join(', ')} bytes`;
  return [
    {
      code: 'extent-size',
      severity: 'warning',
      message: `the file holds a disk of ${size} bytes, and its descriptor ${said}: the file is believed`,
    },
  ];
}

const DEVICE_TYPES: ReadonlySet<string> = new Set([
  'fullDevice',
  'partitionedDevice',
  'vmfsRaw',
  'vmfsRDM',
  'vmfsRDMP',
  'vmfsRawDeviceMap',
  'vmfsPassthroughRawDeviceMap',
]);
/** Kinds of disk whose descriptor stands apart: block/vmdk.c (vmdk_open_desc_file), and those that it refuses. */
const FILE_TYPES: ReadonlySet<string> = new Set([
  'monolithicFlat',
  'monolithicSparse',
  'streamOptimized',
  'twoGbMaxExtentFlat',
  'twoGbMaxExtentSparse',
  '2GbMaxExtentFlat',
  '2GbMaxExtentSparse',
  'vmfs',
  'vmfsEagerZeroedThick',
  'vmfsPreallocated',
  'vmfsSparse',
  'vmfsThin',
  'seSparse',
  'custom',
]);

function typeFindings({ createType, extents }: Descriptor): readonly Finding[] {
  const findings: Finding[] = [];
  if (createType === undefined || !(FILE_TYPES.has(createType) || DEVICE_TYPES.has(createType))) {
    const message =
      createType === undefined
        ? 'the descriptor does not say of which type the disk is'
        : `the disk is of a type that is not known ("${createType.slice(0, 80)}"): its extents are shown as they are listed`;
    findings.push({ code: 'create-type', severity: 'warning', message, advice: 'QEMU refuses such an image.' });
  }
  if (createType !== undefined && DEVICE_TYPES.has(createType)) {
    findings.push({
      code: 'device-disk',
      severity: 'warning',
      message: `this disk is a device of the host that it was made on (${createType}): only what lies in files can be shown`,
    });
  }
  if (extents.length === 0) {
    findings.push({
      code: 'no-extents',
      severity: 'error',
      message: 'the descriptor names no extent: the disk has no bytes',
    });
  }
  return findings;
}
