import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Chain, ChainEnd, ChainLayer, ExpectedId } from '../../core';
import { closeChain, DiskError, openChain, parentReference, probe, Session } from '../../core';
import type { GatePolicy } from '../../protocol/worker';
import { createEnvironment } from '../environment';
import { openFile } from '../files';
import { FileGate } from '../gate';

/** The image that misses its parent, or whose header is to name another: the last one of a chain that can be read. */
export interface Mended {
  /** Absolute, links followed. */
  readonly path: string;
  /** The name by which it was opened: what it writes counts from that folder for whoever opens it so. */
  readonly named: string;
  readonly id: string;
  /** As it names its parent now. */
  readonly written: string;
  readonly format: string | undefined;
  /** What it knows its parent by. */
  readonly expects: readonly ExpectedId[];
  /** The format that it has itself. */
  readonly ownFormat: string;
  /** How its chain ends now. */
  readonly end: ChainEnd;
  readonly guestSize: number;
  readonly modified: number | undefined;
  /** Ids of the layers from the image that was asked for down to this one. */
  readonly above: readonly string[];
}

/**
 * Which image of a chain needs its parent named anew: the last that can be read of one that is broken, else the image
 * itself.
 * @throws DiskError when there is nothing to relocate: the image names no parent, or can't be opened
 */
export function mendedOf(image: string, policy: GatePolicy): Mended {
  const chain = openReal(image, policy);
  try {
    const layer = chain.end.kind === 'base' ? chain.layers[0] : chain.layers.at(-1);
    if (!layer) throw new DiskError('not-found', 'there is no image', { file: image });
    return describe(chain, layer, layer.depth === 0 ? path.resolve(image) : layer.identity.path);
  } finally {
    closeChain(chain);
  }
}

/** Whether the name of the parent is changed in images of a format. */
export const namesAnew = (format: string): boolean => format === 'qcow2';

/** @throws DiskError `refused` where the parent's name is not changed in images of that format */
export function mustNameAnew({ path: file, ownFormat }: Mended): void {
  if (namesAnew(ownFormat)) return;
  throw new DiskError(
    'refused',
    `only of a qcow2 image the name of its parent is changed: this one is ${ownFormat}`,
    { file },
    'The program that made it can do that, or put the parent back to where it was.',
  );
}

function describe({ layers, end }: Chain, { depth, identity, layer, source }: ChainLayer, named: string): Mended {
  const { path: file, id } = identity;
  if (!layer.parent) {
    const [why, advice] =
      layer.format === 'qcow2'
        ? [
            'the image names no parent: to give it one would change what it reads',
            'If it has lost its parent’s name, qemu-img rebase -u -b writes it.',
          ]
        : [
            `this ${layer.format} image stands on nothing: there is no parent to name`,
            'Relocate the overlay that stands on it.',
          ];
    throw new DiskError('refused', why, { file }, advice);
  }
  return {
    path: realOf(file),
    named,
    id,
    written: layer.parent.written,
    format: layer.parent.format,
    expects: layer.parent.expects ?? [],
    ownFormat: layer.format,
    end,
    guestSize: layer.guestSize,
    modified: source.modified,
    above: layers.slice(0, depth + 1).map(({ identity: each }) => each.id),
  };
}

function openReal(image: string, policy: GatePolicy): Chain {
  const leaf = openFile(realOf(image), policy);
  return openChain(createEnvironment(policy), leaf);
}

/** The file that a name leads to, or the name where it leads nowhere: opening it then tells why. */
export function realOf(file: string): string {
  try {
    return fs.realpathSync(file);
  } catch {
    return path.resolve(file);
  }
}

/** How a file opens by itself: `raw` where nothing else is known of it. @throws DiskError */
export function probedFormat(file: string, policy: GatePolicy): string {
  const { source, identity } = openFile(file, policy);
  try {
    return probe(source).id;
  } catch (error) {
    throw error instanceof DiskError ? error.in(identity) : error;
  } finally {
    source.close();
  }
}

/**
 * The chain as it would be with another parent, in memory: nothing is written.
 * @param name of the parent as the image would write it
 * @throws DiskError when the image can't be opened; a parent that can't is where the chain ends
 */
export function openTrial(
  { path: image, ownFormat: format }: Pick<Mended, 'path' | 'ownFormat'>,
  name: string,
  parentFormat: string,
  parent: string,
  policy: GatePolicy,
): Session {
  const allowed = { ...policy, allowed: [...policy.allowed, parent] };
  const leaf = openFile(image, policy);
  return new Session({ ...createEnvironment(policy), gate: new FileGate(allowed) }, leaf, {
    format,
    parent: ({ id }, written) => (id === leaf.identity.id ? parentReference(name, parentFormat) : written),
  });
}
