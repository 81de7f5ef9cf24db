import * as fs from 'node:fs';
import * as path from 'node:path';
import type { PreviewEnd } from '../../core';
import { DiskError, Session } from '../../core';
import type { GatePolicy } from '../../protocol/worker';
import { codecsReady } from '../codecs';
import { createEnvironment } from '../environment';
import { openFile } from '../files';
import type { Conduct } from './conduct';
import { digestOf } from './digests';
import { removeNote, writeNote } from './notes';
import type { PreviewEndRequest } from './previewPlan';
import { noteOf, planPreviewEnd } from './previewPlan';
import { refuseFor } from './refuse';

/**
 * Commits a preview (keeps it, drops what is newer) or undoes it (drops it). What was ended on the way is finished by
 * doing it again.
 * @throws DiskError `refused`; `corrupt` when the preview does not read as before
 */
export async function endPreview(
  request: PreviewEndRequest,
  policy: GatePolicy,
  conduct: Conduct = {},
): Promise<PreviewEnd> {
  const first = await planPreviewEnd(request, policy);
  refuseFor(first.refusals);
  const { overlay } = first.preview;
  if (request.how === 'undo') {
    removeAll(first);
    removeNote(overlay, 'preview');
    return first;
  }
  const before = await digestOfLeaf(overlay, policy, conduct);
  // That may have taken long.
  const plan = await planPreviewEnd(request, policy);
  refuseFor(plan.refusals);
  conduct.signal?.throwIfAborted();
  writeNote(overlay, { ...noteOf(overlay), drops: plan.removes.map(({ path: file }) => file) }, true);
  removeAll(plan);
  const after = await digestOfLeaf(overlay, policy, { ...conduct, signal: undefined });
  if (after !== before) throw new DiskError('corrupt', 'the preview does not read as it did', { file: overlay });
  removeNote(overlay, 'preview');
  return plan;
}

/** Newest first, so that whatever is left can be read at any moment. */
function removeAll({ removes }: PreviewEnd): void {
  for (const { path: file } of removes) {
    try {
      fs.unlinkSync(file);
    } catch (cause) {
      throw new DiskError('io', 'the file could not be removed', { file }, 'Do the same again.', { cause });
    }
  }
}

async function digestOfLeaf(file: string, policy: GatePolicy, conduct: Conduct): Promise<string> {
  await codecsReady();
  const session = new Session(createEnvironment(policy), openFile(file, policy));
  try {
    return await digestOf(session, `reading what ${path.basename(file)} holds`, conduct);
  } finally {
    session.close();
  }
}
