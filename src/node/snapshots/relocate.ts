import type { Finding, ParentCandidate, QemuCommand, Relocated, RelocateRequest, Session } from '../../core';
import { DiskError, parentReference } from '../../core';
import type { GatePolicy } from '../../protocol/worker';
import type { QemuImg } from '../qemuImg';
import { openFile } from '../files';
import { useOf } from '../inUse';
import { searchParents, weighParent } from '../relocate/candidates';
import { restoreHeader, takeHeader } from '../relocate/keptHeader';
import type { TakenHeader } from '../relocate/keptHeader';
import type { Mended } from '../relocate/trial';
import { mendedOf, mustNameAnew, namesAnew, openTrial, probedFormat, realOf } from '../relocate/trial';
import { writeAnew } from '../relocate/writeAnew';
import type { Conduct } from './conduct';
import { mayChange, refusal } from './guard';
import { leadsTo, parentName } from './parentName';
import { refuseForFirst } from './refuse';

/**
 * Looks for files that may be the parent an image misses, best first. Of a chain that is broken further down, the image
 * that misses its parent is the last one that can be read. Writes nothing.
 * @param folders further ones to look in, with what is below them
 * @throws DiskError
 */
export function findCandidates(
  image: string,
  folders: readonly string[],
  policy: GatePolicy,
  conduct: Conduct = {},
): Promise<readonly ParentCandidate[]> {
  return searchParents(mendedOf(image, policy), folders, policy, conduct);
}

/** An image that misses its parent, of a chain that may be broken further down. */
export interface MissesParent {
  readonly path: string;
  /** Its chain can be opened as it is. */
  readonly isWhole: boolean;
  /** `relocateParent` can write the parent's name anew; else the parent has to be put back where the image looks for it. */
  readonly canBeNamed: boolean;
  /** As the image writes it. */
  readonly written: string;
}

/** Which image of a chain misses its parent, or would be changed by `relocateParent`. @throws DiskError */
export function missesParent(image: string, policy: GatePolicy): MissesParent {
  const { path, end, ownFormat, written } = mendedOf(image, policy);
  return { path, isWhole: end.kind === 'base', canBeNamed: namesAnew(ownFormat), written };
}

/** What speaks for the parent that is asked for, and against it. @throws DiskError */
export function judgeParent(
  { image, parent }: RelocateRequest,
  policy: GatePolicy,
  conduct: Conduct = {},
): Promise<ParentCandidate | undefined> {
  return weighParent(mendedOf(image, policy), realOf(parent), policy, conduct);
}

/** The command that writes the parent's name anew, for consent. @throws DiskError `refused` with the reason */
export async function planRelocate(request: RelocateRequest, policy: GatePolicy): Promise<QemuCommand> {
  const plan = await makePlan(request, policy);
  plan.trial.close();
  return plan.command;
}

/**
 * Writes the parent's name anew, the old header kept beside the image until the chain is verified.
 * @throws DiskError `refused` with the reason, before anything is done; `io` or `corrupt` when it failed: then the old
 * header is beside the image unless nothing had changed
 */
export async function relocateParent(
  request: RelocateRequest,
  tool: QemuImg,
  policy: GatePolicy,
  conduct: Conduct = {},
): Promise<Relocated> {
  const plan = await makePlan(request, policy);
  try {
    await writeAnew(plan, tool, policy, conduct);
    const { mended, name, format } = plan;
    return { image: mended.path, before: mended.written, backing: name, backingFormat: format };
  } finally {
    plan.trial.close();
  }
}

/**
 * Puts back the header that was kept by a relocation that did not come to its end.
 * @returns the name of the parent as it is then written
 * @throws DiskError `not-found`, `refused` with the reason, `io`
 */
export async function putBackHeader(image: string): Promise<string | undefined> {
  const file = realOf(image);
  refuseForFirst(await mayChange(file));
  return restoreHeader(file);
}

/** All that is to be done, found to be possible. */
export interface RelocatePlan {
  readonly mended: Mended;
  readonly header: TakenHeader;
  /** The parent as the image is to write it, and where that is. */
  readonly name: string;
  readonly parent: string;
  readonly format: string;
  readonly command: QemuCommand;
  /** The chain as it is to be. */
  readonly trial: Session;
}

async function makePlan(request: RelocateRequest, policy: GatePolicy): Promise<RelocatePlan> {
  const mended = mendedOf(request.image, policy);
  mustNameAnew(mended);
  const parent = realOf(request.parent);
  refuseForFirst(await mayChange(mended.path));
  openFile(parent, policy).source.close();
  refuseForFirst(await beingWritten(parent));
  const format = request.parentFormat ?? mended.format ?? probedFormat(parent, policy);
  const name = nameFor(mended, parent, request.absolute ?? false);
  const header = takeHeader(mended.path, name, format);
  const trial = openTrial(mended, name, format, parent, policy);
  try {
    judgeTrial(trial, mended, parent);
  } catch (error) {
    trial.close();
    throw error;
  }
  const args = ['rebase', '-u', '-f', 'qcow2', '-F', format, '-b', name, mended.path];
  const what = `writes the name of its parent, ${name}, into the header of ${mended.path}`;
  return { mended, header, name, parent, format, command: { args, what }, trial };
}

/** @throws DiskError `refused` where no name leads to the parent, by whichever name the image is opened */
function nameFor({ path: image, named }: Mended, parent: string, absolute: boolean): string {
  const name = parentName(image, parent, absolute);
  if (leadsTo(parentReference(name, undefined), named, parent)) return name;
  throw new DiskError(
    'refused',
    `${named} is a link to ${image}, and ${name} leads to the parent from the folder of only one of them`,
    {},
    'Write its whole path instead.',
  );
}

/** Whoever stands on a disk that is written to reads a mixture of then and now. */
async function beingWritten(parent: string): Promise<readonly Finding[]> {
  const use = await useOf(parent, false);
  if (use.state !== 'written') return [];
  const by = use.by.length === 0 ? 'another process' : use.by.join(', ');
  return [
    refusal(
      'parent-in-use',
      `${parent} is open for writing by ${by}: nothing can stand on it meanwhile`,
      'Shut that VM down first, or choose another parent.',
    ),
  ];
}

function judgeTrial({ chain }: Session, mended: Mended, parent: string): void {
  const [top, below] = chain.layers;
  const { end } = chain;
  const at = { file: mended.path };
  if (end.kind === 'cycle' || below?.identity.id === mended.id) {
    throw new DiskError('refused', `${parent} stands on the image itself: this would be a loop`, at);
  }
  if (!top || !below) {
    const why = end.kind === 'base' ? '' : `: ${end.message}`;
    throw new DiskError('refused', `${parent} can't be its parent${why}`, at, 'Choose another file or format.');
  }
  if (end.kind === 'base') return;
  const last = chain.layers.at(-1)?.identity.path ?? parent;
  throw new DiskError(
    'refused',
    `the chain would still be broken: ${end.message}`,
    at,
    `Relocate the parent of ${last} first.`,
  );
}
