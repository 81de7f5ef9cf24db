import { placeOf } from '../formats/parallels/bundle';
import type { Descriptor } from '../formats/parallels/descriptor';
import { DESCRIPTOR, parseDescriptor } from '../formats/parallels/descriptor';
import { LIMITS } from '../formats/parallels/limits';
import { DiskError } from '../errors';
import type { LayerStory } from '../snapshots/model';
import type { Platform, PlatformFiles } from './files';
import { folderOf, join } from './paths';
import { descriptionText, labelText, localTime, utf8 } from '../strangersText';
import type { XmlElement } from '../xml';
import { childNamed, childrenNamed, parseXml, textOf } from '../xml';

/**
 * Parallels Desktop and Virtuozzo keep a VM in a folder (`web01.pvm`): `config.pvs`, bundles of its disks, and
 * `Snapshots.xml` with a tree of `SavedStateItem`. A snapshot has its GUID there and in the descriptors of the disks, where
 * it is the image that the snapshot froze.
 */
const SNAPSHOTS = 'Snapshots.xml';
const CONFIG = 'config.pvs';
const MAX_BYTES = 4 << 20;
/** A snapshot is an element inside of that of the one it was taken on. */
const MAX_DEPTH = 1000;
/** What backup programs call the snapshot that they read from (prl-xml.rst, "Snapshots element"). */
const BACKUP = '{704718e1-2314-44c8-9087-d78ed36b0f4e}';

interface Bundle {
  readonly path: string;
  readonly descriptor: Descriptor;
}

type Told = Pick<LayerStory, 'label' | 'description' | 'date'>;

interface Vm {
  readonly name: string | undefined;
  readonly snapshots: ReadonlyMap<string, Told>;
}

export function parallels(files: PlatformFiles): Platform {
  const bundles = new Map<string, Bundle | undefined>();
  const vms = new Map<string, Vm>();
  return {
    name: 'Parallels',
    story: (file) => {
      const folder = folderOf(file);
      if (!bundles.has(folder)) bundles.set(folder, bundleIn(files, folder));
      const bundle = bundles.get(folder);
      const image = bundle && imageOf(files, bundle, file);
      if (!image) return undefined;
      const home = folderOf(folder);
      const vm = vms.get(home) ?? vmIn(files, home);
      vms.set(home, vm);
      return tell(bundle.descriptor, image, vm);
    },
  };
}

function bundleIn(files: PlatformFiles, folder: string): Bundle | undefined {
  const path = join(folder, DESCRIPTOR);
  const bytes = files.read(path, LIMITS.maxDescriptorBytes);
  if (!bytes) return undefined;
  try {
    return { path, descriptor: parseDescriptor(utf8(bytes)) };
  } catch (error) {
    if (error instanceof DiskError) return undefined;
    throw error;
  }
}

interface BundleImage {
  /** Of the snapshot whose state the file holds. */
  readonly guid: string;
  readonly isPlain: boolean;
}

function imageOf(files: PlatformFiles, { path, descriptor }: Bundle, file: string): BundleImage | undefined {
  if (file === (files.real(path) ?? path)) return { guid: descriptor.top, isPlain: false };
  for (const { images } of descriptor.storages) {
    for (const [guid, image] of images) {
      const place = placeOf(path, image.file);
      if (place === file || files.real(place) === file) return { guid, isPlain: image.type === 'plain' };
    }
  }
  return undefined;
}

function tell({ top, name }: Descriptor, { guid, isPlain }: BundleImage, vm: Vm): LayerStory {
  const story: LayerStory = { platform: 'Parallels', vm: vm.name, disk: name, ...(isPlain && { format: 'raw' }) };
  if (guid === top) return { ...story, label: 'current', role: 'current' };
  const told = vm.snapshots.get(guid) ?? (guid === BACKUP ? { label: 'backup' } : {});
  return { ...story, ...told, role: 'snapshot' };
}

function vmIn(files: PlatformFiles, folder: string): Vm {
  const config = xmlIn(files, join(folder, CONFIG));
  return {
    name: labelText(textOf(childNamed(config, 'Identification'), 'VmName')),
    snapshots: new Map(savedStates(xmlIn(files, join(folder, SNAPSHOTS)))),
  };
}

/** All in the tree. */
function* savedStates(tree: XmlElement | undefined): Generator<readonly [guid: string, Told]> {
  const open = tree ? [tree] : [];
  for (let outer = open.pop(); outer; outer = open.pop()) {
    for (const item of childrenNamed(outer, 'SavedStateItem')) {
      open.push(item);
      const guid = item.attributes.get('guid')?.toLowerCase();
      // The tree's own root has none.
      if (guid === undefined || guid === '') continue;
      const label = labelText(textOf(item, 'Name'));
      const description = descriptionText(textOf(item, 'Description'));
      const date = localTime(textOf(item, 'DateTime'));
      yield [guid, { label, ...(description !== undefined && { description }), ...(date !== undefined && { date }) }];
    }
  }
}

function xmlIn(files: PlatformFiles, path: string): XmlElement | undefined {
  const bytes = files.read(path, MAX_BYTES);
  return bytes && parseXml(utf8(bytes), MAX_DEPTH);
}
