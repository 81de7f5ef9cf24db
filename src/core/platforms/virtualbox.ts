import type { LayerStory } from '../snapshots/model';
import type { Platform, PlatformFiles } from './files';
import type { TakenSnapshot } from './frozen';
import { CURRENT, frozenBy } from './frozen';
import { folderOf, join, nameOf } from './paths';
import { dateOr, descriptionText, labelText, utf8 } from '../strangersText';
import type { XmlElement } from '../xml';
import { childNamed, childrenNamed, parseXml, textOf } from '../xml';

/**
 * VirtualBox keeps all of a VM in one file beside its disks, `<VM>.vbox` (its settings, src/VBox/Main/xml/Settings.cpp):
 * `MediaRegistry/HardDisks` has the disks, each within its parent; `Snapshot` elements, each within the one it was taken
 * after, have the medium that was attached then, which the snapshot froze. What the `Machine` itself has is the newest.
 * Images made for snapshots lie in `Snapshots/` below.
 */
const ENDING = '.vbox';
const MAX_BYTES = 8 << 20;
/** VMs in a folder: VirtualBox gives each a folder of its own. */
const MAX_VMS = 16;
/** VirtualBox's own limit (`SETTINGS_SNAPSHOT_DEPTH_MAX`); disks are nested no deeper than `MAX_DEPTH` (chain.ts) counts. */
const MAX_SNAPSHOT_DEPTH = 250;
/** Each snapshot is two elements deep, and what is looked for in it lies some further in. */
const MAX_XML_DEPTH = 2 * MAX_SNAPSHOT_DEPTH + 16;

export function virtualbox(files: PlatformFiles): Platform {
  const known = new Map<string, ReadonlyMap<string, LayerStory>>();
  const storiesIn = (folder: string): ReadonlyMap<string, LayerStory> => {
    const stories = known.get(folder) ?? readFolder(files, folder);
    known.set(folder, stories);
    return stories;
  };
  return {
    name: 'VirtualBox',
    story: (file) => {
      const folder = folderOf(file);
      return storiesIn(folder).get(file) ?? storiesIn(folderOf(folder)).get(file);
    },
  };
}

/** By the path of each image, links followed. */
function readFolder(files: PlatformFiles, folder: string): ReadonlyMap<string, LayerStory> {
  const names = (files.list(folder) ?? []).filter((name) => name.toLowerCase().endsWith(ENDING));
  const stories = names.slice(0, MAX_VMS).flatMap((name) => {
    const bytes = files.read(join(folder, name), MAX_BYTES);
    const machine = bytes && machineOf(utf8(bytes));
    return machine ? [...storiesOf(machine)] : [];
  });
  return new Map(
    stories.map(([location, story]) => {
      const file = placeOf(location, folder);
      return [files.real(file) ?? file, story];
    }),
  );
}

/**
 * Where the disks of a VM lie, by UUID in lower-case digits.
 * @param text of a `.vbox` file, @param folder that it lies in, absolute, with `/`
 * @returns absolute paths with `/`; none where it is no such file
 */
export function registeredDisks(text: string, folder: string): ReadonlyMap<string, string> {
  const machine = machineOf(text);
  return new Map(machine && registered(machine).map(({ uuid, location }) => [uuid, placeOf(location, folder)]));
}

function machineOf(text: string): XmlElement | undefined {
  const root = parseXml(text, MAX_XML_DEPTH);
  return root?.name === 'VirtualBox' ? childNamed(root, 'Machine') : undefined;
}

interface Medium {
  readonly uuid: string;
  readonly location: string;
}

/** All disks of the registry. */
function registered(machine: XmlElement): readonly Medium[] {
  const below = (element: XmlElement): readonly Medium[] =>
    childrenNamed(element, 'HardDisk').flatMap((disk) => {
      const uuid = uuidOf(disk);
      const location = disk.attributes.get('location')?.replaceAll('\\', '/');
      return [...(uuid === undefined || !location ? [] : [{ uuid, location }]), ...below(disk)];
    });
  const disks = childNamed(childNamed(machine, 'MediaRegistry'), 'HardDisks');
  return disks ? below(disks) : [];
}

interface Snapshot extends TakenSnapshot {
  /** Where each medium was attached, by UUID. */
  readonly attached: ReadonlyMap<string, string>;
}

/** By where each disk lies. */
function storiesOf(machine: XmlElement): ReadonlyMap<string, LayerStory> {
  const vm = labelText(machine.attributes.get('name'));
  const current = attachedIn(machine);
  const frozen = new Map<string, Snapshot[]>();
  for (const snapshot of snapshotsIn(childrenNamed(machine, 'Snapshot'))) {
    for (const uuid of snapshot.attached.keys()) {
      const by = frozen.get(uuid) ?? [];
      by.push(snapshot);
      frozen.set(uuid, by);
    }
  }
  return new Map(
    registered(machine).map(({ uuid, location }) => {
      const by = frozen.get(uuid) ?? [];
      const disk = current.get(uuid) ?? by[0]?.attached.get(uuid);
      // What no snapshot froze though it was there (write-through disks) is attached still.
      return [location, { platform: 'VirtualBox', vm, disk, ...(current.has(uuid) ? CURRENT : frozenBy(by)) }];
    }),
  );
}

/** Each before those that were taken after it. */
function snapshotsIn(elements: readonly XmlElement[]): readonly Snapshot[] {
  return elements.flatMap((element) => {
    const { attributes } = element;
    const after = childNamed(element, 'Snapshots');
    const snapshot: Snapshot = {
      name: labelText(attributes.get('name')),
      description: descriptionText(textOf(element, 'Description')),
      date: dateOr(Date.parse(attributes.get('timeStamp') ?? '')),
      attached: attachedIn(element),
    };
    return [snapshot, ...(after ? snapshotsIn(childrenNamed(after, 'Snapshot')) : [])];
  });
}

/** The disks attached to a machine or a snapshot itself. Controllers stand in `Hardware` since VirtualBox 6.1. */
function attachedIn(element: XmlElement): ReadonlyMap<string, string> {
  const attached = new Map<string, string>();
  for (const owner of [element, childNamed(element, 'Hardware')]) {
    const controllers = childNamed(owner, 'StorageControllers');
    for (const controller of controllers ? childrenNamed(controllers, 'StorageController') : []) {
      for (const device of childrenNamed(controller, 'AttachedDevice')) {
        const image = childNamed(device, 'Image');
        const uuid = device.attributes.get('type') === 'HardDisk' && image ? uuidOf(image) : undefined;
        if (uuid !== undefined) attached.set(uuid, slotOf(controller, device));
      }
    }
  }
  return attached;
}

/** `SATA 0:0`: the controller's name, the port and the device on it. */
function slotOf({ attributes }: XmlElement, device: XmlElement): string {
  const place = ['port', 'device'].map((key) => device.attributes.get(key) ?? '0').join(':');
  return labelText(`${attributes.get('name') ?? ''} ${place}`) ?? place;
}

/** In braces, there. */
function uuidOf({ attributes }: XmlElement): string | undefined {
  const [uuid] = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/i.exec(attributes.get('uuid') ?? '') ?? [];
  return uuid?.toLowerCase();
}

/** Where a disk lies, of those beside a `.vbox` file in `folder`: one that Windows wrote may have come to another system. */
function placeOf(location: string, folder: string): string {
  if (location.startsWith('/') || (isOfWindows(location) && isOfWindows(folder))) return location;
  return join(folder, isOfWindows(location) ? nameOf(location) : location);
}

const isOfWindows = (path: string): boolean => /^[A-Za-z]:\//.test(path);
