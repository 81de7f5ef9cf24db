import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Deleted, DeletePlan } from '../../../core';
import type { GatePolicy } from '../../../protocol/worker';
import { mayBeOpened } from '../../doctorFacts/leftovers';
import { FileGate } from '../../gate';
import { standsOn } from './gather';
import type { DeleteNote } from '../notes';
import { readNote, removeNote } from '../notes';

/** A layer whose file went, where the run that removed it was cut off before it put its note away. */
export function goneLayer(file: string): DeleteNote | undefined {
  const image = path.resolve(file);
  if (fs.existsSync(image)) return undefined;
  const note = readNote(image, 'delete');
  return note?.kind === 'delete' && note.image === image ? note : undefined;
}

export function planForGone({ image, parent, direction, children }: DeleteNote): DeletePlan {
  return {
    image,
    parent: parent ?? undefined,
    direction,
    moves: [],
    bytesToMove: 0,
    exact: true,
    space: [],
    freed: 0,
    why: ['the file is removed already: only the note about it is left'],
    standing: [],
    leaves: children,
    steps: [{ kind: 'verify', check: 'all', what: 'what stood on it stands on its parent' }],
    refusals: [],
    cautions: [],
  };
}

/** @throws DiskError `corrupt` where something does not stand on what it should */
export function finishGone({ image, parent, direction, children }: DeleteNote, policy: GatePolicy): Deleted {
  const gate = new FileGate(policy);
  // A note may be anybody's: what it names is opened only as a name in an image is.
  const left = children.filter((child) => mayBeOpened(child, image, gate));
  for (const child of left) standsOn(child, parent ?? undefined, policy);
  removeNote(image, 'delete');
  return { image, direction, freed: 0, verified: left };
}
