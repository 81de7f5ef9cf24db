import * as fs from 'node:fs';
import * as path from 'node:path';
import type { FileReference, ImageIdentity } from '../core';
import { DiskError } from '../core/errors';
import { probeInput } from '../core/formats/probeInput';
import { registeredDisks } from '../core/platforms/virtualbox';
import { sniff } from '../core/sniff';
import type { GatePolicy } from '../protocol/worker';
import { THIS_SYSTEM } from './files';
import type { FileGate } from './gate';
import { headerOf } from './imageHeader';

/** Names of a folder that are gone through, and images of it of which the header is read. */
const MAX_NAMES = 100_000;
const MAX_HEADERS = 5000;
/** A VM's settings with hundreds of snapshots have some megabytes. */
const MAX_SETTINGS_BYTES = 8 << 20;
const SETTINGS = '.vbox';
/** Where VirtualBox puts the images that it makes for snapshots, below the folder of the VM. */
export const SNAPSHOTS = 'Snapshots';

/** What is read of the disk to find a parent, as the gate allows. */
type Looker = Pick<FileGate, 'mayLookAt' | 'openFound'>;

/**
 * Where the parent may be that an image names by an id alone, the likeliest place first: a file that has the id as its
 * name, as VirtualBox calls what it makes for snapshots; where a VM's settings say that it is; whichever image is known by
 * it. It is looked for in the folder of the image, the one above, and `Snapshots` below these.
 * @param policy that of the gate
 */
export function* findParents(
  gate: Looker,
  policy: GatePolicy,
  reference: FileReference,
  from: ImageIdentity,
): Generator<FileReference, void, void> {
  const { target, expects = [] } = reference;
  const id = expects.find(({ severity }) => severity === 'error');
  if (target.kind !== 'search' || !id) return;
  const told = new Set<string>();
  for (const file of places(new Surroundings(gate, policy, target.endings, from.path), id)) {
    if (told.has(file)) continue;
    told.add(file);
    yield { ...reference, target: { kind: 'path', path: file, relativeTo: 'image' } };
  }
}

interface Id {
  readonly what: string;
  readonly value: string;
}

function* places(around: Surroundings, { what, value }: Id): Generator<string, void, void> {
  yield* around.named(value);
  yield* around.registered(value);
  // To read the headers of all snapshots of all VMs is left for when nothing else helps.
  for (const kind of ['other', 'snapshot'] as const) yield* around.known(kind, keyOf(what, value));
}

const keyOf = (what: string, value: string): string => `${what} ${value}`;

/** The folders around an image that may be looked at. */
class Surroundings {
  private readonly folders: readonly string[];

  constructor(
    private readonly gate: Looker,
    private readonly policy: GatePolicy,
    private readonly endings: readonly string[],
    image: string,
  ) {
    // Beside where a link leads, too.
    const own = [image, THIS_SYSTEM.real(image) ?? image].map((file) => path.dirname(file));
    const near = own.flatMap((folder) => [folder, path.dirname(folder)]);
    const all = [...near, ...near.map((folder) => path.join(folder, SNAPSHOTS))];
    this.folders = [...new Set(all)].filter((folder) => gate.mayLookAt(folder));
  }

  /** Files that are called by an id. */
  *named(id: string): Generator<string, void, void> {
    for (const folder of this.folders) {
      for (const ending of this.endings) {
        const file = path.join(folder, `{${id}}${ending}`);
        if (fs.existsSync(file)) yield file;
      }
    }
  }

  /** Where the settings of VMs say that a disk lies. */
  *registered(id: string): Generator<string, void, void> {
    for (const folder of this.folders) yield* this.lookUp(folder, SETTINGS, id, () => this.readSettings(folder));
  }

  /** Images whose header has an id: those that are called like snapshots, or the others. */
  *known(kind: 'snapshot' | 'other', id: string): Generator<string, void, void> {
    for (const folder of this.folders) yield* this.lookUp(folder, kind, id, () => this.readHeaders(folder, kind));
  }

  private lookUp(folder: string, kind: string, id: string, read: () => Index): readonly string[] {
    const key = JSON.stringify([folder, kind, this.endings, this.policy]);
    return RECENT.of(key, folder, read).get(id) ?? [];
  }

