import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Chain, Created, CreateRequest, Environment, Finding, OpenedSource, OverlayShape } from '../../core';
import {
  closeChain,
  DiskError,
  DRIVERS,
  driverNamed,
  listed,
  layOutOverlay,
  MAX_DEPTH,
  misread,
  namesOtherFormat,
  openChain,
  probeInput,
  smallestCluster,
  sniff,
  useOverlay,
  writeOverlay,
} from '../../core';
import type { GatePolicy } from '../../protocol/worker';
import { codecs } from '../codecs';
import { createEnvironment } from '../environment';
import { childrenOf, findFamily } from '../family';
import { openDiskFile } from '../diskFile';
import { openFile } from '../files';
import { useOf } from '../inUse';
import { NewFile } from '../newFile';
import { isOurName } from '../ourFiles';
import { freeSpace, lateChanges, mayLieIn, noRoom, useFinding } from './guard';
import { leadsTo, parentName } from './parentName';
import { refuse, refuseFor } from './refuse';

export { suggestOverlay } from './suggest';

const DEFAULT_CLUSTER = 64 * 1024;
/** libvirt opens no deeper chain. */
const DEEP = 200;

/** What is known of the base, once it and all below it was read. */
interface Base {
  readonly path: string;
  readonly id: string;
  readonly format: string;
  readonly guestSize: number;
  /** Of a qcow2. */
  readonly clusterSize: number | undefined;
  readonly isDevice: boolean;
  readonly findings: readonly Finding[];
}

/**
 * Makes an overlay on an image: a qcow2 of metadata only, complete before it gets its name. The base is only read.
 * @throws DiskError `refused` with the reason, `limit`, `io`; of a base that can't be read, why
 */
export async function createSnapshot(request: CreateRequest, policy: GatePolicy): Promise<Created> {
  const overlay = path.resolve(request.overlay);
  assertPlace(overlay);
  const base = await readBase(request, policy);
  if (base.isDevice && request.absolute !== true) {
    refuse(`${base.path} is a device, which is named by its whole path alone`, 'Ask for the absolute name.');
  }
  const shape = shapeFor(base, request);
  assertRoom(path.dirname(overlay), layOutOverlay(base.guestSize, shape).fileSize);
  const name = parentName(overlay, base.path, request.absolute === true);
  const backing = { name, format: base.format };
  const findings = [frozen(base, overlay), ...others(overlay, base, policy), ...base.findings];
  const fileSize = make(overlay, base, (file) => {
    writeOverlay(file, { guestSize: base.guestSize, shape, backing });
    verify(file.temporary, overlay, base, policy);
  });
  return {
    overlay,
    base: base.path,
    backing: backing.name,
    backingFormat: backing.format,
    guestSize: base.guestSize,
    fileSize,
    shape,
    findings,
  };
}

/** @throws DiskError why no overlay can stand on an image, before anything is said of that */
export async function assertBase(base: string, policy: GatePolicy): Promise<void> {
  await readBase({ base }, policy);
}

/** @throws DiskError `refused` where no file may be made, or there is one already */
function assertPlace(overlay: string): void {
  const folder = fs.statSync(path.dirname(overlay), { throwIfNoEntry: false });
  if (!folder?.isDirectory()) refuse(`there is no folder ${path.dirname(overlay)}`, 'Make it first.');
  if (isTaken(overlay)) refuse(`${overlay}: there is a file of this name already`, 'Choose another name.');
  if (namesOtherFormat(overlay)) {
    refuse(`${overlay}: what is written is a qcow2, and its name would say that it is not`, 'Let it end in .qcow2.');
  }
  if (isOurName(overlay)) {
    refuse(`${overlay}: names like this are for what is kept beside images while these change`, 'Choose another name.');
  }
  refuseFor(mayLieIn(overlay));
}

function isTaken(file: string): boolean {
  try {
    return fs.lstatSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENAMETOOLONG') throw cause;
    return refuse(`${file}: its name is too long`, 'Choose a shorter one.');
  }
}

function assertRoom(folder: string, needed: number): void {
  const free = freeSpace(folder);
  if (free !== undefined && free < needed) refuseFor([noRoom(folder, needed, free)]);
}

