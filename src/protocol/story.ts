import type { LayerStory } from '../core/snapshots/model';
import type { LayerSummary } from './image';

export type SnapshotStory = NonNullable<LayerStory['snapshots']>[string];

/**
 * What the platform calls an internal snapshot, which it may have given another name in the image.
 * @param tag its name in the image: whoever wrote that may have meant something every object has
 */
export function snapshotStory({ story }: Pick<LayerSummary, 'story'>, tag: string): SnapshotStory | undefined {
  const all = story?.snapshots;
  return all && Object.hasOwn(all, tag) ? all[tag] : undefined;
}
/** The disk that a layer is of, as a person knows it: `web_Disk1`, `web01 vda`, or the VM alone where it has one disk. */
export function diskName(story: LayerStory | undefined): string | undefined {
  const { disk, vm } = story ?? {};
  if (disk === undefined || vm === undefined) return disk ?? vm;
  return disk.includes(vm) ? disk : `${vm} ${disk}`;
}
