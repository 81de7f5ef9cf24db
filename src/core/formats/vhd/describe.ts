import type { Fact } from '../../model';
import { formatGeometry } from '../../units';
import type { DynamicHeader } from './dynamicHeader';
import type { DiskType, Footer } from './footer';
import { timeOf } from './identity';
import type { ParentName } from './parentNames';
import { geometrySize } from './size';

const TYPES: Readonly<Record<DiskType, string>> = {
  fixed: 'fixed',
  dynamic: 'dynamic',
  differencing: 'differencing',
};

/** Who writes which creator (block/vpc.c; libvhdi, "Creator application"; VirtualBox, VHD.cpp). */
const CREATORS: Readonly<Record<string, string>> = {
  'vpc ': 'Virtual PC',
  'vs  ': 'Virtual Server',
  'win ': 'Windows, Hyper-V',
  'd2v ': 'Disk2vhd',
  vbox: 'VirtualBox',
  CTXS: 'XenConverter',
  qemu: 'QEMU',
  qem2: 'QEMU',
  'tap\0': 'XenServer',
};

/** The footer and the header for a person to read. @param size bytes of the disk, as it counts */
export function describe(
  footer: Footer,
  size: number,
  header: DynamicHeader | undefined,
  names: readonly ParentName[],
): readonly Fact[] {
  const { geometry, currentSize, originalSize } = footer;
  const yes = (label: string, value: boolean): Fact[] => (value ? [{ label, value }] : []);
  const bytes = (label: string, value: number | bigint): Fact => ({ label, value: Number(value), unit: 'bytes' });
  const otherwise = (label: string, value: number | bigint): Fact[] =>
    Number(value) === size ? [] : [bytes(label, value)];
  return [
    { label: 'Disk type', value: TYPES[footer.type] },
    bytes('Disk size', size),
    ...otherwise('Size in the footer', currentSize),
    ...otherwise('Size by the geometry', geometrySize(geometry)),
    ...(originalSize === currentSize ? [] : [bytes('Size when it was made', originalSize)]),
    { label: 'Geometry', value: formatGeometry(geometry.cylinders, geometry.heads, geometry.sectorsPerTrack) },
    ...(header ? [bytes('Block size', header.blockSize)] : []),
    { label: 'Creator', value: creatorOf(footer) },
    { label: 'Time stamp', value: timeOf(footer.timeStamp) },
    { label: 'UUID', value: footer.uuid },
    ...yes('Saved state', footer.savedState),
    ...yes('Temporary', footer.temporary),
    ...(header && footer.type === 'differencing' ? parentFacts(header, names) : []),
  ];
}

function creatorOf({ creator, creatorVersion, creatorHost }: Footer): string {
  const written = printable(creator);
  const known = CREATORS[creator];
  return `${known === undefined ? written : `${known} (${written})`} ${creatorVersion}, host ${printable(creatorHost)}`;
}

function parentFacts({ parentUuid, parentTimeStamp, locators }: DynamicHeader, names: readonly ParentName[]): Fact[] {
  const undecoded = locators.filter(({ platform }) => !names.some((name) => name.platform === platform));
  return [
    { label: 'Parent UUID', value: parentUuid },
    ...(parentTimeStamp === 0 ? [] : [{ label: 'Parent time stamp', value: timeOf(parentTimeStamp) }]),
    ...names.map(({ platform, written }) => ({
      label: platform === 'name' ? 'Parent name' : `Parent (${platform})`,
      value: written,
    })),
    ...undecoded.map(({ platform, length }) => ({
      label: `Parent (${printable(platform)})`,
      value: `${length} bytes that are not read`,
    })),
  ];
}

/** Four characters of a file, without what does not show. */
const printable = (code: string): string => code.replace(/[^\x21-\x7e]/g, ' ').trim() || 'unknown';