async function readBase(
  { base, baseFormat }: Pick<CreateRequest, 'base' | 'baseFormat'>,
  policy: GatePolicy,
): Promise<Base> {
  const opened = openDiskFile(base, policy);
  let format: string;
  let probed: Finding | undefined;
  try {
    if (baseFormat === undefined) ({ format, finding: probed } = formatOf(opened));
    else format = known(baseFormat);
  } catch (error) {
    opened.source.close();
    throw error instanceof DiskError ? error.in(opened.identity) : error;
  }
  const chain = openChain(createEnvironment(policy), opened, { format });
  try {
    const [top] = chain.layers;
    if (!top) throw new Error('a chain has a layer');
    assertRead(chain);
    const late = await assertStill(chain);
    assertWhole(chain, opened.identity.path);
    const { layer, identity } = top;
    return {
      path: identity.path,
      id: identity.id,
      format: layer.format,
      guestSize: layer.guestSize,
      clusterSize: layer.format === 'qcow2' ? layer.info['cluster-size'] : undefined,
      isDevice: fs.statSync(identity.path).isBlockDevice(),
      findings: [...(probed ? [probed] : []), ...late, ...about(chain)],
    };
  } finally {
    closeChain(chain);
  }
}

/** By the bytes, where these say that it is a disk at all. @throws DiskError */
function formatOf({ source, identity }: OpenedSource): {
  readonly format: string;
  readonly finding: Finding | undefined;
} {
  const sniffed = sniff(probeInput(source), path.basename(identity.path));
  if (sniffed.kind === 'image') return { format: sniffed.format, finding: undefined };
  if (sniffed.kind === 'foreign-image') {
    throw new DiskError(
      'unsupported',
      `this is ${sniffed.found}, a format that is not read here`,
      {},
      'Convert it: qemu-img convert -O qcow2.',
    );
  }
  // All that a disk begins with may be zeros, or unknown here; what is known to be something else is a mistake.
  if (sniffed.text || sniffed.found !== UNKNOWN_DATA) {
    throw new DiskError('refused', `this is ${sniffed.found}, not a disk image`, {}, 'Say that it is raw if it is.');
  }
  return {
    format: 'raw',
    finding: {
      code: 'base-probed',
      severity: 'warning',
      message: `${identity.path} was taken as a raw disk: nothing in it tells what it is`,
      advice: 'Give its format if it is another one.',
    },
  };
}

/** `sniff`'s words for what has no signature. */
const UNKNOWN_DATA = 'data of no kind known here';

function known(format: string): string {
  const driver = driverNamed(format);
  if (driver) return driver.id;
  const names = DRIVERS.map(({ id }) => id);
  throw new DiskError('unsupported', `the format "${format}" is not read here`, {}, `${listed(names)} are.`);
}

/** @throws DiskError `refused` while somebody may write to the base, or to what it stands on */
async function assertStill({ layers }: Chain): Promise<readonly Finding[]> {
  const late: Finding[] = [];
  for (const { depth, identity } of layers) {
    const use = await useOf(identity.path, depth === 0);
    const finding = use.state === 'written' ? useFinding(identity.path, use) : undefined;
    if (finding) {
      refuseFor([{ ...finding, advice: 'Shut the VM down first; of a running VM its manager makes the snapshot.' }]);
    }
    if (depth === 0) late.push(...lateChanges([[identity.path, use]]));
  }
  return late;
}

/** @throws DiskError `refused` where QEMU would not read what we do of the base, or of what it stands on */
function assertRead({ layers }: Chain): void {
  for (const each of layers) {
    const problem = misread(each);
    if (problem) refuse(`no overlay can stand on ${each.identity.path}: ${problem.why}`, problem.advice);
    const changed = each.findings.find(({ code, severity }) => code === 'parent-changed' && severity === 'error');
    if (changed) refuse(`no overlay can stand on ${each.identity.path}: ${changed.message}`, changed.advice);
  }
}

