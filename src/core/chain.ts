import { ReadCache } from './cache/readCache';
import { DiskError, oneLine } from './errors';
import { windowOf } from './extents';
import type { Driver, OpenContext } from './formats/driver';
import { driverNamed, probe } from './formats/registry';
import type {
  Chain,
  ChainEnd,
  ChainLayer,
  Environment,
  FileReference,
  Finding,
  ImageIdentity,
  Layer,
  OpenedSource,
  RefusalReason,
} from './model';

/** QEMU has no limit of its own; libvirt stops at 200. Deeper chains are made by accident or on purpose. */
export const MAX_DEPTH = 256;

export interface ChainOptions {
  /** Take the leaf as this format instead of probing it. */
  readonly format?: string | undefined;
  /** Which state of the leaf's file is meant, as `FileReference.state` says it; the newest when left out. */
  readonly state?: string | undefined;
  /** What to take for the parent of an image instead of what it writes: to try a chain that is not there yet. */
  readonly parent?: ((of: ImageIdentity, written: FileReference) => FileReference) | undefined;
  /**
   * Keeps what is read at random while the chain is open; it serves no other opening. Without one, what was read to open
   * the chain is given up once it is open, and every read sees the files as they are.
   */
  readonly cache?: ReadCache | undefined;
}

/** The world that a chain is opened in, with the cache of that chain. */
interface World extends Environment {
  readonly cache: ReadCache;
}

interface OpenLayer {
  readonly opened: OpenedSource;
  readonly layer: Layer;
  readonly companions: readonly string[];
  readonly dataFile: ImageIdentity | undefined;
  readonly state: string | undefined;
}

/**
 * Opens a leaf and walks down its parents through the gate. Only a leaf that can't be used at all throws; whatever is
 * wrong further down is where the chain ends. The chain owns the leaf's source: it is closed with it, or when this throws.
 * @throws DiskError
 */
export function openChain(environment: Environment, leaf: OpenedSource, options: ChainOptions = {}): Chain {
  const cache = options.cache ?? new ReadCache();
  const chain = followParents({ ...environment, cache }, leaf, options);
  if (!options.cache) cache.readAnew();
  return chain;
}

function followParents(world: World, leaf: OpenedSource, options: ChainOptions): Chain {
  const layers: ChainLayer[] = [];
  const seen = new Map<string, Layer>();
  let current = openLeaf(world, leaf, options);
  for (;;) {
    seen.set(keyOf(current.opened, current.state), current.layer);
    const step = stepDown(world, current, seen, options);
    layers.push(chainLayer(current, layers.length, step));
    if ('end' in step) return { layers, end: step.end };
    current = step.next;
  }
}

/** A leaf, and the file it stands on or why there is none. */
export interface Link {
  readonly leaf: ChainLayer;
  readonly below: { readonly kind: 'found'; readonly identity: ImageIdentity } | ChainEnd;
}

/**
 * Opens a leaf and its parent only, as `openChain` does, and closes the parent again: who asks this of every image of a
 * chain opens each layer twice, whatever its depth. The leaf's source is closed with the leaf's layer, or when this throws.
 * @throws DiskError
 */
export function openLink(environment: Environment, leaf: OpenedSource, options: ChainOptions = {}): Link {
  const world = { ...environment, cache: options.cache ?? new ReadCache() };
  const opened = openLeaf(world, leaf, options);
  const step = stepDown(world, opened, new Map([[keyOf(leaf, opened.state), opened.layer]]), options);
  if ('end' in step) return { leaf: chainLayer(opened, 0, step), below: step.end };
  step.next.layer.close();
  return { leaf: chainLayer(opened, 0, step), below: { kind: 'found', identity: step.next.opened.identity } };
}

/** Closes every file of the chain. */
export function closeChain(chain: Chain): void {
  for (const { layer } of chain.layers) layer.close();
}

const BASE: ChainEnd = { kind: 'base' };

type Step =
  | { readonly next: OpenLayer; readonly findings: readonly Finding[] }
  | { readonly end: ChainEnd; readonly findings: readonly Finding[] };

type BrokenEnd = Exclude<ChainEnd, { kind: 'base' }>;

interface Broken {
  readonly end: BrokenEnd;
}

function chainLayer({ opened, layer, companions, dataFile }: OpenLayer, depth: number, { findings }: Step): ChainLayer {
  const { identity, source } = opened;
  return { depth, identity, source, layer, companions, dataFile, findings };
}

function stepDown(
  world: World,
  { opened: from, layer }: OpenLayer,
  seen: ReadonlyMap<string, Layer>,
  options: ChainOptions,
): Step {
  const parent = layer.parent && (options.parent?.(from.identity, layer.parent) ?? layer.parent);
  if (!parent) return { end: BASE, findings: [] };
  const found =
    seen.size >= MAX_DEPTH
      ? { end: tooDeep(parent) }
      : findParent(parent, placesOf(world, parent, from.identity), (place) =>
          openParent(world, { parent, place }, from.identity, seen),
        );
  return 'end' in found ? { end: found.end, findings: [brokenLink(found.end, parent, layer)] } : found;
}