  private readSettings(folder: string): Index {
    const index: MutableIndex = new Map();
    const written = THIS_SYSTEM.windows ? folder.replaceAll('\\', '/') : folder;
    for (const name of namesIn(folder)) {
      if (!name.toLowerCase().endsWith(SETTINGS)) continue;
      const text = this.textOf(path.join(folder, name));
      for (const [id, place] of registeredDisks(text, written)) add(index, id, path.resolve(place));
    }
    return index;
  }

  private textOf(file: string): string {
    return (
      this.read(file, ({ source }) => {
        const bytes = new Uint8Array(Math.min(source.size, MAX_SETTINGS_BYTES));
        source.readInto(bytes, 0);
        return new TextDecoder().decode(bytes);
      }) ?? ''
    );
  }

  private readHeaders(folder: string, kind: 'snapshot' | 'other'): Index {
    const index: MutableIndex = new Map();
    const names = namesIn(folder).filter((name) => this.isOf(name, kind));
    for (const name of names.slice(0, MAX_HEADERS)) {
      const file = path.join(folder, name);
      const ids = this.read(file, (opened) => {
        const sniffed = sniff(probeInput(opened.source), name);
        return sniffed.kind === 'image' ? headerOf(opened, sniffed.format).linkIds : undefined;
      });
      for (const { what, value } of ids ?? []) add(index, keyOf(what, value), file);
    }
    return index;
  }

  private isOf(name: string, kind: 'snapshot' | 'other'): boolean {
    const lower = name.toLowerCase();
    const isSnapshot = /^\{[0-9a-f-]{36}\}\./.test(lower);
    return isSnapshot === (kind === 'snapshot') && this.endings.some((ending) => lower.endsWith(ending));
  }

  /** Undefined where the file can't be read or used: it is passed over. */
  private read<T>(file: string, use: (opened: ReturnType<Looker['openFound']>) => T): T | undefined {
    try {
      const opened = this.gate.openFound(file);
      try {
        return use(opened);
      } finally {
        opened.source.close();
      }
    } catch (error) {
      if (error instanceof DiskError) return undefined;
      throw error;
    }
  }
}

/** Files by an id. */
type Index = ReadonlyMap<string, readonly string[]>;
type MutableIndex = Map<string, string[]>;

function add(index: MutableIndex, id: string, file: string): void {
  const files = index.get(id);
  if (files) files.push(file);
  else index.set(id, [file]);
}

function namesIn(folder: string): readonly string[] {
  const names: string[] = [];
  let open: fs.Dir | undefined;
  try {
    open = fs.opendirSync(folder);
    for (let entry = open.readSync(); entry && names.length < MAX_NAMES; entry = open.readSync()) {
      if (entry.isFile() || entry.isSymbolicLink()) names.push(entry.name);
    }
    return names;
  } catch {
    return names; // Nothing is found in a folder that can't be read.
  } finally {
    open?.closeSync();
  }
}

/** What was read of a folder serves for this long at least, and so long that no more than a tenth of the time is spent on it. */
const KEPT_MS = 1000;
const KEPT_TIMES = 10;
const KEPT_FOLDERS = 256;
/** Times of change come in steps: of a folder that changed this recently nothing is kept. */
const STEP_MS = 50;

/**
 * Keeps for a moment what folders hold: a tree of a thousand images asks for the parents of all of them, one after the other.
 * Whatever is found so is opened and judged anew.
 */
class RecentFolders {
  private readonly kept = new Map<
    string,
    { readonly index: Index; readonly changed: number; readonly until: number }
  >();

  of(key: string, folder: string, read: () => Index): Index {
    const begun = Date.now();
    const changed = changedAt(folder);
    const before = this.kept.get(key);
    if (before?.changed === changed && begun < before.until) return before.index;
    if (this.kept.size >= KEPT_FOLDERS) this.kept.clear();
    const index = read();
    const now = Date.now();
    if (begun - changed >= STEP_MS) {
      this.kept.set(key, { index, changed, until: now + Math.max(KEPT_MS, KEPT_TIMES * (now - begun)) });
    }
    return index;
  }
}

const RECENT = new RecentFolders();

/** Milliseconds since 1970; of a folder that can't be asked, now. */
function changedAt(folder: string): number {
  try {
    return fs.statSync(folder).mtimeMs;
  } catch {
    return Date.now();
  }
}
