import type { Verb } from '../../verb';
import { snapshotCreate } from './create';
import { snapshotCommit, snapshotUndo } from './endPreview';
import { snapshotApply, snapshotCreateInternal } from './internal';
import { snapshotList } from './list';
import { snapshotPreview } from './preview';

/** Verbs about new layers, previews and internal snapshots. */
export const SNAPSHOT_VERBS: readonly Verb[] = [
  snapshotCreate,
  snapshotList,
  snapshotPreview,
  snapshotCommit,
  snapshotUndo,
  snapshotCreateInternal,
  snapshotApply,
];
