import type { Verb } from '../../verb';
import { snapshotCreate } from './create';
import { snapshotCommit, snapshotUndo } from './endPreview';
import { snapshotApply, snapshotCreateInternal } from './internal';
import { snapshotDelete } from './delete';
import { snapshotList } from './list';
import { snapshotPlan } from './plan';
import { snapshotPreview } from './preview';
import { snapshotRelocate } from './relocate';

/** Verbs about new layers, their end, previews and internal snapshots. */
export const SNAPSHOT_VERBS: readonly Verb[] = [
  snapshotCreate,
  snapshotList,
  snapshotPlan,
  snapshotDelete,
  snapshotPreview,
  snapshotCommit,
  snapshotUndo,
  snapshotCreateInternal,
  snapshotApply,
  snapshotRelocate,
];
