import * as fs from 'node:fs';
import * as path from 'node:path';
import type { ChainLayer, Created, Preview } from '../../core';
import { closeChain, openChain } from '../../core';
import type { GatePolicy } from '../../protocol/worker';
import { createEnvironment } from '../environment';
import { childrenOf, findFamily } from '../family';
import { openFile } from '../files';
import { createSnapshot } from './create';
import { notedImage, readNote, writeNote } from './notes';
import { refuse } from './refuse';
import { suggestOverlay } from './suggest';

export { endPreview } from './previewEnd';
export { planPreviewEnd } from './previewPlan';
export type { PreviewEndRequest } from './previewPlan';

export interface PreviewRequest {
  /** The newest layer, that undoing goes back to. */
  readonly leaf: string;
  /** The older layer that is to be looked at: one of the leaf's chain. */
  readonly of: string;
  /** The fresh overlay; a name beside the layer where it is left out. */
  readonly overlay?: string | undefined;
}

/** Puts a fresh overlay on an older layer, and notes what it is. @throws DiskError */
export async function startPreview(
  request: PreviewRequest,
  policy: GatePolicy,
): Promise<{ readonly preview: Preview; readonly created: Created }> {
  const { leaf, of } = layersOf(request, policy);
  const made = await createSnapshot(
    {
      base: of.identity.path,
      baseFormat: of.layer.format,
      overlay: request.overlay ?? suggestOverlay(of.identity.path, 'preview'),
    },
    policy,
  );
  // Something stands on it already, so nothing may write to it anyway.
  const known = ['base-shared', 'base-frozen'];
  const created = { ...made, findings: made.findings.filter(({ code }) => !known.includes(code)) };
  const preview = { overlay: created.overlay, of: of.identity.path, leaf: leaf.identity.path, made: Date.now() };
  try {
    // Only now: a note must never be about a file that was there before.
    writeNote(preview.overlay, { kind: 'preview', ...preview }, true);
  } catch (error) {
    fs.rmSync(preview.overlay);
    throw error;
  }
  return { preview, created };
}

/** @throws DiskError `refused` unless the one is a newest layer and the other one below it */
function layersOf(request: PreviewRequest, policy: GatePolicy): { readonly leaf: ChainLayer; readonly of: ChainLayer } {
  const wanted = openFile(request.of, policy);
  wanted.source.close();
  const chain = openChain(createEnvironment(policy), openFile(request.leaf, policy));
  closeChain(chain);
  const [leaf] = chain.layers;
  const of = chain.layers.find(({ identity }) => identity.id === wanted.identity.id);
  if (!leaf || !of) {
    return refuse(`${wanted.identity.path} is no layer of ${request.leaf}`, 'Choose one that it stands on.');
  }
  if (of === leaf) {
    return refuse(
      `${wanted.identity.path} is the newest layer: what it holds is the disk as it is now`,
      'Choose an older layer, or create a snapshot.',
    );
  }
  const family = findFamily(leaf.identity.path, policy);
  const [standing] = childrenOf(family, leaf.identity.id);
  if (standing) {
    return refuse(`${standing.path} stands on ${leaf.identity.path}, which is no newest layer`, 'Name the newest.');
  }
  return { leaf, of };
}

/** The previews that notes in a folder tell of and that are still there. */
export function previewsIn(folder: string): readonly Preview[] {
  return filesOf(folder).flatMap((name) => {
    const noted = notedImage(path.join(folder, name));
    if (noted?.kind !== 'preview') return [];
    const note = readNote(noted.image, 'preview');
    if (note?.kind !== 'preview' || path.resolve(note.overlay) !== noted.image || !fs.existsSync(noted.image))
      return [];
    const { overlay, of, leaf, made } = note;
    return [{ overlay, of, leaf, made }];
  });
}

function filesOf(folder: string): readonly string[] {
  try {
    return fs.readdirSync(folder);
  } catch {
    return [];
  }
}
