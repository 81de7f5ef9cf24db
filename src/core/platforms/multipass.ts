import type { LayerStory } from '../snapshots/model';
import type { Platform, PlatformFiles } from './files';
import { folderOf, join, nameOf } from './paths';
import { dateOr, descriptionText, jsonObject, labelText, utf8 } from '../strangersText';

/**
 * Multipass keeps `NNNN.snapshot.json`, `snapshot-head` and `snapshot-count` beside the image; the snapshot itself is
 * internal, tagged `@s<index>`.
 */
const MAX_BYTES = 256 << 10;
const MAX_SNAPSHOTS = 10_000;
const MARKS = ['snapshot-head', 'snapshot-count'];
const SNAPSHOT = /^(\d{1,9})\.snapshot\.json$/;

type Snapshots = NonNullable<LayerStory['snapshots']>;

export function multipass(files: PlatformFiles): Platform {
  const known = new Map<string, Snapshots | undefined>();
  return {
    name: 'Multipass',
    story: (file) => {
      const folder = folderOf(file);
      if (!known.has(folder)) known.set(folder, snapshotsIn(files, folder));
      const snapshots = known.get(folder);
      return (
        snapshots && {
          platform: 'Multipass',
          vm: labelText(nameOf(folder)),
          label: 'current',
          role: 'current',
          snapshots,
        }
      );
    },
  };
}

function snapshotsIn(files: PlatformFiles, folder: string): Snapshots | undefined {
  if (MARKS.every((mark) => files.stat(join(folder, mark))?.kind !== 'file')) return undefined;
  const found = (files.list(folder) ?? [])
    .filter((name) => SNAPSHOT.test(name))
    .slice(0, MAX_SNAPSHOTS)
    .flatMap((name): readonly (readonly [string, Snapshots[string]])[] => {
      const bytes = files.read(join(folder, name), MAX_BYTES);
      const told = bytes && toSnapshot(utf8(bytes), Number(SNAPSHOT.exec(name)?.[1]));
      return told ? [told] : [];
    });
  return Object.fromEntries(found);
}

/** @param index as the file's name has it */
function toSnapshot(text: string, index: number): readonly [string, Snapshots[string]] | undefined {
  const file = jsonObject(text);
  const inner = file?.['snapshot'];
  const values = typeof inner === 'object' && inner !== null ? (inner as Readonly<Record<string, unknown>>) : file;
  const textAt = (key: string): string | undefined => {
    const value = values?.[key];
    return typeof value === 'string' ? value : undefined;
  };
  const label = labelText(textAt('name'));
  if (label === undefined) return undefined;
  const description = descriptionText(textAt('comment'));
  const date = dateOr(Date.parse(textAt('creation_timestamp') ?? ''));
  return [
    `@s${index}`,
    { label, ...(description !== undefined && { description }), ...(date !== undefined && { date }) },
  ];
}