/** A parent that was opened, or why not; undefined where what is there is known to be another image. */
type Found = Opened | Broken | undefined;
type Opened = Exclude<Step, { readonly end: ChainEnd }>;

/**
 * The first of several places where the parent is known by what its child expects; where none is, the first that could
 * be opened, with findings that say so. Of a parent without a name nothing else will do, and of a place that is a guess.
 */
function findParent(
  parent: FileReference,
  places: Iterable<FileReference>,
  open: (place: FileReference) => Found,
): Opened | Broken {
  let other: Opened | undefined;
  let failure: Broken | undefined;
  for (const place of places) {
    const found = open(place);
    if (!found) continue;
    if ('end' in found) {
      // A file that is not there says less than one that can't be used.
      if (!failure || (failure.end.kind === 'missing' && found.end.kind !== 'missing')) failure = found;
      continue;
    }
    const { layer } = found.next;
    if (differences(parent, layer).length === 0) {
      other?.next.layer.close();
      return found;
    }
    if (other || isAnother(parent, place, layer)) layer.close();
    else other = found;
  }
  if (!other) return failure ?? { end: notFound(parent) };
  return { ...other, findings: [...other.findings, ...differences(parent, other.next.layer)] };
}

function placesOf({ gate }: World, parent: FileReference, from: ImageIdentity): Iterable<FileReference> {
  if (isLookedFor(parent)) return gate.find?.(parent, from) ?? [];
  return [parent, ...(parent.elsewhere ?? []).map((target) => ({ ...parent, target }))];
}

/** Whether what lies at a place that the image does not name itself is not the parent: not merely one that has changed. */
function isAnother(parent: FileReference, place: FileReference, layer: Layer): boolean {
  const mustBeKnown = isLookedFor(parent) || isGuess(place);
  return mustBeKnown && differences(parent, layer).some(({ severity }) => severity === 'error');
}

const isLookedFor = ({ target }: FileReference): boolean => target.kind === 'search';

const isGuess = ({ target }: FileReference): boolean => target.kind === 'path' && target.isGuess === true;

function tooDeep({ written }: FileReference): BrokenEnd {
  const message = `the chain goes on past ${MAX_DEPTH} layers: not followed further`;
  return { kind: 'too-deep', written, name: written, message };
}

function notFound({ written }: FileReference): BrokenEnd {
  const message = `no image nearby is known as "${written}", which is the parent`;
  return { kind: 'missing', reason: 'missing', written, name: written, message };
}

/** What a parent is not known by, though its child expects it. */
function differences({ written, expects = [] }: FileReference, { linkIds = [] }: Layer): readonly Finding[] {
  return expects.flatMap(({ what, value, or, severity }) => {
    const is = linkIds.filter((id) => id.what === what).map((id) => id.value);
    if (is.includes(value) || (or !== undefined && is.includes(or))) return [];
    const found = is.length === 0 ? `it has no ${what}` : `its ${what} is ${is.join(' or ')}`;
    return [
      {
        code: 'parent-changed',
        severity,
        message: `the parent "${written}" is not as it was when this image was made: ${found}, where ${value} is expected`,
        advice: 'It has been written to since, or is another image: what this image reads from it may be wrong.',
      },
    ];
  });
}

/** @param of the parent as its child names it, and a place where it may be */
function openParent(
  world: World,
  { parent, place }: { readonly parent: FileReference; readonly place: FileReference },
  from: ImageIdentity,
  seen: ReadonlyMap<string, Layer>,
): Found {
  const { written } = parent;
  const answer = world.gate.open(place, from);
  if (!answer.ok) {
    const { reason, name, message } = answer.refusal;
    return { end: { kind: reason === 'missing' ? 'missing' : 'refused', reason, written, name, message } };
  }
  const { opened } = answer;
  const name = opened.identity.path;
  const again = seen.get(keyOf(opened, parent.state));
  if (again) {
    opened.source.close();
    if (isAnother(parent, place, again)) return undefined;
    const message = `the parent "${written}" is a layer of this chain already: it stands on itself`;
    return { end: { kind: 'cycle', written, name, message } };
  }
  try {
    const { driver, findings } = parentDriver(world, parent, opened);
    const source = cutWindow(parent, opened);
    const next = openLayer(world, { ...opened, source }, driver, { isLeaf: false, state: parent.state });
    return {
      next,
      findings: [...answer.findings, ...guessFindings(place, name), ...findings, ...sizeFindings(next.layer, parent)],
    };
  } catch (error) {
    opened.source.close();
    if (!(error instanceof DiskError)) throw error;
    // Whatever is of another format is not what is looked for.
    if (isLookedFor(parent) && error.code === 'not-this-format') return undefined;
    const message = oneLine(error.in(opened.identity));
    return { end: { kind: 'refused', reason: 'unreadable', written, name, message } };
  }
}

