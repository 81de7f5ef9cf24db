import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Chain, Finding, MergeImage, Situation } from '../../../core';
import { DiskError, hasStaleTail, mergeImage, probeInput, Session, sniff } from '../../../core';
import type { SurveyedImage } from '../../../protocol/image';
import type { GatePolicy } from '../../../protocol/worker';
import { codecsReady } from '../../codecs';
import { createEnvironment } from '../../environment';
import type { Family } from '../../family';
import { above, childrenOf, findFamily } from '../../family';
import { fileId } from '../../fileId';
import { openFile } from '../../files';
import { useOf } from '../../inUse';
import { holdsData, isNoLink, lateChanges, mayChange, unseen } from '../guard';
import type { Note } from '../notes';
import { readNote } from '../notes';

/** All images that deleting a layer is about, open. */
export interface Gathered {
  readonly layer: Session;
  /** The layer below alone, with what it stands on. */
  readonly parent: Session | undefined;
  /** What stands directly on the layer, as leaves of their own chains. */
  readonly children: readonly Session[];
  readonly family: Family;
  /** Of the layer, in the family. */
  readonly id: string;
  readonly situation: Situation;
  /** All that stand on the layer, nearest first. */
  readonly standing: readonly { readonly image: SurveyedImage; readonly distance: number }[];
  readonly cautions: readonly Finding[];
  close(): void;
}

/** @throws DiskError when the image can't be opened at all */
export async function gather(file: string, policy: GatePolicy, folders: readonly string[]): Promise<Gathered> {
  await codecsReady();
  const image = path.resolve(file);
  const open: Session[] = [];
  const opened = (name: string, format?: string): Session => {
    const session = openAlone(name, policy, format);
    open.push(session);
    return session;
  };
  try {
    const family = findFamily(image, policy, folders);
    const id = idOf(image);
    const paths = childrenOf(family, id).map((child) => child.path);
    const children = paths.sort().map((child) => opened(child));
    const layer = opened(image, children[0]?.chain.layers[1]?.layer.format);
    const [, below] = layer.chain.layers;
    const parent = below && opened(below.identity.path, below.layer.format);
    const note = readNote(image, 'delete');
    const situation = await situate(layer.chain, children, family, id, note?.kind === 'delete' ? note : undefined);
    return {
      layer,
      parent,
      children,
      family,
      id,
      situation,
      standing: standingOn(family, id),
      cautions: await cautionsOf(situation, family),
      close: () => {
        for (const session of open) session.close();
      },
    };
  } catch (error) {
    for (const session of open) session.close();
    throw error;
  }
}

/**
 * An image with its chain.
 * @param format what those that stand on it take it for; by its content when left out
 * @throws DiskError
 */
export function openAlone(file: string, policy: GatePolicy, format?: string): Session {
  const source = openFile(file, policy);
  try {
    if (format !== undefined) return new Session(createEnvironment(policy), source, { format });
    const sniffed = sniff(probeInput(source.source), path.basename(file));
    if (sniffed.kind !== 'image') {
      throw new DiskError('unsupported', `this is no disk image that is read here, but ${sniffed.found}`, { file });
    }
    return new Session(createEnvironment(policy), source, { format: sniffed.format });
  } catch (error) {
    source.source.close();
    throw error;
  }
}

