import type { LayerStory } from '../snapshots/model';
import type { Platform, PlatformFiles } from './files';
import { folderOf, join } from './paths';
import { rootsOf } from './places';
import { dateOr, descriptionText, labelText, utf8 } from '../strangersText';
import type { XmlElement } from '../xml';
import { childNamed, parseXml, textOf } from '../xml';

/**
 * Hyper-V keeps what a VM is in `Virtual Machines/<GUID>`, and what it was when a checkpoint was taken in
 * `Snapshots/<GUID>`, with the disks that it had then: those that the checkpoint froze. Until Windows Server 2012 R2 both
 * are XML; later `.vmcx`, whose format is not published: of these only the disks' paths are read, which stand in them as
 * they are. Both folders lie beside the disks, or above the folder of the disks, or in the system's own place.
 */
const FOLDERS = { current: 'Virtual Machines', snapshots: 'Snapshots' } as const;
const SYSTEM_FOLDER = '/ProgramData/Microsoft/Windows/Hyper-V';
const HOMES = ['/ProgramData/Microsoft/Windows/Hyper-V/', '/Users/Public/Documents/Hyper-V/'];
const FILE = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.(xml|vmcx)$/i;
const DISK = /\.a?vhdx?$/i;
/** Of each kind, in one folder: Hyper-V allows a VM 50 checkpoints. */
const MAX_FILES = 10_000;
const MAX_BYTES = 4 << 20;
/** Paths that are taken from one file. */
const MAX_PATHS = 1000;
/** What a path in a `.vmcx` has at most, characters. */
const LONGEST_PATH = 1024;

/** A configuration: of a VM as it is, or of a checkpoint. */
interface Configuration {
  readonly name: string | undefined;
  readonly description: string | undefined;
  readonly date: number | undefined;
  readonly disks: readonly Disk[];
}

interface Disk {
  /** Components of its path on the machine of the VM, in lower case. */
  readonly path: readonly string[];
  /** "controller 0, drive 1" */
  readonly place: string | undefined;
}

interface Place {
  readonly current: readonly Configuration[];
  readonly snapshots: readonly Configuration[];
}

export function hyperv(files: PlatformFiles): Platform {
  const known = new Map<string, Place>();
  const placeAt = (folder: string): Place => {
    const place = known.get(folder) ?? readPlace(files, folder);
    known.set(folder, place);
    return place;
  };
  return {
    name: 'Hyper-V',
    story: (file) => {
      if (!DISK.test(file)) return undefined;
      const folder = folderOf(file);
      const folders = [folder, folderOf(folder), ...rootsOf(file, HOMES).map((root) => root + SYSTEM_FOLDER)];
      for (const each of new Set(folders)) {
        const story = tell(placeAt(each), componentsOf(file));
        if (story) return story;
      }
      return undefined;
    },
  };
}

function readPlace(files: PlatformFiles, folder: string): Place {
  return {
    current: readFolder(files, join(folder, FOLDERS.current), () => undefined),
    snapshots: readFolder(files, join(folder, FOLDERS.snapshots), (guid) => `checkpoint ${guid}`),
  };
}

/** @param nameless what to call one of which nothing but its GUID is known */
function readFolder(
  files: PlatformFiles,
  folder: string,
  nameless: (guid: string) => string | undefined,
): readonly Configuration[] {
  const names = (files.list(folder) ?? []).filter((name) => FILE.test(name)).slice(0, MAX_FILES);
  return names.flatMap((name) => {
    const [, guid = '', kind = ''] = FILE.exec(name) ?? [];
    const file = join(folder, name);
    const bytes = files.read(file, MAX_BYTES);
    if (!bytes) return [];
    if (kind.toLowerCase() === 'xml') return toConfiguration(textIn(bytes)) ?? [];
    const date = dateOr(files.stat(file)?.modified ?? 0);
    return { name: nameless(guid.toLowerCase()), description: undefined, date, disks: disksNamedIn(bytes) };
  });
}

/** With a mark of its byte order UTF-16, as Hyper-V writes it. */
function textIn(bytes: Uint8Array): string {
  return bytes[0] === 0xff && bytes[1] === 0xfe ? new TextDecoder('utf-16le').decode(bytes) : utf8(bytes);
}

function toConfiguration(text: string): Configuration | undefined {
  const root = parseXml(text);
  if (root?.name !== 'configuration') return undefined;
  const properties = childNamed(root, 'properties');
  return {
    name: labelText(textOf(properties, 'name')),
    description: descriptionText(textOf(properties, 'notes')),
    date: fileTime(textOf(properties, 'creation_time')),
    disks: [...disksIn(root, [])].slice(0, MAX_PATHS),
  };
}

