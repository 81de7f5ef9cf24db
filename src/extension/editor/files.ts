import { isAbsolute } from 'node:path';
import type { RefusalReason } from '../../core/model';
import type { ImageSummary } from '../../protocol/image';

/** Not allowed, or no file: nothing is asked about such a name, not even whether it is there. */
const UNTOUCHED: ReadonlySet<RefusalReason | undefined> = new Set<RefusalReason>(['outside', 'protocol', 'malformed']);

/**
 * The files that decide what is shown: every layer's, those that hold a layer's data, and the parent that can't be used,
 * as it may come, be mended or be made readable.
 */
export function filesOf(summary: ImageSummary | undefined): readonly string[] {
  if (!summary) return [];
  const { layers, end } = summary;
  const files = layers.flatMap(({ path, companions = [] }) => [path, ...companions]);
  if (end.kind !== 'base' && !UNTOUCHED.has(end.reason)) files.push(end.name);
  return files.filter((file) => isAbsolute(file));
}
