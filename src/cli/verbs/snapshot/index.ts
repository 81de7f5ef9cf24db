import type { Verb } from '../../verb';
import { snapshotCreate } from './create';

/** Verbs about new layers, previews and internal snapshots. */
export const SNAPSHOT_VERBS: readonly Verb[] = [snapshotCreate];
