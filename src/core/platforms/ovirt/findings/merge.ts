import type { Diagnosis } from '../../../snapshots/model';
import type { ImageFolder, Volume } from '../domain';
import type { VolumeMeta } from '../meta';
import type { Evidence } from './words';
import { ASK_SUPPORT, backingName, childrenByMeta, diagnosis, metaOf } from './words';

/**
 * What an ILLEGAL volume tells of the merge that was interrupted. The engine marks a volume that is to be merged away,
 * lets the data be copied, moves what stands on it to its parent (in the header, then in the metadata) and removes it.
 */
export function mergeFinding(
  { folder, headers }: Evidence,
  { uuid, path }: Volume,
  { role, parent }: VolumeMeta,
): Diagnosis {
  const byMeta = childrenByMeta(folder, uuid).length > 0;
  const byHeader = [...folder.volumes.values()].some((other) => {
    const header = headers.get(other.path);
    return other.uuid !== uuid && header !== undefined && backingName(header) === uuid;
  });
  const told = (message: string, meaning: string, certainty: 'certain' | 'likely', advice: string): Diagnosis =>
    diagnosis('volume-illegal', 'error', path, `the volume is ILLEGAL: ${message}`, { meaning, certainty, advice });
  if (byMeta && byHeader) {
    return told(
      'it was to be merged into its parent, and the layer above still stands on it',
      'The merge did not happen, or was not complete: no data is lost as long as nothing is removed. The engine refuses to start the VM from it.',
      'likely',
      'Let the engine delete the same snapshot again: it begins the merge anew.',
    );
  }
  if (byMeta) {
    return told(
      `the layer above already stands on ${parent ?? 'nothing'}, yet its metadata still names this volume`,
      'The data was merged and the header rewritten; the metadata lags behind.',
      'likely',
      'Let the engine delete the same snapshot again: it brings the metadata up to date. Do not remove this volume by hand before.',
    );
  }
  if (byHeader) {
    return told(
      'the metadata of the layer above no longer names it, yet its header still stands on it',
      'Removing this volume would break the layer above, though the engine thinks it is free to go.',
      'likely',
      ASK_SUPPORT,
    );
  }
  if (role === 'LEAF') {
    return told(
      'it is the newest layer, marked before a merge of it was completed or before it was removed',
      'Either the VM had not been moved to the layer below yet, or only the removal of this volume is left. Which one, the engine’s log tells.',
      'likely',
      'Let the engine delete the snapshot again, with the VM in the state (up or down) that it was in. Keep the file until the VM runs from its parent.',
    );
  }
  return told(
    'nothing stands on it any more',
    'The merge is complete in all layers; only the removal of this volume is left. Its space is still taken.',
    'likely',
    'Let the engine delete the same snapshot again: it removes the volume.',
  );
}

/** Whether a header that does not stand on its metadata's parent has only been moved past it, by a merge that goes on. */
export function rebasedPast({ volumes }: ImageFolder, parent: string, backing: string): boolean {
  const merged = volumes.get(parent);
  const meta = merged && metaOf(merged);
  return meta?.legality === 'ILLEGAL' && meta.parent === backing;
}
