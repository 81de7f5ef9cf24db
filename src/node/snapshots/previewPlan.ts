import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Finding, Preview, PreviewEnd } from '../../core';
import { closeChain, DiskError, openChain } from '../../core';
import type { SurveyedImage } from '../../protocol/image';
import type { GatePolicy } from '../../protocol/worker';
import { createEnvironment } from '../environment';
import type { Family } from '../family';
import { chainOf, childrenOf, findFamily, memberAt } from '../family';
import { openFile } from '../files';
import { isNoLink, mayChange, refusal, unseen } from './guard';
import type { Note } from './notes';
import { notedImage, readNote } from './notes';
import { refuse } from './refuse';

export interface PreviewEndRequest {
  /** The preview's overlay. */
  readonly overlay: string;
  readonly how: 'commit' | 'undo';
}

type PreviewNote = Extract<Note, { readonly kind: 'preview' }>;
type Part = Pick<PreviewEnd, 'removes' | 'refusals' | 'cautions'>;

/** What ending a preview would remove. Writes nothing. @throws DiskError where the overlay is no preview */
export async function planPreviewEnd({ overlay, how }: PreviewEndRequest, policy: GatePolicy): Promise<PreviewEnd> {
  const note = noteOf(path.resolve(overlay));
  const { of, leaf, made } = note;
  const preview: Preview = { overlay: note.overlay, of, leaf, made };
  const family = findFamily(note.overlay, policy, foldersOf(note, policy));
  const keeps = how === 'commit' ? note.overlay : leaf;
  const part = how === 'commit' ? await planCommit(note, family) : await planUndo(note, family);
  return { preview, how, keeps, ...part };
}

/** @throws DiskError `refused` where no note that is about this file says that it is a preview */
export function noteOf(overlay: string): PreviewNote {
  const note = readNote(overlay, 'preview');
  if (note?.kind !== 'preview')
    return refuse(
      `${overlay} is no preview: no note beside it says so`,
      'Name the overlay of a preview: vmdisk snapshot list shows which there are.',
    );
  if (path.resolve(note.overlay) !== overlay) {
    return refuse(
      `the note beside ${overlay} is about ${note.overlay}`,
      'The preview was moved: remove it by hand, or move it back.',
    );
  }
  return note;
}

/** Where the layers lie that the preview is about; those between the leaf and the chosen one may lie in any folder. */
function foldersOf({ leaf, of, drops = [] }: PreviewNote, policy: GatePolicy): readonly string[] {
  return [...new Set([leaf, of, ...drops, ...layersBelow(leaf, policy)].map((file) => path.dirname(file)))];
}

/** Nothing where the leaf can't be opened: a commit that was begun has removed it first. */
function layersBelow(leaf: string, policy: GatePolicy): readonly string[] {
  try {
    const chain = openChain(createEnvironment(policy), openFile(leaf, policy));
    closeChain(chain);
    return chain.layers.map(({ identity }) => identity.path);
  } catch (error) {
    if (error instanceof DiskError) return [];
    throw error;
  }
}

/** Only the overlay goes. */
async function planUndo({ overlay, of, leaf, drops }: PreviewNote, family: Family): Promise<Part> {
  const refusals: Finding[] = [];
  if (drops !== undefined) {
    refusals.push(
      refusal('commit-begun', `the preview ${overlay} was being committed: newer layers may be gone`, 'Commit it.'),
    );
  } else if (!fs.existsSync(leaf)) {
    refusals.push(
      refusal('leaf-missing', `${leaf} is not there, which undoing goes back to`, 'Put it back where it was.'),
    );
  }
  // Where it is gone already, only the note is left to remove.
  if (!fs.existsSync(overlay)) return { removes: [], refusals, cautions: [] };
  const image = memberAt(family, overlay);
  if (!image || !standsOn(image, of)) {
    refusals.push(refusal('not-the-preview', `${overlay} does not stand on ${of}: it is no preview of that`));
    return { removes: [], refusals, cautions: [] };
  }
  refusals.push(
    ...(await mayChange(overlay)),
    ...standing(family, image, []),
    ...unseen(family),
    ...isNoLink(image.path),
  );
  const lost: Finding = {
    code: 'preview-lost',
    severity: 'warning',
    message: `what was written while ${overlay} was used is lost`,
  };
  return { removes: [gone(image)], refusals, cautions: [lost] };
}

/** What is newer than the chosen layer goes, from the old leaf down, as far as nothing else needs it. */
async function planCommit(note: PreviewNote, family: Family): Promise<Part> {
  const { overlay, of, leaf } = note;
  const image = memberAt(family, overlay);
  const chosen = memberAt(family, of);
  const nothing = (...reasons: readonly Finding[]): Part => ({ removes: [], refusals: reasons, cautions: [] });
  if (!image || !chosen || !standsOn(image, of)) {
    return nothing(refusal('not-the-preview', `${overlay} does not stand on ${of}: it is no preview of that`));
  }
  const newer = note.drops ? leftOf(note.drops, family, of) : between(family, leaf, of);
  if (!newer) {
    return nothing(refusal('not-of-the-leaf', `${leaf} does not stand on ${of} any more`, 'Undo the preview instead.'));
  }
  if (newer.some(({ id }) => id === image.id)) {
    return nothing(refusal('leaf-on-preview', `${leaf} stands on the preview ${overlay} itself: nothing is newer`));
  }
  const { drops, cautions } = droppable(newer, family);
  const refusals: Finding[] = [
    ...unseen(family),
    ...drops.flatMap((drop) => isNoLink(drop.path)),
    ...otherPreviews(note, drops, family),
  ];
  // The overlay is only read, but by whom it is written to meanwhile it could not be verified.
  for (const each of [image, ...drops]) refusals.push(...(await mayChange(each.path)));
  return { removes: drops.map(gone), refusals, cautions: [...cautions, ...losses(drops, of, family)] };
}

