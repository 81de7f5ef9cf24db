import type { LayerStory } from '../snapshots/model';
import type { Platform, PlatformFiles } from './files';
import type { TakenSnapshot } from './frozen';
import { CURRENT, frozenBy } from './frozen';
import { folderOf, join, nameOf } from './paths';
import { dateOr, descriptionText, labelText, utf8 } from '../strangersText';

/**
 * VMware keeps a VM's settings (`.vmx`) and its snapshots (`.vmsd`) beside its disks, as lines `key = "value"`.
 * `snapshotN.diskM.fileName` is the disk that snapshot N froze; the disk in the settings is the one in use now.
 */
const MAX_BYTES = 4 << 20;
/** VMs in a folder: VMware gives each a folder of its own. */
const MAX_VMS = 16;
/** ESXi keeps at most 32 snapshots in a chain; a tree may have more. */
const MAX_SNAPSHOTS = 1000;
/** Disks of one VM: four SCSI controllers of fifteen, and SATA and NVMe beside them. */
const MAX_DISKS = 256;

export function vmware(files: PlatformFiles): Platform {
  const known = new Map<string, ReadonlyMap<string, LayerStory>>();
  return {
    name: 'VMware',
    story: (file) => {
      if (!/\.vmdk$/i.test(file)) return undefined;
      const folder = folderOf(file);
      const stories = known.get(folder) ?? readFolder(files, folder);
      known.set(folder, stories);
      return stories.get(file);
    },
  };
}

/** By the path of each image, links followed. */
function readFolder(files: PlatformFiles, folder: string): ReadonlyMap<string, LayerStory> {
  const names = files.list(folder) ?? [];
  const vms = new Set(names.flatMap((name) => /^(.+)\.(?:vmsd|vmx)$/i.exec(name)?.[1] ?? []));
  const stories = new Map<string, LayerStory>();
  for (const vm of [...vms].slice(0, MAX_VMS)) {
    const settings = linesOf(files, names, join(folder, `${vm}.vmx`));
    const snapshots = linesOf(files, names, join(folder, `${vm}.vmsd`));
    for (const [disk, story] of storiesOf(vm, settings, snapshots)) {
      const path = disk.startsWith('/') ? disk : join(folder, disk);
      stories.set(files.real(path) ?? path, story);
    }
  }
  return stories;
}

type Lines = ReadonlyMap<string, string>;

/** @param names of the folder: endings are compared whatever their case */
function linesOf(files: PlatformFiles, names: readonly string[], path: string): Lines {
  const name = names.find((each) => each.toLowerCase() === nameOf(path).toLowerCase());
  const bytes = name === undefined ? undefined : files.read(join(folderOf(path), name), MAX_BYTES);
  return bytes ? parse(textOf(bytes)) : new Map();
}

/** In the encoding that the first lines tell, UTF-8 where none that is known. */
function textOf(bytes: Uint8Array): string {
  const told = /^\s*\.encoding\s*=\s*"([\w-]{1,40})"/m.exec(utf8(bytes.subarray(0, 512)))?.[1];
  try {
    return new TextDecoder(told ?? 'utf-8').decode(bytes);
  } catch {
    return utf8(bytes);
  }
}

/** By their keys in lower case. */
function parse(text: string): Lines {
  const lines = new Map<string, string>();
  for (const [, key = '', value = ''] of text.matchAll(/^[ \t]*([\w.:]{1,100})[ \t]*=[ \t]*"([^"\r\n]*)"/gm)) {
    lines.set(key.toLowerCase(), unescaped(value));
  }
  return lines;
}

/** What a value can't hold as it is stands in it as `|` and two hexadecimal digits. */
const unescaped = (value: string): string =>
  value.replace(/\|([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(parseInt(digits, 16)));

/** By the name of each disk's file, as it is written. */
function storiesOf(vm: string, settings: Lines, snapshots: Lines): ReadonlyMap<string, LayerStory> {
  const of = { platform: 'VMware', vm: labelText(settings.get('displayname')) ?? labelText(vm) };
  const frozen = new Map<string, TakenSnapshot[]>();
  for (const { disks, ...snapshot } of snapshotsIn(snapshots)) {
    for (const disk of disks) frozen.set(disk, [...(frozen.get(disk) ?? []), snapshot]);
  }
  const stories = new Map<string, LayerStory>();
  for (const [disk, by] of frozen) stories.set(disk, { ...of, ...frozenBy(by) });
  // Of a VM without snapshots it goes without saying which disk is current.
  const now = frozen.size === 0 ? {} : CURRENT;
  for (const disk of attached(settings)) stories.set(disk, { ...of, ...now });
  return stories;
}

/** Disks in the settings: `scsi0:0.fileName`. */
function attached(settings: Lines): readonly string[] {
  const disks = [...settings].flatMap(([key, value]) =>
    /^(?:scsi|sata|nvme|ide)\d+:\d+\.filename$/.test(key) && /\.vmdk$/i.test(value) ? [value] : [],
  );
  return disks.slice(0, MAX_DISKS);
}

interface VmwareSnapshot extends TakenSnapshot {
  readonly disks: readonly string[];
}

/** In the order of their numbers, which is that in which they were taken. */
function snapshotsIn(lines: Lines): readonly VmwareSnapshot[] {
  const numbers = new Set([...lines.keys()].flatMap((key) => /^snapshot(\d{1,9})\.uid$/.exec(key)?.[1] ?? []));
  const sorted = [...numbers].sort((a, b) => Number(a) - Number(b)).slice(0, MAX_SNAPSHOTS);
  return sorted.map((number) => {
    const at = (key: string): string | undefined => lines.get(`snapshot${number}.${key}`);
    const count = Math.min(Number(at('numdisks') ?? MAX_DISKS) || 0, MAX_DISKS);
    const disks = Array.from({ length: count }, (_, disk) => at(`disk${disk}.filename`));
    return {
      name: labelText(at('displayname')),
      description: descriptionText(at('description')),
      date: dateOf(at('createtimehigh'), at('createtimelow')),
      disks: disks.filter((disk) => disk !== undefined),
    };
  });
}

/** Two signed halves of microseconds since 1970. @returns milliseconds */
function dateOf(high: string | undefined, low: string | undefined): number | undefined {
  const [upper, lower] = [high, low].map((half) => (/^-?\d{1,10}$/.test(half ?? '') ? Number(half) : NaN));
  if (upper === undefined || lower === undefined || Number.isNaN(upper + lower)) return undefined;
  return dateOr(Math.floor((upper * 2 ** 32 + (lower >>> 0)) / 1000));
}
