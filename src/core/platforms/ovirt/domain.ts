import type { FileFacts, PlatformFiles } from '../files';
import { folderOf, join, nameOf } from '../paths';
import { descriptionText, jsonObject, labelText, utf8 } from '../../strangersText';
import type { ReadMeta, VolumeMeta } from './meta';
import { keyValues, META_BYTES, readMeta } from './meta';
import type { Ovf, OvfDisk } from './ovf';
import { parseOvf } from './ovf';
import { tarFiles } from './tar';

/** A file storage domain of oVirt or Red Hat Virtualization: `<mount>/<domain>/{dom_md,images,master}`. */

/** A file of an image's folder that is a volume, or belongs to one. */
export interface Volume {
  readonly uuid: string;
  /** Where its data is, or should be. */
  readonly path: string;
  readonly data: FileFacts | undefined;
  /** Undefined where there is no `.meta`. */
  readonly meta: ReadMeta | undefined;
  readonly lease: boolean;
}

/** One virtual disk. A template's volume lies in the folder of each disk made from it as well. */
export interface ImageFolder {
  readonly uuid: string;
  readonly path: string;
  readonly volumes: ReadonlyMap<string, Volume>;
  /** Files that an interrupted change left. */
  readonly leftovers: readonly string[];
}

/** What an OVF says of one volume. */
export interface Told {
  readonly ovf: Ovf;
  readonly disk: OvfDisk;
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Of one disk; the engine allows some dozens of snapshots. */
const MAX_VOLUMES = 2000;
const OVF_BYTES = 4 << 20;
const STORE_BYTES = 32 << 20;
/** Of all OVFs of a domain: some ten thousand VMs. */
const ALL_OVF_BYTES = 256 << 20;
const DOMAIN_METADATA_BYTES = 64 << 10;

export const isUuid = (name: string): boolean => UUID.test(name.toLowerCase());

/** The domain that a volume's file lies in, by its path alone: `<domain>/images/<image>/<volume>`. */
export function domainRootOf(file: string): string | undefined {
  const image = folderOf(file);
  const images = folderOf(image);
  return nameOf(images) === 'images' && isUuid(nameOf(image)) && isUuid(nameOf(file)) ? folderOf(images) : undefined;
}

/** Reads as it is asked, each thing once. */
export class Domain {
  private readonly folders = new Map<string, ImageFolder | undefined>();
  private ovfs: ReadonlyMap<string, Told> | undefined;

  constructor(
    private readonly files: PlatformFiles,
    /** The domain's folder. */
    readonly root: string,
  ) {}

  get imagesFolder(): string {
    return join(this.root, 'images');
  }

  /** Names in the folder of images: disks, and what is left of removed ones. */
  imageNames(): readonly string[] {
    return this.files.list(this.imagesFolder) ?? [];
  }

  /** @param uuid may come out of a volume's metadata or an OVF: what is none leads nowhere */
  image(uuid: string): ImageFolder | undefined {
    if (!isUuid(uuid)) return undefined;
    if (!this.folders.has(uuid)) this.folders.set(uuid, this.readImage(uuid));
    return this.folders.get(uuid);
  }

  /** What the OVFs say, by the volume's UUID. */
  told(): ReadonlyMap<string, Told> {
    this.ovfs ??= this.readOvfs();
    return this.ovfs;
  }

  metadata(): DomainMetadata | undefined {
    const bytes = this.files.read(join(this.root, 'dom_md', 'metadata'), DOMAIN_METADATA_BYTES);
    return bytes && readDomainMetadata(bytes, this.files);
  }

  private readImage(uuid: string): ImageFolder | undefined {
    const path = join(this.imagesFolder, uuid);
    const names = this.files.list(path);
    if (!names) return undefined;
    const present = new Set(names);
    const uuids = new Set(names.map((name) => name.replace(/\.(?:meta|lease)$/, '')).filter(isUuid));
    const volumes = [...uuids].slice(0, MAX_VOLUMES).map((volume): readonly [string, Volume] => [
      volume.toLowerCase(),
      {
        uuid: volume.toLowerCase(),
        path: join(path, volume),
        data: present.has(volume) ? this.files.stat(join(path, volume)) : undefined,
        meta: present.has(`${volume}.meta`) ? this.readMeta(join(path, `${volume}.meta`)) : undefined,
        lease: present.has(`${volume}.lease`),
      },
    ]);
    const leftovers = names.filter((name) => name.endsWith('.meta.new')).map((name) => join(path, name));
    return { uuid, path, volumes: new Map(volumes), leftovers };
  }