/** Newest first; undefined where `leaf` does not stand on `of`. */
function between(family: Family, leaf: string, of: string): readonly SurveyedImage[] | undefined {
  const newest = memberAt(family, leaf);
  const chain = newest ? chainOf(family, newest.id) : [];
  const chosen = memberAt(family, of);
  const at = chain.findIndex(({ id }) => id === chosen?.id);
  return at < 0 ? undefined : chain.slice(0, at);
}

/** What a commit that was ended has not dropped yet; undefined where some of it does not stand on `of`. */
function leftOf(drops: readonly string[], family: Family, of: string): readonly SurveyedImage[] | undefined {
  const left: SurveyedImage[] = [];
  for (const file of drops) {
    if (!fs.existsSync(file)) continue;
    const [image] = between(family, file, of) ?? [];
    if (!image) return undefined;
    left.push(image);
  }
  return left;
}

/** A layer that something else stands on stays, and with it all that is below. */
function droppable(
  newer: readonly SurveyedImage[],
  family: Family,
): { readonly drops: readonly SurveyedImage[]; readonly cautions: readonly Finding[] } {
  const drops: SurveyedImage[] = [];
  for (const image of newer) {
    const [needs] = standing(family, image, drops);
    if (needs) {
      const kept = newer.slice(drops.length).map(({ fileName }) => fileName);
      const message = `${needs.message}: ${kept.join(', ')} ${kept.length === 1 ? 'is' : 'are'} kept`;
      return { drops, cautions: [{ code: 'kept', severity: 'warning', message }] };
    }
    drops.push(image);
  }
  return { drops, cautions: [] };
}

function standing(family: Family, image: SurveyedImage, but: readonly SurveyedImage[]): readonly Finding[] {
  const children = childrenOf(family, image.id).filter((child) => !but.includes(child));
  return children.slice(0, 1).map((child) => {
    return refusal('stood-on', `${child.path} stands on ${image.path}`);
  });
}

function standsOn({ parent }: SurveyedImage, of: string): boolean {
  if (parent === undefined) return false;
  if (parent.kind !== 'found') return parent.name === of;
  const stat = fs.statSync(of, { bigint: true, throwIfNoEntry: false });
  return stat !== undefined && `${stat.dev}:${stat.ino}` === parent.id;
}

/** What other previews go back to stays. */
function otherPreviews(note: PreviewNote, drops: readonly SurveyedImage[], { folders }: Family): readonly Finding[] {
  const found: Finding[] = [];
  for (const folder of folders) {
    for (const name of fs.readdirSync(folder)) {
      const noted = notedImage(path.join(folder, name));
      if (noted?.kind !== 'preview' || noted.image === note.overlay || !fs.existsSync(noted.image)) continue;
      const other = readNote(noted.image, 'preview');
      if (other?.kind !== 'preview') continue;
      const back = drops.find(({ path: file }) => path.resolve(other.leaf) === file);
      if (back) {
        found.push(
          refusal('other-preview', `the preview ${noted.image} goes back to ${back.path}`, 'Undo or commit it first.'),
        );
      }
    }
  }
  return found;
}

function losses(drops: readonly SurveyedImage[], of: string, { folders }: Family): readonly Finding[] {
  if (drops.length === 0) return [];
  const internal = drops.flatMap(({ fileName, views }) => views.slice(1).map(({ name }) => `${name} (in ${fileName})`));
  const companions = drops.flatMap(({ companions: files = [] }) => files);
  return [
    {
      code: 'newer-lost',
      severity: 'warning',
      message: `what was written after ${of} is lost, but for what the preview has written`,
    },
    ...(internal.length === 0
      ? []
      : [
          {
            code: 'internal-snapshots-lost',
            severity: 'warning' as const,
            message: `so are ${internal.length} internal snapshots: ${internal.slice(0, 5).join(', ')}`,
          },
        ]),
    {
      code: 'looked-in',
      severity: 'info',
      message: `images that stand on what goes were looked for in ${folders.join(', ')}`,
      advice: 'One that lies elsewhere would lose its parent.',
    },
    ...companions.map((file): Finding => ({
      code: 'data-file-left',
      severity: 'info',
      message: `${file}, which holds data of a layer that goes, is left`,
    })),
  ];
}

const gone = ({ path: file, fileSize }: SurveyedImage): PreviewEnd['removes'][number] => ({ path: file, fileSize });
