import { isAbsolute } from 'node:path';
import type { Bitmap, ChainEnd, InternalSnapshot, View } from '../../core/model';
import { wholeDisks } from '../../core/wholeDisks';
import type { SurveyedImage, SurveyResult, UnusableImage } from '../../protocol/image';
import { diskName } from '../../protocol/story';

/**
 * The tree: families of images, base at the root, every overlay a child of what it stands on. What an image holds
 * itself (internal snapshots, bitmaps) comes before its overlays.
 *
 * Invariants: a node's `key` is its own in the whole tree and the same from one survey to the next; an image stands in
 * the tree exactly once, whatever its links say.
 */
export type FamilyNode = ImageNode | SnapshotNode | BitmapNode | UnusableNode | BrokenNode | UnlistedNode;

interface Node {
  readonly key: string;
  /** Set once, while the tree is built. */
  parent: FamilyNode | undefined;
  readonly children: FamilyNode[];
}

export interface ImageNode extends Node {
  readonly kind: 'image';
  readonly image: SurveyedImage;
  /** Other names of the same file (links), as absolute paths. */
  readonly alsoAt: readonly string[];
  /** True when nothing known stands on it: what a VM writes to. */
  leaf: boolean;
  /** True when following its parents leads back to it; the tree cuts the ring here. */
  loops: boolean;
}

export interface SnapshotNode extends Node {
  readonly kind: 'snapshot';
  readonly image: SurveyedImage;
  readonly view: View;
  readonly snapshot: InternalSnapshot;
}

export interface BitmapNode extends Node {
  readonly kind: 'bitmap';
  readonly image: SurveyedImage;
  readonly bitmap: Bitmap;
}

/** An image that can't be used at all, or a file with an image's name that can't be read. */
export interface UnusableNode extends Node {
  readonly kind: 'unusable';
  readonly unusable: UnusableImage;
  readonly fileName: string;
}

/** A parent that can't be had; the images that name it are its children. */
export interface BrokenNode extends Node {
  readonly kind: 'broken';
  readonly end: Exclude<ChainEnd, { readonly kind: 'base' }>;
  readonly fileName: string;
}

/** A parent that exists, though the survey says nothing about it. */
export interface UnlistedNode extends Node {
  readonly kind: 'unlisted';
  readonly path: string;
  readonly fileName: string;
}

/** @returns the roots, by name */
export function buildFamilies({ images, unusable }: SurveyResult): readonly FamilyNode[] {
  const nodes = new Map<string, ImageNode>();
  for (const [id, names] of groupById(wholeDisks(images))) {
    const [image, ...others] = names;
    nodes.set(id, {
      kind: 'image',
      key: `image:${id}`,
      image,
      alsoAt: others.map((other) => other.path),
      parent: undefined,
      children: [],
      leaf: true,
      loops: false,
    });
  }

  const stems = new Map<string, Stem>();
  for (const each of unusable) {
    stems.set(each.path, { ...stem(`unusable:${each.path}`, each.path), kind: 'unusable', unusable: each });
  }
  const roots: FamilyNode[] = [];
  for (const node of nodes.values()) {
    const under = parentOf(node.image, nodes, stems);
    if (under === undefined) {
      roots.push(node);
    } else if (isAbove(node, under)) {
      node.loops = true;
      roots.push(node);
    } else {
      node.parent = under;
      under.children.push(node);
      if (under.kind === 'image') under.leaf = false;
    }
  }
  for (const node of nodes.values()) {
    node.children.sort(byName);
    node.children.unshift(...contents(node));
  }
  for (const { children } of stems.values()) children.sort(byName);
  return [...roots, ...stems.values()].sort(byName);
}

/** Every node, parents before children. */
export function* walk(nodes: readonly FamilyNode[]): Generator<FamilyNode, void, void> {
  for (const node of nodes) {
    yield node;
    yield* walk(node.children);
  }
}

/** Files of the newest images that stand on a node's, however far above. */
export function leavesAbove(node: FamilyNode): string[] {
  return [...walk(node.children)].flatMap((each) => (each.kind === 'image' && each.leaf ? [each.image.path] : []));
}

