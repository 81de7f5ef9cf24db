import * as path from 'node:path';
import type { Chain, Finding, InternalRequest, Layer, QemuCommand, View } from '../../core';
import { closeChain, openChain } from '../../core';
import type { GatePolicy } from '../../protocol/worker';
import { createEnvironment } from '../environment';
import { childrenOf, findFamily, memberAt } from '../family';
import { openFile } from '../files';
import { freeSpace, mayChange, noRoom, refusal, unseen } from './guard';
import { refuse, refuseFor } from './refuse';

/** What is to be done, and the states that have to read the same afterwards. */
export interface InternalPlan {
  /** Absolute. */
  readonly image: string;
  readonly command: QemuCommand;
  /** Ids of the states that are read before. */
  readonly before: readonly string[];
  /** Ids of all states that there are before. */
  readonly known: ReadonlySet<string>;
}

/** As much of a name as QEMU keeps: `QEMUSnapshotInfo.name` holds 256 bytes with its NUL. */
const LONGEST_NAME = 255;
/** More are not listed, and what is not listed can't be verified. */
const MOST_SNAPSHOTS = 1000;
const CURRENT = '';

/** @throws DiskError `refused` with the reason */
export async function planOf(request: InternalRequest, policy: GatePolicy): Promise<InternalPlan> {
  const opened = openFile(path.resolve(request.image), policy);
  const chain = openChain(createEnvironment(policy), opened);
  closeChain(chain);
  const image = opened.identity.path;
  const layer = assertFit(chain, image);
  refuseFor(await mayChange(image));
  const views = layer.views.slice(1);
  const { name, action } = request;
  const known = new Set(layer.views.map(({ id }) => id));
  const file = path.basename(image);
  if (action === 'create') {
    assertNewName(name, views);
    assertRoom(image, layer);
    const what = `keeps the current state of ${file} as the internal snapshot "${name}"`;
    return { image, known, before: [CURRENT], command: { args: ['snapshot', '-c', name, image], what } };
  }
  const view = viewOf(name, views, image);
  if (action === 'delete') {
    if (views.filter((other) => other.name === view.name).length > 1) {
      refuse(`several internal snapshots of ${image} are called "${view.name}": qemu-img deletes by name alone`);
    }
    const what = `deletes the internal snapshot "${view.name}" from ${file}`;
    const before = layer.views.filter(({ id }) => id !== view.id).map(({ id }) => id);
    return { image, known, before, command: { args: ['snapshot', '-d', view.name, image], what } };
  }
  refuseFor(standing(image, policy));
  const memory =
    (view.snapshot?.vmStateSize ?? 0) > 0 ? '; the memory of the VM that was saved with it stays saved' : '';
  const what = `puts the disk of ${file} back to the internal snapshot "${view.name}": what was written since is lost${memory}`;
  return { image, known, before: [view.id], command: { args: ['snapshot', '-a', view.id, image], what } };
}

/** @throws DiskError `refused` for what has no internal snapshots, or must be mended first */
function assertFit({ layers: [top], end }: Chain, image: string): Layer {
  if (!top) throw new Error('a chain has a layer');
  const { layer } = top;
  const data = layer.info['format-specific']?.data;
  if (layer.format !== 'qcow2') refuse(`${image} is ${layer.format}: only qcow2 images have internal snapshots`);
  if (data?.['data-file'] !== undefined) {
    refuse(`${image} keeps its data in another file: such an image has no internal snapshots`);
  }
  if (!layer.readable) {
    refuse(`${image} is encrypted: what its snapshots hold could not be verified`, 'Use qemu-img itself.');
  }
  if (layer.info['dirty-flag'] || data?.['corrupt'] === true) {
    refuse(
      `${image} is marked as ${data?.['corrupt'] === true ? 'corrupt' : 'dirty: it was not closed properly'}`,
      'Check and repair it first.',
    );
  }
  if (end.kind !== 'base') {
    refuse(`the chain below ${image} is broken: ${end.message}`, 'Mend it first: vmdisk doctor tells how.');
  }
  const unread = layer.findings.find(({ code }) => code === 'snapshots-cut' || code === 'snapshot-table');
  if (unread) refuse(`${image}: ${unread.message}`);
  return layer;
}

/** @throws DiskError `refused` for a name that QEMU would cut, or could take for another snapshot */
function assertNewName(name: string, views: readonly View[]): void {
  if (name.trim() === '') refuse('an internal snapshot needs a name');
  if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(name) || Buffer.from(name).toString() !== name) {
    refuse('the name of an internal snapshot can only be plain text on one line');
  }
  const length = Buffer.byteLength(name);
  if (length > LONGEST_NAME)
    refuse(`the name has ${length} bytes: QEMU keeps ${LONGEST_NAME}`, 'Choose a shorter one.');
  if (/^\d+$/.test(name)) {
    refuse(`"${name}" could be taken for the number of a snapshot`, 'Choose a name that is not all digits.');
  }
  if (views.some((view) => view.name === name || view.snapshot?.id === name)) {
    refuse(`there is an internal snapshot "${name}" already`, 'Choose another name.');
  }
  if (views.length >= MOST_SNAPSHOTS)
    refuse(`there are ${views.length} internal snapshots already`, 'Delete some first.');
}

/** The one that a name or an id means: QEMU looks for an id first, people mean names. @throws DiskError `refused` */
function viewOf(name: string, views: readonly View[], image: string): View {
  const meant = views.filter((view) => view.id === name || view.name === name);
  const [view] = meant;
  if (!view) {
    const names = views.map((each) => each.name).join(', ');
    return refuse(
      `${image} has no internal snapshot "${name}"`,
      names === '' ? 'It has none at all.' : `It has: ${names}.`,
    );
  }
  if (meant.length > 1) {
    refuse(
      `"${name}" can mean ${meant.map((each) => `${each.id} ("${each.name}")`).join(' or ')}`,
      'Give what only one of them has.',
    );
  }
  // Ids that an image gives twice, or not at all, are told apart here and nowhere else.
  if (view.snapshot?.id !== view.id) refuse(`the internal snapshot "${view.name}" has no id of its own`);
  return view;
}

/** A state that others read must not change under them. */
function standing(image: string, policy: GatePolicy): readonly Finding[] {
  const family = findFamily(image, policy);
  const member = memberAt(family, image);
  const children = member ? childrenOf(family, member.id) : [];
  const [dark] = unseen(family);
  if (dark) return [dark];
  return children
    .slice(0, 1)
    .map(({ path: child }) => refusal('stood-on', `${child} stands on ${image}, and would read otherwise`));
}

/** A copy of the L1 table, the table of snapshots, and counts for these. */
function assertRoom(image: string, { guestSize, grain }: Layer): void {
  const l1Bytes = Math.ceil(guestSize / ((grain / 8) * grain)) * 8;
  const needed = Math.ceil(l1Bytes / grain + 4) * grain;
  const folder = path.dirname(image);
  const free = freeSpace(folder);
  if (free !== undefined && free < needed) refuseFor([noRoom(folder, needed, free)]);
}
