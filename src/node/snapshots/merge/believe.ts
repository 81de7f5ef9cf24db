import type { ChainLayer, Finding, MergeImage, Side } from '../../../core';
import { differing, DiskError, listed, ownsAll } from '../../../core';
import type { GatePolicy } from '../../../protocol/worker';
import { mayBeOpened } from '../../doctorFacts/leftovers';
import { FileGate } from '../../gate';
import type { Conduct } from '../conduct';
import { runJob } from '../conduct';
import { refusal } from '../guard';
import { notePath, readNote } from '../notes';
import type { Gathered } from './gather';
import { openAlone } from './gather';

/**
 * A note may be anybody's, and nothing is removed for what one says. That a commit came to its end is seen by reading the
 * parent. That all which stood on a layer took what it needed of it is seen here: each such image stands on the layer's
 * parent, and holds itself all in which the two differ.
 * @returns the same; where it can't be seen, with that as a reason to refuse
 */
export async function believed(gathered: Gathered, policy: GatePolicy, conduct: Conduct): Promise<Gathered> {
  const { situation } = gathered;
  const { begun, children, layer } = situation;
  if (begun?.direction !== 'pull') return gathered;
  const note = readNote(layer.path, 'delete');
  const named = note?.kind === 'delete' ? note.children : [];
  // Where some still stand on the layer, those that do not are on its parent, or none of this family.
  const moved = children.length > 0 ? begun.moved : named;
  const took = await allTook(moved, gathered, policy, conduct);
  if (took && (moved.length > 0 || children.length > 0)) {
    return { ...gathered, situation: { ...situation, begun: { direction: 'pull', moved } } };
  }
  const against = [notSeen(layer, moved), ...(situation.locked.get(layer.path) ?? [])];
  const locked = new Map([...situation.locked, [layer.path, against]]);
  return { ...gathered, situation: { ...situation, begun: undefined, locked } };
}

const notSeen = ({ path: image }: MergeImage, moved: readonly string[]): Finding =>
  refusal(
    'pull-not-seen',
    `${notePath(image, 'delete')} says that what ${image} holds went up into ${listed(moved) || 'other images'}, and that is not so`,
    `Remove the note if nobody here wrote it. Else one of these was given its other parent too early: it reads as before once qemu-img rebase -u names ${image} as its parent again.`,
  );

async function allTook(
  children: readonly string[],
  { layer, parent }: Gathered,
  policy: GatePolicy,
  conduct: Conduct,
): Promise<boolean> {
  const { chain } = layer;
  const [top, below] = chain.layers;
  if (!top) return false;
  if (children.length === 0) return true;
  const opened = children.map((child) => childOn(child, top, below, policy));
  try {
    const tops = opened.flatMap((session) => session?.chain.layers.slice(0, 1) ?? []);
    if (tops.length < children.length) return false;
    const nothing: Side = {
      chain: { layers: [], end: { kind: 'base' } },
      from: { depth: 0, view: { id: '', name: '', guestSize: 0 } },
    };
    const what = 'looking whether all was taken that is still needed';
    const { ranges, exact } = await runJob(differing(layer, parent ?? nothing), what, conduct);
    if (!exact) return false;
    for (const each of tops) if (!(await runJob(ownsAll(each, ranges), what, conduct))) return false;
    return true;
  } finally {
    for (const session of opened) session?.close();
  }
}

/** An image that stands on the layer's parent, or on nothing where that does; it is opened only as a name in an image is. */
function childOn(
  file: string,
  layer: ChainLayer,
  parent: ChainLayer | undefined,
  policy: GatePolicy,
): ReturnType<typeof openAlone> | undefined {
  if (!mayBeOpened(file, layer.identity.path, new FileGate(policy))) return undefined;
  try {
    const session = openAlone(file, policy);
    const [top, below] = session.chain.layers;
    const fits =
      session.chain.end.kind === 'base' &&
      top?.identity.id !== layer.identity.id &&
      below?.identity.id === parent?.identity.id;
    if (fits) return session;
    session.close();
    return undefined;
  } catch (error) {
    if (error instanceof DiskError) return undefined;
    throw error;
  }
}
