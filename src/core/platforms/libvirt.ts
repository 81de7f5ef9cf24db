import type { LayerStory } from '../snapshots/model';
import type { Platform, PlatformFiles } from './files';
import { join } from './paths';
import { rootsOf } from './places';
import { descriptionText, epochSeconds, labelText, utf8 } from '../strangersText';
import type { XmlElement } from '../xml';
import { childNamed, childrenNamed, parseXml, textOf } from '../xml';

/**
 * libvirt's snapshots (libvirt, "Snapshot XML format"), one file each in `/var/lib/libvirt/qemu/snapshot/<domain>/`.
 *
 * `disks/disk/source` is the **new** overlay; the file that an external snapshot froze stands in `domain`, as the VM
 * had it then. Of an internal snapshot, `domain` has the file that it is in.
 */
const FOLDER = '/var/lib/libvirt/qemu/snapshot';
const HOMES = ['/var/lib/libvirt/'];
const MAX_BYTES = 4 << 20;
/** VMs, and snapshots of each. */
const MAX_FILES = 10_000;

interface Snapshot {
  readonly vm: string | undefined;
  readonly name: string;
  readonly description: string | undefined;
  readonly date: number | undefined;
  readonly disks: readonly SnapshotDisk[];
}

interface SnapshotDisk {
  readonly target: string;
  readonly kind: 'internal' | 'external';
  /** The file that holds the state that was saved. */
  readonly saved: string | undefined;
  /** The overlay that an external snapshot made. */
  readonly overlay: string | undefined;
}

export function libvirt(files: PlatformFiles): Platform {
  const known = new Map<string, ReadonlyMap<string, LayerStory>>();
  return {
    name: 'libvirt',
    story: (file) => {
      for (const root of rootsOf(file, HOMES)) {
        const stories = known.get(root) ?? storiesBelow(files, root);
        known.set(root, stories);
        const story = stories.get(file);
        if (story) return story;
      }
      return undefined;
    },
  };
}

/** By the path of each image, links followed. */
function storiesBelow(files: PlatformFiles, root: string): ReadonlyMap<string, LayerStory> {
  const snapshots: Snapshot[] = [];
  const folder = root + FOLDER;
  for (const vm of files.list(folder) ?? []) {
    for (const name of files.list(join(folder, vm)) ?? []) {
      if (snapshots.length >= MAX_FILES || !name.endsWith('.xml')) continue;
      const bytes = files.read(join(folder, vm, name), MAX_BYTES);
      const snapshot = bytes && toSnapshot(utf8(bytes));
      if (snapshot) snapshots.push(snapshot);
    }
  }
  const told = tellAll(snapshots.sort((a, b) => (a.date ?? 0) - (b.date ?? 0)));
  return new Map([...told].map(([file, story]) => [files.real(root + file) ?? root + file, story]));
}

interface Growing {
  readonly vm: string | undefined;
  readonly disk: string;
  readonly frozenBy: Snapshot[];
  readonly inside: Snapshot[];
}

/** @param snapshots oldest first */
function tellAll(snapshots: readonly Snapshot[]): ReadonlyMap<string, LayerStory> {
  const byFile = new Map<string, Growing>();
  const of = (file: string, { vm }: Snapshot, { target }: SnapshotDisk): Growing => {
    const known = byFile.get(file) ?? { vm, disk: target, frozenBy: [], inside: [] };
    byFile.set(file, known);
    return known;
  };
  for (const snapshot of snapshots) {
    for (const disk of snapshot.disks) {
      if (disk.saved !== undefined) {
        const growing = of(disk.saved, snapshot, disk);
        (disk.kind === 'internal' ? growing.inside : growing.frozenBy).push(snapshot);
      }
      if (disk.kind === 'external' && disk.overlay !== undefined) of(disk.overlay, snapshot, disk);
    }
  }
  return new Map([...byFile].map(([file, growing]) => [file, tell(growing)]));
}

function tell({ vm, disk, frozenBy, inside }: Growing): LayerStory {
  const story: LayerStory = {
    platform: 'libvirt',
    vm,
    disk,
    ...(inside.length > 0 && {
      snapshots: Object.fromEntries(
        inside.map(({ name, description, date }) => [name, { label: name, ...told(description, date) }]),
      ),
    }),
  };
  const [first] = frozenBy;
  if (!first) return { ...story, label: 'current', role: 'current' };
  // A VM that went back to a snapshot and was saved anew from there froze the same file again.
  const names = [...new Set(frozenBy.map(({ name }) => name))];
  return { ...story, label: labelText(names.join(', ')), role: 'snapshot', ...told(first.description, first.date) };
}

const told = (
  description: string | undefined,
  date: number | undefined,
): { readonly description?: string; readonly date?: number } => ({
  ...(description !== undefined && { description }),
  ...(date !== undefined && { date }),
});

function toSnapshot(text: string): Snapshot | undefined {
  const root = parseXml(text);
  const name = root?.name === 'domainsnapshot' ? labelText(textOf(root, 'name')) : undefined;
  if (!root || name === undefined) return undefined;
  const domain = childNamed(root, 'domain');
  const description = descriptionText(textOf(root, 'description'));
  const failed = childNamed(root, 'snapshotDeleteInProgress')
    ? 'Its deletion was begun and did not finish.'
    : undefined;
  return {
    vm: labelText(textOf(domain, 'name')),
    name,
    description: [description, failed].filter(Boolean).join(' ') || undefined,
    date: epochSeconds(textOf(root, 'creationTime')),
    disks: disksOf(root, domain),
  };
}

function disksOf(root: XmlElement, domain: XmlElement | undefined): readonly SnapshotDisk[] {
  const devices = childNamed(domain, 'devices');
  const saved = new Map<string, string>();
  for (const disk of devices ? childrenNamed(devices, 'disk') : []) {
    const target = childNamed(disk, 'target')?.attributes.get('dev');
    const file = sourceOf(disk);
    if (target !== undefined && file !== undefined) saved.set(target, file);
  }
  const disks = childNamed(root, 'disks');
  return (disks ? childrenNamed(disks, 'disk') : []).flatMap((disk): readonly SnapshotDisk[] => {
    const { attributes } = disk;
    const named = attributes.get('name') ?? '';
    // Also by the path of the disk, as it may be written in what libvirt is given.
    const target = saved.has(named) ? named : ([...saved].find(([, file]) => file === named)?.[0] ?? named);
    const kind = attributes.get('snapshot');
    if (kind !== 'internal' && kind !== 'external') return [];
    return [{ target: labelText(target) ?? '', kind, saved: saved.get(target), overlay: sourceOf(disk) }];
  });
}

const sourceOf = (disk: XmlElement): string | undefined => childNamed(disk, 'source')?.attributes.get('file');
