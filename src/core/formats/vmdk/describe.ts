import { parentReference } from '../../fileReference';
import type { Fact, FileReference, Finding, LayerInfo, LinkId } from '../../model';
import { formatGeometry } from '../../units';
import type { Descriptor } from './descriptor';
import { baseName } from './names';
import type { SparseHeader } from './sparseExtent';

/** What links name a disk by: a new number for each time that it was opened and written to. */
const CONTENT_ID = 'CID';
const NO_CID = 'ffffffff';

/** One file with a part of the disk, as it is told to people and in `info`. */
export interface DescribedExtent {
  /** As the descriptor has it, from the folder that the image is in. */
  readonly name: string;
  /** The same; nothing of an image that holds its own descriptor. */
  readonly type: string;
  readonly size: number;
  readonly sparse: SparseHeader | undefined;
}

export function linkIdsOf(descriptor: Descriptor | undefined): readonly LinkId[] | undefined {
  return descriptor?.cid === undefined ? undefined : [{ what: CONTENT_ID, value: descriptor.cid }];
}

/**
 * The parent that a descriptor names, and what its CID must be. VMware looks for a file of that name beside the image too,
 * where the path leads nowhere.
 */
export function parentOf(descriptor: Descriptor | undefined): FileReference | undefined {
  if (!descriptor) return undefined;
  const { parentName, parentCid } = descriptor;
  const expects = parentCid === undefined ? [] : [{ what: CONTENT_ID, value: parentCid, severity: 'error' as const }];
  if (parentName === undefined) {
    if (parentCid === undefined) return undefined;
    return {
      role: 'parent',
      written: `${CONTENT_ID} ${parentCid}`,
      format: 'vmdk',
      target: { kind: 'search', endings: ['.vmdk'] },
      expects,
    };
  }
  const beside = baseName(parentName);
  const reference = { ...parentReference(parentName, 'vmdk'), expects };
  if (beside === parentName || beside === '') return reference;
  return { ...reference, elsewhere: [{ kind: 'path', path: beside, relativeTo: 'image', isGuess: true }] };
}

/** What is odd about how a descriptor names its parent. */
export function linkFindings({ parentName, parentCid, values }: Descriptor): readonly Finding[] {
  let message: string;
  if (parentName === undefined && parentCid !== undefined) {
    message = `the descriptor names no parent, though it stands on one (parentCID ${parentCid}): it can only be found by that`;
  } else if (parentName !== undefined && parentCid === undefined) {
    message = `the descriptor names a parent (${parentName}), though its parentCID (${values.get('parentcid') ?? 'none'}) says that there is none`;
  } else {
    return [];
  }
  const advice = 'Set parentFileNameHint and parentCID in the descriptor to what the parent is.';
  return [{ code: 'parent-link', severity: 'warning', message, advice }];
}

const FACTS: readonly (readonly [key: string, label: string])[] = [
  ['ddb.adaptertype', 'Adapter'],
  ['ddb.virtualhwversion', 'Virtual hardware version'],
  ['ddb.uuid', 'UUID'],
  ['ddb.longcontentid', 'Long content id'],
  ['ddb.thinprovisioned', 'Thin provisioned'],
  ['changetrackpath', 'Changed blocks tracked in'],
  ['encoding', 'Encoding'],
];

/** A descriptor for a person to read. */
export function descriptorFacts({ createType, cid, parentCid, parentName, values }: Descriptor): readonly Fact[] {
  const [cylinders, heads, sectors] = ['cylinders', 'heads', 'sectors'].map((key) => values.get(`ddb.geometry.${key}`));
  const fact = (label: string, value: string | undefined): Fact[] => (value === undefined ? [] : [{ label, value }]);
  return [
    ...fact('Type', createType),
    ...fact('CID', cid),
    ...fact('Parent', parentName),
    ...fact('Parent CID', parentCid),
    ...FACTS.flatMap(([key, label]) => fact(label, values.get(key))),
    ...(cylinders === undefined || heads === undefined
      ? []
      : fact('Geometry', formatGeometry(cylinders, heads, sectors))),
  ];
}

/** The same as `qemu-img info --output=json` words it (qapi/block-core.json, ImageInfoSpecificVmdk). */
export function qemuInfo(
  descriptor: Descriptor | undefined,
  createType: string | undefined,
  extents: readonly DescribedExtent[],
): LayerInfo {
  const isCompressed = ({ sparse }: DescribedExtent): boolean => sparse?.hosted?.compressed === true;
  const [first] = extents;
  const same = extents.every(
    (extent) =>
      isCompressed(extent) === (first !== undefined && isCompressed(first)) &&
      extent.sparse?.layout.grainSize === first?.sparse?.layout.grainSize,
  );
  const grain = same ? first?.sparse?.layout.grainSize : undefined;
  const data = {
    ...(descriptor && {
      cid: parseInt(descriptor.cid ?? '0', 16),
      'parent-cid': parseInt(descriptor.parentCid ?? NO_CID, 16),
    }),
    'create-type': extents.some(isCompressed) ? 'streamOptimized' : createType,
    extents: extents.map((extent) => ({
      filename: extent.name,
      format: extent.type,
      'virtual-size': extent.size,
      ...(extent.sparse && { 'cluster-size': extent.sparse.layout.grainSize }),
      ...(isCompressed(extent) && { compressed: true }),
    })),
  };
  return {
    ...(grain !== undefined && { 'cluster-size': grain }),
    'dirty-flag': false,
    ...(descriptor?.parentName !== undefined && { 'backing-filename-format': 'vmdk' }),
    'format-specific': { type: 'vmdk', data },
  };
}
