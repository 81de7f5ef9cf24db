import { listed } from '../listed';
import type { Finding } from '../model';
import type { Direction } from '../snapshots/model';
import { formatBytes } from '../units';
import type { MergeImage, Situation } from './situation';

/** Why a layer can't be deleted in each of the two ways; nothing where it can. Most important first. */
export type Objections = Readonly<Record<Direction, readonly Finding[]>>;

export function objections(situation: Situation): Objections {
  const formats = againstOtherFormats(situation);
  if (formats.length > 0) return { commit: formats, pull: formats };
  const always = againstBoth(situation);
  // What stood on it stands on its parent by now: only its file is left, for whoever goes on the same way.
  const done = onlyFileLeft(situation) ? situation.begun?.direction : undefined;
  return {
    commit: [...always, ...(done === 'commit' ? [] : againstCommit(situation))],
    pull: [...always, ...(done === 'pull' ? [] : againstPull(situation))],
  };
}

/** Of a run that was cut off: all that stood on the layer has its other parent. */
export const onlyFileLeft = ({ begun, children }: Situation): boolean =>
  begun !== undefined && children.length === 0 && begun.moved.length > 0;

/** Of a commit that was cut off: something has its other parent, so all was copied and seen to be so. */
export const isCopied = ({ begun }: Situation): boolean => begun?.direction === 'commit' && begun.moved.length > 0;

function againstBoth(situation: Situation): Finding[] {
  const { layer, below, end, children, locked } = situation;
  const found: Finding[] = againstMisread(situation);
  if (end.kind !== 'base') {
    found.push(
      refuse(
        'broken-below',
        `what ${layer.path} stands on can't be read: ${end.message}`,
        'Mend the chain first: vmdisk snapshot relocate, or vmdisk doctor.',
      ),
    );
  }
  if (below.length === 0 && end.kind === 'base' && children.length === 0 && !onlyFileLeft(situation)) {
    found.push(refuse('only-copy', `${layer.path} stands on nothing and nothing stands on it: it is the whole disk`));
  }
  for (const image of [...children, layer, ...below]) {
    if (!image.readable) {
      found.push(refuse('encrypted', `${image.path} is encrypted: whether it reads as before could not be verified`));
    }
    if (image.corrupt) {
      found.push(refuse('corrupt', `${image.path} is marked corrupt`, 'Mend it first: vmdisk check, then repair.'));
    }
  }
  if (layer.externalData) {
    found.push(refuse('data-file', `the data of ${layer.path} lies in another file, which this does not know to move`));
  }
  if (layer.snapshots.length > 0) {
    found.push(
      refuse(
        'internal-snapshots',
        `${layer.path} has internal snapshots (${listed(layer.snapshots)}), which would be lost with it`,
        'Delete these first, or copy what they hold: vmdisk convert --snapshot NAME.',
      ),
    );
  }
  found.push(...(locked.get(layer.path) ?? []));
  return found;
}

/** qemu-img merges overlays of qcow2. Whatever else is to be said of others, nothing of it would help. */
function againstOtherFormats({ layer, children }: Situation): Finding[] {
  const other = isOther(layer) ? layer : children.find(({ format }) => format !== 'qcow2');
  return other ? [otherFormat(other)] : [];
}

/** Other formats it reads at most, and some of those not as they are meant. */
function againstMisread({ layer, below }: Situation): Finding[] {
  const found: Finding[] = [];
  for (const image of [layer, ...below]) {
    if (image.misread === undefined) continue;
    found.push(refuse('misread', `qemu-img would have to read ${image.path}, and can't: ${image.misread}`));
  }
  return found;
}

/** Neither an overlay that is merged, nor a base that can be written to and is a file as it stands. */
const isOther = ({ format }: MergeImage): boolean => format !== 'qcow2' && format !== 'raw';

const otherFormat = ({ path, format }: MergeImage): Finding =>
  refuse(
    'other-format',
    `${path} is of the format ${format}: qemu-img merges qcow2 alone`,
    'The program that made it deletes its snapshots; vmdisk convert makes a copy of a disk as it is now.',
  );