  private readMeta(file: string): ReadMeta {
    const bytes = this.files.read(file, META_BYTES + 1);
    return bytes ? readMeta(bytes) : { kind: 'broken', why: 'it can’t be read' };
  }

  /** Those of the master folder first: what a store of OVFs says is newer, and of two stores the later one. */
  private readOvfs(): ReadonlyMap<string, Told> {
    const told = new Map<string, Told>();
    let left = ALL_OVF_BYTES;
    const take = (bytes: Uint8Array): void => {
      left -= bytes.length;
      const ovf = left < 0 || bytes.length > OVF_BYTES ? undefined : parseOvf(utf8(bytes));
      for (const disk of ovf?.disks ?? []) {
        const before = told.get(disk.volume);
        // A template's own OVF names the template; that of a VM made from it names the VM.
        if (ovf && (!before || isOwn(disk, this) || !isOwn(before.disk, this))) told.set(disk.volume, { ovf, disk });
      }
    };
    const vms = join(this.root, 'master', 'vms');
    for (const vm of this.files.list(vms) ?? []) {
      const bytes = this.files.read(join(vms, vm, `${vm}.ovf`), OVF_BYTES + 1);
      if (bytes) take(bytes);
    }
    for (const store of this.ovfStores()) {
      for (const { name, bytes } of tarFiles(store)) if (name.endsWith('.ovf')) take(bytes);
    }
    return told;
  }

  /** The archives in the domain's `OVF_STORE` disks, the one that was updated last at the end. */
  private ovfStores(): readonly Uint8Array[] {
    const stores: { readonly archive: Uint8Array; readonly updated: number }[] = [];
    for (const uuid of this.imageNames().filter(isUuid)) {
      for (const { meta, path } of this.image(uuid)?.volumes.values() ?? []) {
        if (meta?.kind !== 'meta' || !isStore(meta.meta)) continue;
        const archive = this.files.read(path, STORE_BYTES);
        if (archive) stores.push({ archive, updated: updatedAt(archive) });
      }
    }
    return stores.sort((a, b) => a.updated - b.updated).map(({ archive }) => archive);
  }
}

/** A disk that holds OVFs. Before 4.2 all disks were of one type, and only the description told. */
export const isStore = ({ diskType, alias }: VolumeMeta): boolean => diskType === 'OVFS' || alias === 'OVF_STORE';

/** Whether a disk of an OVF is listed under the image whose own volume it is. */
function isOwn({ image, volume }: OvfDisk, domain: Domain): boolean {
  if (image === undefined) return false;
  const meta = domain.image(image)?.volumes.get(volume)?.meta;
  return meta?.kind === 'meta' && meta.meta.image === image;
}

/** `info.json` tells when a store was written: `Thu Feb 18 00:23:07 IST 2016`. The zone's name is nothing to go by. */
function updatedAt(archive: Uint8Array): number {
  for (const { name, bytes } of tarFiles(archive)) {
    if (name !== 'info.json' || bytes.length > OVF_BYTES) continue;
    const written = jsonObject(utf8(bytes))?.['Last Updated'];
    const date = typeof written === 'string' ? Date.parse(written.replace(/ [A-Z]+(?= \d{4}$)/, '')) : NaN;
    return Number.isNaN(date) ? 0 : date;
  }
  return 0;
}

/** `dom_md/metadata`: lines of `KEY=value`, with a checksum over them. */
export interface DomainMetadata {
  readonly uuid: string;
  readonly version: number | undefined;
  readonly description: string;
  /** Undefined where the file has no checksum. */
  readonly checksumFits: boolean | undefined;
}

/** The checksum is the SHA-1 of the other lines, sorted, with nothing in between (vdsm, `persistent.py`). */
export function readDomainMetadata(bytes: Uint8Array, { sha1 }: Pick<PlatformFiles, 'sha1'>): DomainMetadata {
  const { values } = keyValues(utf8(bytes));
  const sum = values.get('_SHA_CKSUM')?.toLowerCase();
  const lines = utf8(bytes)
    .split('\n')
    .map((line) => line.replace(/\r$/, ''))
    .filter((line) => line.includes('=') && !line.startsWith('_SHA_CKSUM='));
  return {
    uuid: labelText(values.get('SDUUID')?.toLowerCase()) ?? '',
    version: /^\d{1,3}$/.test(values.get('VERSION') ?? '') ? Number(values.get('VERSION')) : undefined,
    description: descriptionText(values.get('DESCRIPTION')) ?? '',
    checksumFits: sum === undefined ? undefined : sum === sha1(lines.sort().join('')),
  };
}
