import { basename } from 'node:path';
import { formatBytes, formatCount } from '../../core/units';
import type { ComparisonSummary } from '../../protocol/image';

type Told = Pick<ComparisonSummary, 'path' | 'viewName' | 'view' | 'ranges' | 'bytes' | 'unknown'>;

/** `Differs from web01.qcow2: 3.2 MiB in 17 ranges`; identical only where everything could be compared. */
export function comparisonResult({ path, view, viewName, ranges, bytes, unknown }: Told): string {
  const other = view === '' ? basename(path) : `${viewName || view} in ${basename(path)}`;
  const rest = unknown > 0 ? `; ${formatBytes(unknown)} could not be compared` : '';
  if (ranges > 0) {
    return `Differs from ${other}: ${formatBytes(bytes)} in ${ranges === 1 ? '1 range' : `${formatCount(ranges)} ranges`}${rest}`;
  }
  return unknown > 0 ? `No difference found to ${other}${rest}` : `Identical to ${other}`;
}