async function situate(
  { layers, end }: Chain,
  children: readonly Session[],
  family: Family,
  self: string,
  note: Extract<Note, { kind: 'delete' }> | undefined,
): Promise<Situation> {
  const [top, ...rest] = layers;
  if (!top) throw new Error('a chain has a layer');
  const layer = mergeImage(top);
  const below = rest.map(mergeImage);
  const overlays = rest[0] ? childrenOf(family, rest[0].identity.id).filter(({ id }) => id !== self) : [];
  const noted = new Set(note?.image === layer.path ? note.children : []);
  const moved = overlays.filter(({ path: name }) => noted.has(name)).map(({ path: name }) => name);
  // After a pull its parent was not written to: what stands there would read otherwise if it were now.
  const copied = note?.direction === 'commit';
  const siblings = overlays.filter(({ path: name }) => !(copied && noted.has(name))).map(surveyed);
  const images = children.flatMap(({ chain }) => chain.layers.slice(0, 1).map(mergeImage));
  const parent = below.slice(0, 1).map(({ path: file }) => file);
  const named = [layer, ...images].map(({ path: file }) => file);
  const found = await Promise.all(
    [...parent, ...named].map(async (file) => {
      const link = named.includes(file) ? isNoLink(file) : [];
      return [file, [...link, ...holdsData(file, idOf(file), family), ...(await mayChange(file))]] as const;
    }),
  );
  const locked = new Map(found);
  return {
    layer,
    below,
    end,
    children: images,
    siblings,
    staleTail: staleTailBelow(layers),
    begun: note?.image === layer.path ? { direction: note.direction, moved } : undefined,
    locked: new Map([...locked, [layer.path, [...unseen(family), ...(locked.get(layer.path) ?? [])]]]),
  };
}

function staleTailBelow([layer, parent, below]: Chain['layers']): boolean {
  if (!layer || !parent || parent.layer.guestSize >= layer.layer.guestSize) return false;
  return hasStaleTail(parent, below?.layer.guestSize ?? 0);
}

/** What is told of siblings is their names. */
function surveyed(image: SurveyedImage): MergeImage {
  return {
    path: image.path,
    format: image.format,
    guestSize: image.guestSize,
    misread: undefined,
    readable: image.readable,
    externalData: false,
    corrupt: false,
    old: false,
    snapshots: [],
    bitmaps: [],
    openBitmap: false,
    backing: image.backing ?? undefined,
    backingFormat: undefined,
    oddBacking: false,
  };
}

function standingOn(family: Family, id: string): Gathered['standing'] {
  const distance = new Map([[id, 0]]);
  return above(family, id).map((image) => {
    const below = image.parent?.kind === 'found' ? (distance.get(image.parent.id) ?? 0) : 0;
    distance.set(image.id, below + 1);
    return { image, distance: below + 1 };
  });
}

async function cautionsOf({ layer, below, children }: Situation, family: Family): Promise<readonly Finding[]> {
  const files = [layer, ...below.slice(0, 1), ...children].map(({ path: file }) => file);
  const uses = await Promise.all(files.map(async (file) => [file, await useOf(file, false)] as const));
  const cautions: Finding[] = [...lateChanges(uses)];
  if (layer.bitmaps.length > 0) {
    cautions.push({
      code: 'bitmaps-lost',
      severity: 'warning',
      message: `the bitmaps of ${layer.path} (${layer.bitmaps.join(', ')}) go with it`,
      advice: 'An incremental backup that counts on them has to begin anew.',
    });
  }
  cautions.push({
    code: 'folders-looked-at',
    severity: 'info',
    message: `images that stand on this one were looked for in ${family.folders.join(', ')}`,
    advice: 'Name other folders that may have some: --look-in.',
  });
  return cautions;
}

/**
 * Looks whether an image stands on what it should, and on a whole chain.
 * @throws DiskError `corrupt` where it does not
 */
export function standsOn(file: string, parent: string | undefined, policy: GatePolicy): void {
  const session = openAlone(file, policy);
  try {
    const [, below] = session.chain.layers;
    const expected = parent === undefined ? undefined : idOf(parent);
    if (session.chain.end.kind !== 'base' || below?.identity.id !== expected) {
      throw new DiskError(
        'corrupt',
        'it does not stand on what it should stand on now',
        { file },
        'See vmdisk doctor.',
      );
    }
  } finally {
    session.close();
  }
}

/** Equal for two names of one file. @throws DiskError `not-found` */
export function idOf(file: string): string {
  const id = fileId(file);
  if (id === undefined) throw new DiskError('not-found', 'there is no such file', { file });
  return id;
}

/** What a file takes on the host, in bytes. */
export function takes(file: string): number {
  const { blocks, size } = fs.statSync(file) as { readonly blocks?: number; readonly size: number };
  return blocks === undefined ? size : blocks * 512;
}
