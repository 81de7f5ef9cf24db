import * as fs from 'node:fs';
import * as path from 'node:path';
import { closeChain, DiskError, openChain } from '../core';
import type { SurveyedImage, UnusableImage } from '../protocol/image';
import type { GatePolicy } from '../protocol/worker';
import { codecs } from './codecs';
import { fileId } from './fileId';
import { FileGate, realPath } from './gate';
import { SNAPSHOTS } from './parentSearch';
import { platformStories } from './stories';
import { summarizeLayer } from './summary';
import { isOurs } from './ourFiles';
import { survey } from './survey';

/** An image, everything below it, and what is found to stand on any of these. */
export interface Family {
  readonly images: readonly SurveyedImage[];
  /** Files in the folders that were looked through that are images by name or content, and could not be read. */
  readonly unusable: readonly UnusableImage[];
  /** Files that hold the data of an image beside them, and that image, whether it is of the family or not. */
  readonly holders: readonly { readonly id: string; readonly image: string }[];
  /** The folders that were looked through: overlays that lie elsewhere are not known. */
  readonly folders: readonly string[];
  /** True where a folder has more files than are looked at, or can't be looked through. */
  readonly incomplete: boolean;
}

/** Files of a folder of which the headers are read. */
const MAX_FILES = 10_000;

/**
 * The family of an image: its chain, and all images standing on any layer of it, found in the folders of the chain's
 * layers and in those given.
 * @param folders further ones to look through, absolute; not those below them, but for `Snapshots`
 */
export function findFamily(image: string, policy: GatePolicy, folders: readonly string[] = []): Family {
  const start = path.resolve(image);
  const known = new Map<string, SurveyedImage>();
  const unusable = new Map<string, UnusableImage>();
  const asked = new Set<string>();
  const look = (files: readonly string[]): void => {
    const fresh = files.filter((file) => !asked.has(file));
    for (const file of fresh) asked.add(file);
    const found = survey(fresh, policy);
    for (const each of found.images) {
      const before = known.get(each.id);
      if (!before || (before.path !== start && tells(each) > tells(before))) known.set(each.id, each);
    }
    for (const each of found.unusable) unusable.set(each.path, each);
  };
  const gate = new FileGate(policy);
  const looked = new Set<string>();
  let incomplete = false;
  const lookInto = (folder: string): void => {
    if (looked.has(folder)) return;
    looked.add(folder);
    const { files, cut } = filesIn(folder);
    incomplete ||= cut;
    look(files);
  };
  const lookThrough = (folder: string): void => {
    lookInto(folder);
    const below = path.join(folder, SNAPSHOTS);
    if (fs.existsSync(below) && gate.mayLookAt(below)) lookInto(below);
  };

  look([start]);
  for (const folder of folders) lookThrough(path.resolve(folder));
  // Each parent may lie in a folder of its own, with children of its own.
  for (let at: string | undefined = start; at !== undefined;) {
    lookThrough(path.dirname(at));
    const image: SurveyedImage | undefined = byPath(known.values(), at);
    const parent: SurveyedImage['parent'] = image?.parent;
    const next: string | undefined = parent?.kind === 'found' ? parent.path : undefined;
    if (next !== undefined && !asked.has(next)) look([next]);
    at = next !== undefined && !looked.has(path.dirname(next)) ? next : stepPast(known, next, looked);
  }
  // Others may stand on a layer by its own name, beside where a link leads.
  for (const layer of pathsDown(known, start)) {
    const real = realPath(layer);
    if (gate.mayLookAt(real)) lookThrough(path.dirname(real));
  }
  for (const parent of unrecognised(known)) {
    const image = asRaw(parent, policy);
    if (image) known.set(image.id, image);
  }
  const own = [...known.values()];
  // A raw base need not look like an image at all: what stands on it tells that it is one.
  const first = byPath(own, start)?.id ?? fileId(start);
  return {
    images: first === undefined ? [] : related(own, first),
    holders: own.flatMap(({ path: image, companions = [] }) => {
      return companions.map((file) => ({ id: fileId(file) ?? '', image }));
    }),
    unusable: [...unusable.values()],
    folders: [...looked],
    incomplete,
  };
}

/** Of several names of a file the one counts by which its parent is found, then one that is no link. */
function tells({ path: file, parent }: SurveyedImage): number {
  const isLink = fs.lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  return (parent === undefined || parent.kind === 'found' ? 2 : 0) + (isLink ? 0 : 1);
}

/** What images stand on though nothing in it tells that it is a disk: then it is raw, and known by them alone. */
function unrecognised(known: ReadonlyMap<string, SurveyedImage>): readonly string[] {
  const files = new Map<string, string>();
  for (const { parent } of known.values()) {
    if (parent?.kind === 'found' && !known.has(parent.id)) files.set(parent.id, parent.path);
  }
  return [...files.values()];
}