/** The file's own name of an image, of a parent that is not there, of what a snapshot is in. */
export function nodePath(node: FamilyNode): string | undefined {
  switch (node.kind) {
    case 'image':
    case 'snapshot':
    case 'bitmap':
      return node.image.path;
    case 'unlisted':
      return node.path;
    case 'unusable':
      return node.unusable.path;
    case 'broken':
      return isAbsolute(node.end.name) ? node.end.name : undefined;
  }
}

/** Names of one file together: first the one whose parent is found, then that by which its platform knows it, then by path. */
function groupById(images: readonly SurveyedImage[]): Map<string, [SurveyedImage, ...SurveyedImage[]]> {
  const broken = ({ parent }: SurveyedImage): number => (parent !== undefined && parent.kind !== 'found' ? 1 : 0);
  const unknown = ({ story }: SurveyedImage): number => (story ? 0 : 1);
  const sorted = [...images].sort(
    (a, b) => broken(a) - broken(b) || unknown(a) - unknown(b) || compare(a.path, b.path),
  );
  const groups = new Map<string, [SurveyedImage, ...SurveyedImage[]]>();
  for (const image of sorted) {
    const group = groups.get(image.id);
    if (!group) groups.set(image.id, [image]);
    else if (!group.some((other) => other.path === image.path)) group.push(image);
  }
  return groups;
}

type Stem = UnusableNode | BrokenNode | UnlistedNode;

/** @param stems parents that are no surveyed images, by path or name */
function parentOf(
  image: SurveyedImage,
  nodes: ReadonlyMap<string, ImageNode>,
  stems: Map<string, Stem>,
): ImageNode | Stem | undefined {
  const { parent } = image;
  if (!parent) return undefined;
  if (parent.kind === 'found') {
    const { id, path } = parent;
    return nodes.get(id) ?? remember(stems, path, () => ({ ...stem(`file:${id}`, path), kind: 'unlisted', path }));
  }
  const { kind, name } = parent;
  // An image that is there and can't be used stands in the tree itself, with what is wrong with it.
  const known = stems.get(name);
  if (known?.kind === 'unusable') return known;
  const key = `broken:${kind}:${name}`;
  return remember(stems, key, () => ({ ...stem(key, name), kind: 'broken', end: parent }));
}

function stem(key: string, name: string): Pick<Stem, 'key' | 'fileName' | 'parent' | 'children'> {
  return { key, fileName: lastPart(name), parent: undefined, children: [] };
}

function remember<T>(map: Map<string, T>, key: string, make: () => T): T {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

/** What stands after the last slash or backslash, of a name in any system's way; a name with a protocol is whole. */
function lastPart(name: string): string {
  if (/^[a-z][a-z0-9+.-]+:/i.test(name)) return name;
  return name.split(/[\\/]/).filter(Boolean).at(-1) ?? name;
}

/** True when `node` is `from` or one of its ancestors. */
function isAbove(node: FamilyNode, from: FamilyNode): boolean {
  for (let at: FamilyNode | undefined = from; at; at = at.parent) {
    if (at === node) return true;
  }
  return false;
}

/** Keys carry a number: a broken image may list one id or name twice. */
function contents(parent: ImageNode): FamilyNode[] {
  const { image, key } = parent;
  const snapshots = image.views.flatMap((view, index): FamilyNode[] => {
    const { snapshot } = view;
    if (!snapshot) return [];
    return [{ kind: 'snapshot', key: `${key}@${index}:${view.id}`, image, view, snapshot, parent, children: [] }];
  });
  const bitmaps = image.bitmaps.map((bitmap, index): FamilyNode => {
    return { kind: 'bitmap', key: `${key}#${index}:${bitmap.name}`, image, bitmap, parent, children: [] };
  });
  return [...snapshots, ...bitmaps];
}

function nameOf(node: FamilyNode): string {
  switch (node.kind) {
    case 'image':
      return [diskName(node.image.story), node.image.label ?? node.image.fileName].filter(Boolean).join(': ');
    case 'snapshot':
      return node.view.name;
    case 'bitmap':
      return node.bitmap.name;
    case 'unlisted':
    case 'unusable':
    case 'broken':
      return node.fileName;
  }
}

function byName(a: FamilyNode, b: FamilyNode): number {
  return compare(nameOf(a), nameOf(b)) || compare(a.key, b.key);
}

const collator = new Intl.Collator('en', { numeric: true });
function compare(a: string, b: string): number {
  return collator.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0);
}