/** One file may be several layers, each a state of it. */
const keyOf = ({ identity }: OpenedSource, state: string | undefined): string =>
  state === undefined ? identity.id : `${identity.id} ${state}`;

function brokenLink(end: BrokenEnd, parent: FileReference, { format }: Layer): Finding {
  const { kind, message } = end;
  return { code: `parent-${kind}`, severity: 'error', message, advice: adviceOn(end, parent, format) };
}

function adviceOn({ kind, reason }: BrokenEnd, parent: FileReference, format: string): string | undefined {
  if (reason === 'outside') return 'Allow it if you know where the image comes from.';
  if (kind !== 'missing') return undefined;
  if (isLookedFor(parent))
    return 'Put the parent into the folder of the image or the one above, whatever it is called.';
  return format === 'qcow2'
    ? 'Put the parent back where it was, or tell the image where it is now: VM Disk: Relocate Parent…, vmdisk snapshot relocate.'
    : 'Put the parent back where it was.';
}

function openLeaf(world: World, leaf: OpenedSource, options: ChainOptions): OpenLayer {
  try {
    return openLayer(world, leaf, pickDriver(world, leaf, options.format), { isLeaf: true, state: options.state });
  } catch (error) {
    leaf.source.close();
    throw error;
  }
}

/** Refusals of a file whose place is known and may be looked at. */
const LOCATED: ReadonlySet<RefusalReason> = new Set<RefusalReason>(['missing', 'unreadable', 'not-a-file']);

function openLayer(
  { gate, codecs, cache }: World,
  opened: OpenedSource,
  driver: Driver,
  as: Pick<OpenContext, 'isLeaf' | 'state'>,
): OpenLayer {
  const { identity, source } = opened;
  const companions: string[] = [];
  let dataFile: ImageIdentity | undefined;
  try {
    const layer = driver.open(source, {
      identity,
      codecs,
      ...as,
      cache,
      openCompanion: (reference) => {
        const answer = gate.open(reference, identity);
        if (answer.ok) {
          companions.push(answer.opened.identity.path);
          if (reference.role === 'data-file') dataFile = answer.opened.identity;
        } else if (LOCATED.has(answer.refusal.reason)) companions.push(answer.refusal.name);
        return answer;
      },
    });
    return { opened, layer, companions, dataFile, state: as.state };
  } catch (error) {
    throw error instanceof DiskError ? error.in(identity) : error;
  }
}

function pickDriver({ cache }: World, { source, identity }: OpenedSource, format: string | undefined): Driver {
  if (format === undefined) {
    try {
      return probe(cache.of(source));
    } catch (error) {
      throw error instanceof DiskError ? error.in(identity) : error;
    }
  }
  const driver = driverNamed(format);
  if (!driver) throw new DiskError('unsupported', `the format "${format}" is not known`, { file: identity.path });
  return driver;
}

/** A format that the child names beats probing: bytes at the start of a raw disk are the guest's to choose. */
function parentDriver(
  world: World,
  parent: FileReference,
  opened: OpenedSource,
): { driver: Driver; findings: readonly Finding[] } {
  if (parent.format !== undefined) return { driver: pickDriver(world, opened, parent.format), findings: [] };
  const driver = pickDriver(world, opened, undefined);
  const finding: Finding = {
    code: 'backing-format-absent',
    severity: 'warning',
    message: `the image does not record the format of its parent: it was taken as ${driver.id} by its content`,
    advice: `A guest can write what makes a raw disk look like another format. ${remedyOf(parent, driver)}`,
  };
  return { driver, findings: [finding] };
}

const remedyOf = ({ formatHasNoPlace }: FileReference, { id }: Driver): string =>
  formatHasNoPlace === true
    ? "Images of the child's format can't record it: convert the child to qcow2."
    : `Record it: qemu-img rebase -u -F ${id}.`;

function cutWindow(parent: FileReference, { source }: OpenedSource): OpenedSource['source'] {
  if (!parent.window) return source;
  const { offset, size = Math.max(0, source.size - offset) } = parent.window;
  if (offset + size > source.size) {
    throw new DiskError(
      'out-of-range',
      `the part of the parent that counts (${size} bytes from byte ${offset}) ends past the file`,
      { offset },
    );
  }
  return windowOf(source, offset, size);
}

function guessFindings(parent: FileReference, name: string): readonly Finding[] {
  if (!isGuess(parent)) return [];
  return [
    {
      code: 'parent-guessed',
      severity: 'warning',
      message: `the parent "${parent.written}" is not where the image says: ${name} was taken, which is called the same`,
      advice: 'Make sure that it is the one that is meant.',
    },
  ];
}

function sizeFindings(layer: Layer, parent: FileReference): readonly Finding[] {
  return layer.guestSize === 0
    ? [
        {
          code: 'parent-empty',
          severity: 'warning',
          message: `the parent "${parent.written}" is a disk of no bytes: all that is not in newer layers reads as zero`,
        },
      ]
    : [];
}