/** @throws DiskError `refused` where not all that the base stands on can be read */
function assertWhole({ layers, end }: Chain, base: string): void {
  if (end.kind !== 'base') {
    refuse(`the chain below ${base} is broken: ${end.message}`, 'Mend it first: vmdisk doctor tells how.');
  }
  const unread = layers.find(({ layer }) => !layer.readable && layer.info.encrypted !== true);
  if (unread) {
    refuse(`what ${unread.identity.path} holds can't be read: a file of it is not there, or may not be opened`);
  }
  if (layers.length >= MAX_DEPTH) {
    refuse(`${base} stands on ${layers.length - 1} layers: one more is not followed any more`, 'Delete some first.');
  }
}

/** What of a base is worth knowing before something stands on it. */
function about({ layers }: Chain): readonly Finding[] {
  const findings: Finding[] = [];
  const warn = (code: string, message: string, advice?: string): void => {
    findings.push({ code, severity: 'warning', message, advice });
  };
  if (layers.length >= DEEP) warn('deep-chain', `the chain has ${layers.length + 1} layers: libvirt opens at most 200`);
  for (const { identity, layer, findings: links } of layers) {
    const name = identity.path;
    if (layer.info.encrypted === true) {
      warn(
        'base-encrypted',
        `${name} is encrypted, and the overlay is not: what is written from now on can be read without its key`,
        'QEMU asks for the key of the base when it opens the overlay.',
      );
    }
    if (layer.info['dirty-flag']) {
      warn('base-dirty', `${name} was not closed properly`, 'Check it first: vmdisk check.');
    }
    for (const finding of [...links, ...layer.findings]) {
      if (finding.severity === 'error') findings.push({ ...finding, message: `${name}: ${finding.message}` });
    }
  }
  return findings;
}

/** What is asked for; where nothing is, the base's clusters, or larger ones where the disk needs them. */
function shapeFor({ guestSize, clusterSize }: Base, request: CreateRequest): OverlayShape {
  const extendedL2 = request.extendedL2 ?? false;
  return {
    clusterSize:
      request.clusterSize ?? Math.max(clusterSize ?? DEFAULT_CLUSTER, smallestCluster(guestSize, extendedL2)),
    extendedL2,
    compat: request.compat ?? '1.1',
  };
}

/** Makes the file, or nothing. @returns its size */
function make(overlay: string, base: Base, write: (file: NewFile) => void): number {
  const file = new NewFile(overlay, { replace: false });
  try {
    write(file);
    return file.commit().size;
  } catch (error) {
    file.abandon();
    if (error instanceof DiskError && error.code === 'limit') throw error.in({ id: base.id, path: overlay });
    throw error;
  }
}

/** Reads the overlay as any image: it must be of the base's size, and lead to the base. */
function verify(written: string, overlay: string, base: Base, policy: GatePolicy): void {
  const chain = openChain(ALONE, openFile(written, policy), { format: 'qcow2' });
  try {
    const layer = chain.layers[0]?.layer;
    const { parent } = layer ?? {};
    const fine =
      parent?.format === base.format && layer?.guestSize === base.guestSize && leadsTo(parent, overlay, base.path);
    if (!fine) throw new DiskError('corrupt', 'what was written does not lead to its base: it was not kept');
  } finally {
    closeChain(chain);
  }
}

/** For an image by itself: no name in it opens anything. */
const ALONE: Environment = {
  gate: {
    open: ({ written }) => ({ ok: false, refusal: { reason: 'outside', name: written, message: 'not looked at' } }),
  },
  codecs,
};

const frozen = ({ path: base, format }: Base, overlay: string): Finding => ({
  code: 'base-frozen',
  severity: 'info',
  message: `from now on nothing may write to ${base}, or the overlay reads wrong`,
  advice: `${useOverlay(overlay, format)} instead.`,
});

/** Images that stand on the base already. */
function others(overlay: string, base: Base, policy: GatePolicy): readonly Finding[] {
  const family = findFamily(base.path, policy, [path.dirname(overlay)]);
  const standing = childrenOf(family, base.id);
  if (standing.length === 0) return [];
  const names = standing.map(({ fileName }) => fileName);
  return [
    {
      code: 'base-shared',
      severity: 'warning',
      message: `${listed(names)} ${names.length === 1 ? 'stands' : 'stand'} on ${base.path} already: the overlay begins a branch of its own`,
      advice: `It has what the disk was when ${base.path} was last written to, not what is in the newer ${names.length === 1 ? 'layer' : 'layers'}.`,
    },
  ];
}
