import type { LayerStory } from '../snapshots/model';
import { labelText } from '../strangersText';

/** A snapshot as a platform tells of it. */
export interface TakenSnapshot {
  readonly name: string | undefined;
  readonly description: string | undefined;
  /** Milliseconds since 1970. */
  readonly date: number | undefined;
}

/** What is said of the image that a VM writes to now. */
export const CURRENT = { label: 'current', role: 'current' } as const;

/** What is said of an image that snapshots froze, in the order in which they were taken; nothing where there are none. */
export function frozenBy(snapshots: readonly TakenSnapshot[]): Partial<LayerStory> {
  const [first] = snapshots;
  if (!first) return {};
  const { description, date } = first;
  const names = [...new Set(snapshots.map(({ name }) => name).filter(Boolean))];
  return {
    label: labelText(names.join(', ')),
    role: 'snapshot',
    ...(description !== undefined && { description }),
    ...(date !== undefined && { date }),
  };
}