/** Every `pathname` that is a disk's, and the controller and drive that it is below. */
function* disksIn({ name, text, children }: XmlElement, above: readonly string[]): Generator<Disk> {
  if (name === 'pathname' && DISK.test(text.trim())) {
    const place = above.flatMap((each) => /^(controller|drive)(\d+)$/.exec(each)?.slice(1).join(' ') ?? []).join(', ');
    yield { path: componentsOf(text.trim()), place: place === '' ? undefined : place };
  }
  for (const child of children) yield* disksIn(child, [...above, name]);
}

/** Hundreds of nanoseconds since 1601, as eight bytes in base64; undefined where that is no date. */
function fileTime(base64: string | undefined): number | undefined {
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  if (base64 === undefined || !/^[A-Za-z0-9+/]{11}=$/.test(base64)) return undefined;
  const bits = Array.from(base64.slice(0, -1), (digit) => digits.indexOf(digit).toString(2).padStart(6, '0')).join('');
  let value = 0n;
  for (let byte = 7; byte >= 0; byte -= 1) value = value * 256n + BigInt(`0b${bits.slice(byte * 8, byte * 8 + 8)}`);
  return dateOr(Number(value / 10_000n) - 11_644_473_600_000);
}

/** Paths of disks that stand in a file as text in UTF-16, at even bytes or at odd ones. */
function disksNamedIn(bytes: Uint8Array): readonly Disk[] {
  const found: Disk[] = [];
  for (const aligned of [bytes, bytes.subarray(1)]) {
    const text = new TextDecoder('utf-16le').decode(aligned);
    for (const { index, 0: ending } of text.matchAll(/\.a?vhdx?/gi)) {
      if (found.length === MAX_PATHS) return found;
      let start = index;
      while (start > index - LONGEST_PATH && isOfPath(text.charCodeAt(start - 1))) start -= 1;
      if (start < index) found.push({ path: componentsOf(text.slice(start, index) + ending), place: undefined });
    }
  }
  return found;
}

/** No path of Windows has control characters, nor any of these. Past the beginning there is no character at all. */
const isOfPath = (code: number): boolean => code >= 0x20 && !'"<>|?*'.includes(String.fromCharCode(code));

const componentsOf = (path: string): readonly string[] => path.toLowerCase().split(/[\\/]+/);

/**
 * Whose disk a file is: disks were moved, and are called after folders of another machine, so the configuration counts
 * whose path has most of the last components in common with the file's, one at least.
 */
function tell({ current, snapshots }: Place, file: readonly string[]): LayerStory | undefined {
  const now = best(current, file);
  const frozen = best(snapshots, file);
  const common = Math.max(now.common, frozen.common);
  if (common === 0) return undefined;
  const vms = now.common === common ? now.all : [];
  const by = frozen.common === common ? frozen.all : [];
  const disk = [...vms, ...by][0]?.disk.place;
  const vm = current.length === 1 ? current[0]?.name : vms.length === 1 ? vms[0]?.of.name : undefined;
  const story = { platform: 'Hyper-V', vm, disk };
  if (vms.length > 0) return { ...story, label: 'current', role: 'current' };
  const [first] = [...by].sort((a, b) => (a.of.date ?? 0) - (b.of.date ?? 0));
  if (!first) return undefined;
  // A VM that went back to a checkpoint, and was saved anew from there, froze the same disk again.
  const label = labelText([...new Set(by.map(({ of }) => of.name))].filter((name) => name !== undefined).join(', '));
  return { ...story, label, role: 'snapshot', description: first.of.description, date: first.of.date };
}

interface Match {
  readonly of: Configuration;
  readonly disk: Disk;
}

function best(all: readonly Configuration[], file: readonly string[]): { common: number; all: readonly Match[] } {
  let common = 0;
  let found: Match[] = [];
  for (const of of all) {
    for (const disk of of.disks) {
      const length = inCommon(disk.path, file);
      if (length === 0 || length < common) continue;
      if (length > common) found = [];
      common = length;
      if (found.at(-1)?.of !== of) found.push({ of, disk });
    }
  }
  return { common, all: found };
}

/** How many components at the end are the same. */
function inCommon(a: readonly string[], b: readonly string[]): number {
  let length = 0;
  while (length < a.length && length < b.length && a[a.length - 1 - length] === b[b.length - 1 - length]) length += 1;
  return length;
}
