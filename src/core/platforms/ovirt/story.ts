import type { LayerStory } from '../../snapshots/model';
import type { Platform, PlatformFiles } from '../files';
import { folderOf, nameOf } from '../paths';
import type { ImageFolder, Told, Volume } from './domain';
import { Domain, domainRootOf, isStore } from './domain';
import type { VolumeMeta } from './meta';

/** What is kept in volumes and is no VM's disk (vdsm, DISKTYPE). */
const NO_DISKS: ReadonlyMap<string, string> = new Map([
  ['MEMD', 'saved memory of a VM'],
  ['MEMM', 'saved configuration of a VM'],
  ['ISOF', 'ISO image'],
  ['HESD', 'sanlock of the hosted engine'],
  ['HEMD', 'metadata of the hosted engine'],
  ['HECI', 'configuration of the hosted engine'],
]);

/** Names of a storage domain's volumes. A volume belongs to the snapshot that froze it; the newest is "current". */
export function ovirt(files: PlatformFiles): Platform {
  const domains = new Map<string, Domain>();
  return {
    name: 'oVirt',
    story: (file) => {
      const root = domainRootOf(file);
      if (root === undefined) return undefined;
      const domain = domains.get(root) ?? new Domain(files, root);
      domains.set(root, domain);
      const image = domain.image(nameOf(folderOf(file)));
      const volume = image?.volumes.get(nameOf(file).toLowerCase());
      return image && volume && storyOf(domain, image, volume);
    },
  };
}

/** @returns undefined for a volume that is none, or that holds the engine's own OVFs */
export function storyOf(domain: Domain, folder: ImageFolder, volume: Volume): LayerStory | undefined {
  if (volume.meta?.kind !== 'meta' || isStore(volume.meta.meta)) return undefined;
  const { meta } = volume.meta;
  const otherUse = NO_DISKS.get(meta.diskType);
  if (otherUse !== undefined) return { platform: 'oVirt', label: otherUse, disk: aliasOf(folder) };
  const told = domain.told().get(volume.uuid);
  const image = meta.image === folder.uuid ? folder : (domain.image(meta.image) ?? folder);
  return {
    platform: 'oVirt',
    ...(meta.role === 'SHARED'
      ? TEMPLATE
      : told?.disk.snapshot === undefined
        ? fromMeta(image, volume, meta)
        : fromOvf(told)),
    disk: told?.disk.alias ?? aliasOf(image),
    vm: told?.ovf.vm,
    ...(meta.format && { format: meta.format === 'RAW' ? 'raw' : 'qcow2' }),
  };
}

type Part = Pick<LayerStory, 'label' | 'description' | 'date' | 'role'>;

const TEMPLATE: Part = { label: 'template', role: 'template' };

function fromOvf({ ovf, disk }: Told): Part {
  const snapshot = ovf.snapshots.get(disk.snapshot ?? '');
  if (!snapshot) return {};
  switch (snapshot.type) {
    case 'ACTIVE':
      return ovf.previewed ? { label: 'preview', role: 'preview' } : { label: 'current', role: 'current' };
    case 'PREVIEW':
      return { label: 'current before the preview', role: 'current' };
    case 'STATELESS':
      return { label: 'before the stateless run', role: 'snapshot', date: snapshot.date };
    default:
      return { label: snapshot.description, role: 'snapshot', date: snapshot.date };
  }
}

/** Without an OVF there are no names. A snapshot was taken when the volume on top of it was made. */
function fromMeta({ volumes }: ImageFolder, { uuid }: Volume, { role }: VolumeMeta): Part {
  const metas = [...volumes.values()].flatMap(({ meta }) => (meta?.kind === 'meta' ? [meta.meta] : []));
  if (role !== 'LEAF') return { role: 'snapshot', date: metas.find(({ parent }) => parent === uuid)?.made };
  // Two newest layers: a preview goes on, and which of them it is only the engine knows.
  return metas.filter((each) => each.role === 'LEAF').length > 1 ? {} : { label: 'current', role: 'current' };
}

/** New volumes have no description, so any of the disk's has it; a template's that lies here too is another disk's. */
function aliasOf({ uuid, volumes }: ImageFolder): string | undefined {
  for (const { meta } of volumes.values()) {
    if (meta?.kind === 'meta' && meta.meta.image === uuid && meta.meta.alias !== undefined) return meta.meta.alias;
  }
  return undefined;
}
