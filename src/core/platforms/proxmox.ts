import type { LayerStory } from '../snapshots/model';
import type { Platform, PlatformFiles } from './files';
import { folderOf, join, nameOf } from './paths';
import { rootsOf } from './places';
import { descriptionText, epochSeconds, labelText, utf8 } from '../strangersText';

/**
 * Proxmox VE's snapshots: sections of `/etc/pve/qemu-server/<vmid>.conf`. Those of a qcow2 are internal and have the
 * section's name; since PVE 9 they may be volumes of their own, `snap-<snapshot>-vm-<vmid>-disk-<n>.qcow2`, and the
 * current state keeps the disk's name.
 */
const CONF = '/etc/pve/qemu-server';
const NODES = '/etc/pve/nodes';
const HOMES = ['/var/lib/vz/', '/mnt/pve/'];
const MAX_BYTES = 1 << 20;

const FROZEN = /^snap-(.+?)-((?:vm|base)-(\d{1,9})-disk-\d{1,4})\.\w+$/;
const CURRENT = /^(?:(vm)|(base))-(\d{1,9})-(?:disk-\d{1,4})(?:\.\w+)?$/;

interface Section {
  readonly description: string | undefined;
  readonly values: ReadonlyMap<string, string>;
}

interface Conf {
  readonly head: Section;
  readonly snapshots: ReadonlyMap<string, Section>;
}

export function proxmox(files: PlatformFiles): Platform {
  const known = new Map<string, Conf | undefined>();
  const confOf = (file: string, vmid: string): Conf | undefined => {
    for (const root of rootsOf(file, HOMES)) {
      const key = `${root} ${vmid}`;
      if (!known.has(key)) known.set(key, readConf(files, root, vmid));
      const conf = known.get(key);
      if (conf) return conf;
    }
    return undefined;
  };
  return {
    name: 'Proxmox',
    story: (file) => {
      const name = nameOf(file);
      const [, snapshot, disk = name, frozenOf] = FROZEN.exec(name) ?? [];
      const [, , base, currentOf] = CURRENT.exec(name) ?? [];
      const vmid = frozenOf ?? currentOf;
      // `images/<vmid>/`: the folder of the VM that has the volume, or of the template that it stands on.
      if (vmid === undefined || nameOf(folderOf(file)) !== vmid) return undefined;
      const conf = confOf(file, vmid);
      return conf && tell(conf, vmid, { snapshot, base: base !== undefined, disk });
    },
  };
}

interface Which {
  /** The snapshot that a volume is named by. */
  readonly snapshot: string | undefined;
  readonly base: boolean;
  readonly disk: string;
}

function tell({ head, snapshots }: Conf, vmid: string, { snapshot, base, disk }: Which): LayerStory {
  const story = {
    platform: 'Proxmox',
    vm: labelText(head.values.get('name')) ?? vmid,
    disk: keyOf(head, disk) ?? [...snapshots.values()].map((section) => keyOf(section, disk)).find(Boolean),
  };
  if (snapshot !== undefined) {
    const section = snapshots.get(snapshot);
    return { ...story, label: labelText(snapshot), role: 'snapshot', ...(section && told(section)) };
  }
  return {
    ...story,
    ...(base ? { label: 'template', role: 'template' as const } : { label: 'current', role: 'current' as const }),
    ...(snapshots.size > 0 && {
      snapshots: Object.fromEntries(
        [...snapshots].map(([name, section]) => [name, { label: labelText(name) ?? name, ...told(section) }]),
      ),
    }),
  };
}

function told({ description, values }: Section): { readonly description?: string; readonly date?: number } {
  const date = epochSeconds(values.get('snaptime'));
  const unfinished = { prepare: 'It was never completed.', delete: 'Its deletion was begun and did not finish.' };
  const state = values.get('snapstate');
  const odd = state === 'prepare' || state === 'delete' ? unfinished[state] : undefined;
  const text = [description, odd].filter(Boolean).join(' ');
  return { ...(text !== '' && { description: text }), ...(date !== undefined && { date }) };
}

/** `scsi0: local:100/vm-100-disk-0.qcow2,size=32G` */
function keyOf({ values }: Section, disk: string): string | undefined {
  for (const [key, value] of values) {
    const volume = nameOf(value.split(',')[0] ?? '').replace(/^[^:]*:/, '');
    if (
      /^(?:ide|sata|scsi|virtio|efidisk|tpmstate)\d{1,2}$/.test(key) &&
      withoutEnding(volume) === withoutEnding(disk)
    ) {
      return key;
    }
  }
  return undefined;
}

const withoutEnding = (name: string): string => name.replace(/\.\w+$/, '');

/** `/etc/pve/qemu-server` is a link to the folder of the node itself; the others' lie beside it. */
function readConf(files: PlatformFiles, root: string, vmid: string): Conf | undefined {
  const nodes = files.list(root + NODES) ?? [];
  const folders = [root + CONF, ...nodes.map((node) => join(root + NODES, node, 'qemu-server'))];
  for (const folder of folders) {
    const bytes = files.read(join(folder, `${vmid}.conf`), MAX_BYTES);
    if (bytes) return parseConf(utf8(bytes));
  }
  return undefined;
}

export function parseConf(text: string): Conf {
  const sections = new Map<string, { readonly comments: string[]; readonly values: Map<string, string> }>();
  let section = { comments: [] as string[], values: new Map<string, string>() };
  const head = section;
  for (const line of text.split('\n')) {
    const [, name] = /^\[([^\]]+)\]\s*$/.exec(line) ?? [];
    const [, key, value] = /^([a-z][a-z_]*\d*):\s*(.*?)\s*$/i.exec(line) ?? [];
    if (name !== undefined) {
      section = { comments: [], values: new Map() };
      sections.set(name, section);
    } else if (line.startsWith('#')) section.comments.push(decoded(line.slice(1)));
    else if (key !== undefined && value !== undefined) section.values.set(key, value);
  }
  // `[PENDING]` and `[special:…]` are no snapshots: those have a time or, while one is made, a state.
  const snapshots = [...sections].filter(([, { values }]) => values.has('snaptime') || values.has('snapstate'));
  return { head: toSection(head), snapshots: new Map(snapshots.map(([name, each]) => [name, toSection(each)])) };
}

function toSection({
  comments,
  values,
}: {
  readonly comments: string[];
  readonly values: Map<string, string>;
}): Section {
  return { description: descriptionText(comments.join(' ')), values };
}

/** Lines of a description are percent-encoded where they are not ASCII. */
function decoded(line: string): string {
  try {
    return decodeURIComponent(line);
  } catch {
    return line; // Written by hand.
  }
}
