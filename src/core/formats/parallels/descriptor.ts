import { DiskError } from '../../errors';
import type { Finding } from '../../model';
import { labelText } from '../../strangersText';
import type { XmlElement } from '../../xml';
import { childNamed, childrenNamed, parseXml, textOf } from '../../xml';
import { LIMITS } from './limits';

/** What the file is called that says what a bundle is made of. */
export const DESCRIPTOR = 'DiskDescriptor.xml';
const ROOT = 'Parallels_disk_image';
const VERSION = '1.0';

const NO_GUID = '{00000000-0000-0000-0000-000000000000}';
/** Of the current state, where nothing else says which it is (prl-xml.rst, "Snapshots element"). */
const TOP_GUID = '{5fbaabe3-6958-40ff-92a7-860e329aab41}';
const GUID = /^\{[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\}$/;

export interface DescribedImage {
  /** `plain` holds its part of the disk as it stands. */
  readonly type: 'plain' | 'expanding';
  /** As written. */
  readonly file: string;
}

/** A stretch of the disk, `[start, end)` in sectors, which files of its own hold. */
export interface Storage {
  readonly start: number;
  readonly end: number;
  /** Sectors in a cluster of its expanding images; undefined where that is not said. */
  readonly clusterSectors: number | undefined;
  /** By the GUID of the snapshot whose state they are. */
  readonly images: ReadonlyMap<string, DescribedImage>;
}

/** What `DiskDescriptor.xml` says (docs/interop/prl-xml.rst). GUIDs are in lower case, with their braces. */
export interface Descriptor {
  /** Of the disk. */
  readonly sectors: number;
  readonly name: string | undefined;
  /** In rising order; no two overlap. */
  readonly storages: readonly Storage[];
  /** The parent of each snapshot, undefined of a root. */
  readonly parents: ReadonlyMap<string, string | undefined>;
  /** The snapshot that is the current state. */
  readonly top: string;
  readonly encrypted: boolean;
  readonly findings: readonly Finding[];
}

/** True of the first bytes of a descriptor. */
export const isDescriptor = (head: string): boolean =>
  /^(?:\ufeff|\u00ef\u00bb\u00bf)?\s*</.test(head) && head.includes(`<${ROOT}`);

/** @throws DiskError when no sense can be made of it */
export function parseDescriptor(text: string): Descriptor {
  const root = parseXml(text);
  if (root?.name !== ROOT) throw corrupt(`this is no descriptor of a Parallels disk: it has no <${ROOT}>`);
  const version = root.attributes.get('Version');
  if (version !== undefined && version !== VERSION) {
    throw new DiskError(
      'unsupported',
      `version "${labelText(version) ?? ''}" of ${DESCRIPTOR} is not known (${VERSION} is)`,
    );
  }
  const parameters = childNamed(root, 'Disk_Parameters');
  if ((textOf(parameters, 'Padding') ?? '0') !== '0') {
    throw new DiskError(
      'unsupported',
      'the disk is padded in a way that nothing describes',
      {},
      'Open it with Parallels.',
    );
  }
  const findings: Finding[] = [];
  const storages = storagesOf(childNamed(root, 'StorageData'));
  const end = Math.max(...storages.map((storage) => storage.end));
  const sectors = numberOf(parameters, 'Disk_size') ?? end;
  if (sectors !== end) {
    findings.push({
      code: 'storage-size',
      severity: 'warning',
      message: `the disk is said to have ${sectors} sectors, its files are said to hold ${end}`,
    });
  }
  const snapshots = childNamed(root, 'Snapshots');
  const parents = parentsOf(snapshots);
  return {
    sectors,
    name: labelText(textOf(parameters, 'Name')),
    storages,
    parents,
    top: topOf(snapshots, parents, storages),
    encrypted: (guidOf(childNamed(parameters, 'Encryption'), 'Engine') ?? NO_GUID) !== NO_GUID,
    findings,
  };
}

function storagesOf(data: XmlElement | undefined): readonly Storage[] {
  const elements = data ? childrenNamed(data, 'Storage') : [];
  if (elements.length === 0) throw corrupt('the descriptor names no file that holds the disk: it has no <Storage>');
  if (elements.length > LIMITS.maxStorages) {
    throw new DiskError('limit', `a disk in ${elements.length} parts is more than is read (${LIMITS.maxStorages} are)`);
  }
  const images = elements.reduce((sum, element) => sum + childrenNamed(element, 'Image').length, 0);
  if (images > LIMITS.maxImages) {
    throw new DiskError('limit', `a disk in ${images} files is more than is read (${LIMITS.maxImages} are)`);
  }
  const storages = elements.map(storageOf).sort((a, b) => a.start - b.start);
  let end = 0;
  for (const storage of storages) {
    if (storage.start < end) throw corrupt(`two parts of the disk are said to hold sector ${storage.start}`);
    ({ end } = storage);
  }
  return storages;
}

function storageOf(element: XmlElement): Storage {
  const start = numberOf(element, 'Start') ?? 0;
  const end = numberOf(element, 'End');
  if (end === undefined || end <= start) {
    throw corrupt(`a part of the disk is said to end at sector ${end ?? '(none)'} and to begin at ${start}`);
  }
  const images = new Map<string, DescribedImage>();
  for (const image of childrenNamed(element, 'Image')) {
    const guid = guidOf(image, 'GUID');
    const file = textOf(image, 'File');
    const type = TYPES.get(textOf(image, 'Type') ?? '');
    if (guid === undefined || file === undefined || file === '' || !type) {
      throw corrupt('an <Image> lacks its GUID or its file, or has a type that is neither Plain nor Compressed');
    }
    if (!images.has(guid)) images.set(guid, { type, file });
  }
  return { start, end, clusterSectors: numberOf(element, 'Blocksize'), images };
}

const TYPES: ReadonlyMap<string, DescribedImage['type']> = new Map([
  ['Plain', 'plain'],
  ['Compressed', 'expanding'],
]);

function parentsOf(snapshots: XmlElement | undefined): ReadonlyMap<string, string | undefined> {
  const parents = new Map<string, string | undefined>();
  for (const shot of snapshots ? childrenNamed(snapshots, 'Shot') : []) {
    const guid = guidOf(shot, 'GUID');
    const parent = guidOf(shot, 'ParentGUID');
    if (guid !== undefined) parents.set(guid, parent === NO_GUID ? undefined : parent);
  }
  return parents;
}

/** As it is said, or by its well-known GUID; else the one that nothing stands on, where there is one. */
function topOf(
  snapshots: XmlElement | undefined,
  parents: ReadonlyMap<string, string | undefined>,
  storages: readonly Storage[],
): string {
  const said = guidOf(snapshots, 'TopGUID');
  if (said !== undefined) return said;
  const known =
    parents.size > 0 ? [...parents.keys()] : [...new Set(storages.flatMap(({ images }) => [...images.keys()]))];
  if (known.includes(TOP_GUID)) return TOP_GUID;
  const taken = new Set(parents.values());
  const [newest, ...others] = known.filter((guid) => !taken.has(guid));
  if (newest === undefined || others.length > 0)
    throw corrupt('the descriptor does not say which state is the current one');
  return newest;
}

function numberOf(element: XmlElement | undefined, name: string): number | undefined {
  const text = textOf(element, name);
  if (text === undefined) return undefined;
  const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  if (!(value <= LIMITS.maxDescribedSectors)) {
    throw corrupt(`<${name}> is no number of sectors, or more than are read (${LIMITS.maxDescribedSectors})`);
  }
  return value;
}

function guidOf(element: XmlElement | undefined, name: string): string | undefined {
  const text = textOf(element, name)?.toLowerCase();
  return text !== undefined && GUID.test(text) ? text : undefined;
}

const corrupt = (message: string): DiskError =>
  new DiskError(
    'corrupt',
    message,
    {},
    `Restore ${DESCRIPTOR} from a backup: Parallels keeps ${DESCRIPTOR}.Backup beside it.`,
  );