function asRaw(file: string, policy: GatePolicy): SurveyedImage | undefined {
  const gate = new FileGate(policy);
  try {
    const chain = openChain({ gate, codecs }, gate.openFound(file), { format: 'raw' });
    closeChain(chain);
    const [layer] = chain.layers;
    const story = platformStories([file], policy).get(file);
    return layer && { ...summarizeLayer(layer, layer.layer.findings, { story }), id: layer.identity.id };
  } catch (error) {
    if (error instanceof DiskError) return undefined;
    throw error;
  }
}

/** The images that stand directly on one. */
export function childrenOf({ images }: Pick<Family, 'images'>, id: string): readonly SurveyedImage[] {
  return images.filter(({ parent }) => parent?.kind === 'found' && parent.id === id);
}

/** All that stand on one, nearest first. */
export function above(family: Pick<Family, 'images'>, id: string): readonly SurveyedImage[] {
  const found: SurveyedImage[] = [];
  const seen = new Set([id]);
  let level = [id];
  while (level.length > 0) {
    const next = level.flatMap((each) => childrenOf(family, each)).filter((child) => !seen.has(child.id));
    for (const child of next) seen.add(child.id);
    found.push(...next);
    level = next.map((child) => child.id);
  }
  return found;
}

/** An image and all below it that were found, newest first. */
export function chainOf({ images }: Pick<Family, 'images'>, id: string): readonly SurveyedImage[] {
  const byId = new Map(images.map((image) => [image.id, image]));
  const chain: SurveyedImage[] = [];
  for (let at = byId.get(id); at && !chain.includes(at);) {
    chain.push(at);
    at = at.parent?.kind === 'found' ? byId.get(at.parent.id) : undefined;
  }
  return chain;
}

/** The image that a path leads to, whatever name of it is known. */
export function memberAt({ images }: Pick<Family, 'images'>, file: string): SurveyedImage | undefined {
  return byPath(images, path.resolve(file));
}

function byPath(images: Iterable<SurveyedImage>, file: string): SurveyedImage | undefined {
  const id = fileId(file);
  for (const image of images) if (image.path === file || image.id === id) return image;
  return undefined;
}

/** The names by which a chain leads down, from `from` on. */
function pathsDown(known: ReadonlyMap<string, SurveyedImage>, from: string): readonly string[] {
  const paths = new Set<string>();
  for (let at: string | undefined = from; at !== undefined && !paths.has(at);) {
    paths.add(at);
    const parent: SurveyedImage['parent'] = byPath(known.values(), at)?.parent;
    at = parent?.kind === 'found' ? parent.path : undefined;
  }
  return [...paths];
}

/** On down the chain, past layers whose folders were looked through, to the first in another one. */
function stepPast(
  known: ReadonlyMap<string, SurveyedImage>,
  from: string | undefined,
  looked: ReadonlySet<string>,
): string | undefined {
  const seen = new Set<string>();
  for (let at = from; at !== undefined && !seen.has(at);) {
    seen.add(at);
    if (!looked.has(path.dirname(at))) return at;
    const parent: SurveyedImage['parent'] = byPath(known.values(), at)?.parent;
    at = parent?.kind === 'found' ? parent.path : undefined;
  }
  return undefined;
}

/** What hangs together with the image `first` by parents and children. */
function related(all: readonly SurveyedImage[], first: string): readonly SurveyedImage[] {
  const links = new Map<string, Set<string>>();
  const link = (a: string, b: string): void => {
    links.set(a, (links.get(a) ?? new Set()).add(b));
  };
  for (const { id, parent } of all) {
    if (parent?.kind !== 'found') continue;
    link(id, parent.id);
    link(parent.id, id);
  }
  const reached = new Set([first]);
  for (const id of reached) for (const next of links.get(id) ?? []) reached.add(next);
  return all.filter(({ id }) => reached.has(id));
}

function filesIn(folder: string): { readonly files: readonly string[]; readonly cut: boolean } {
  const files: string[] = [];
  let open: fs.Dir | undefined;
  try {
    open = fs.opendirSync(folder);
    for (let entry = open.readSync(); entry; entry = open.readSync()) {
      if (!(entry.isFile() || entry.isSymbolicLink()) || isOurs(path.join(folder, entry.name))) continue;
      if (files.length === MAX_FILES) return { files, cut: true };
      files.push(path.join(folder, entry.name));
    }
    return { files, cut: false };
  } catch {
    return { files, cut: true };
  } finally {
    open?.closeSync();
  }
}