function againstCommit(situation: Situation): Finding[] {
  const { layer, below, children, siblings, staleTail, locked, end } = situation;
  const [parent, grandparent] = below;
  if (!parent) {
    return end.kind === 'base'
      ? [refuse('no-parent', `${layer.path} stands on nothing that its data could go down into`)]
      : [];
  }
  const found: Finding[] = isOther(parent) ? [otherFormat(parent)] : [];
  if (siblings.length > 0) {
    found.push(
      refuse(
        'siblings',
        `${namesOf(siblings)} ${siblings.length === 1 ? 'stands' : 'stand'} on ${parent.path} too, and would read otherwise once that is written to`,
        children.length > 0
          ? 'Let what stands on the layer take its data: --direction pull.'
          : 'Delete those first, or keep this layer.',
      ),
    );
  }
  const tooLong = children.filter((child) => child.guestSize > layer.guestSize);
  if (parent.guestSize > layer.guestSize && (children.length === 0 || tooLong.length > 0)) {
    const sizes = `the disk of ${parent.path} is larger (${formatBytes(parent.guestSize)}) than that of ${layer.path} (${formatBytes(layer.guestSize)})`;
    found.push(
      refuse(
        'parent-larger',
        children.length === 0
          ? `${sizes}: in its stead it would be a disk of another size`
          : `${sizes}: ${namesOf(tooLong)} would read what lies past its end`,
      ),
    );
  }
  const fixed = parent.guestSize < layer.guestSize ? whyFixed(parent, grandparent) : undefined;
  if (fixed !== undefined) {
    found.push(
      refuse('cannot-grow', `${parent.path} would have to become as large as ${layer.path}, which can't be: ${fixed}`),
    );
  }
  if (fixed === undefined && staleTail) {
    found.push(
      refuse(
        'stale-tail',
        `${parent.path} was made smaller once and would have to become as large as ${layer.path}: QEMU would then show what is left past its end`,
      ),
    );
  }
  if (parent.externalData) {
    found.push(
      refuse('data-file', `the data of ${parent.path} lies in another file, which this does not know to fill`),
    );
  }
  found.push(...formatsTold([layer, ...below]));
  found.push(...(locked.get(parent.path) ?? []), ...children.flatMap((child) => locked.get(child.path) ?? []));
  return found;
}

/** Why QEMU does not make a disk larger (block/qcow2.c, qcow2_co_truncate). */
function whyFixed(image: MergeImage, below: MergeImage | undefined): string | undefined {
  if (image.openBitmap) return 'it has a bitmap that was not closed in order';
  if (image.old && image.snapshots.length > 0) return 'it is of version 2 and has internal snapshots';
  if (image.old && (below?.guestSize ?? 0) > image.guestSize) return 'it is of version 2 and stands on a larger disk';
  return undefined;
}

function againstPull({ layer, below, children, locked }: Situation): Finding[] {
  const found: Finding[] = [];
  if (children.length === 0) {
    found.push(refuse('no-children', `nothing stands on ${layer.path} that its data could go up into`));
  }
  for (const child of children) {
    if (child.externalData) {
      found.push(
        refuse('data-file', `the data of ${child.path} lies in another file, which this does not know to fill`),
      );
    }
    if (child.snapshots.length > 0) {
      // qemu-img rebase copies for the current state alone; what these do not hold themselves they read of the parent.
      found.push(
        refuse(
          'child-snapshots',
          `the internal snapshots of ${child.path} (${listed(child.snapshots)}) read through ${layer.path}, and would read otherwise`,
          'Delete these first, or let the data go down: --direction commit.',
        ),
      );
    }
    found.push(...(locked.get(child.path) ?? []));
  }
  if (children.length > 0) found.push(...formatsTold([...children, layer, ...below]));
  return found;
}

/** Where an image does not say what its parent is, qemu-img looks at the content, which a guest may have written. */
function formatsTold(images: readonly MergeImage[]): Finding[] {
  const found: Finding[] = [];
  for (const image of images) {
    if (image.backing === undefined) continue;
    if (image.oddBacking) {
      found.push(
        refuse(
          'odd-parent-name',
          `${image.path} names its parent in a way that can't be passed on: ${image.backing}`,
          'Name it by its path first: vmdisk snapshot relocate.',
        ),
      );
    } else if (image.backingFormat === undefined) {
      found.push(
        refuse(
          'format-not-recorded',
          `${image.path} does not say of which format its parent is: qemu-img would go by the content, which a guest can make look like any other`,
          'Record it first: qemu-img rebase -u -F FORMAT -b PARENT IMAGE.',
        ),
      );
    }
  }
  return found;
}

export function refuse(code: string, message: string, advice?: string): Finding {
  return { code, severity: 'error', message, advice };
}

export const namesOf = (images: readonly { readonly path: string }[]): string => listed(images.map(({ path }) => path));
