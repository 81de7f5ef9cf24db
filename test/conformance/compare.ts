import type { MapEntry } from '../support/qemu';

const FIELDS = ['start', 'length', 'depth', 'present', 'zero', 'data', 'compressed', 'offset'] as const;
/** Differences told before the rest is only counted. */
const SHOWN = 6;

/**
 * Every difference between two maps, each as one line; empty when they are equal field by field.
 * @param fields leaves out those that an older qemu-img doesn't have
 */
export function mapDifferences(
  actual: readonly MapEntry[],
  expected: readonly MapEntry[],
  fields: readonly (typeof FIELDS)[number][] = FIELDS,
): string[] {
  const differences: string[] = [];
  const count = Math.max(actual.length, expected.length);
  for (let index = 0; index < count; index += 1) {
    const [ours, theirs] = [actual[index], expected[index]];
    const differing = ours && theirs ? fields.filter((field) => ours[field] !== theirs[field]) : FIELDS;
    if (differing.length === 0) continue;
    const lines = `expected ${line(theirs)}\n    actual   ${line(ours)}`;
    differences.push(`entry ${index} differs in ${differing.join(', ')}\n    ${lines}`);
    // One entry more or less moves all that follow: the first difference is what there is to know.
    if (ours?.start !== theirs?.start || ours?.length !== theirs?.length) break;
  }
  if (actual.length !== expected.length) differences.push(`${actual.length} entries in place of ${expected.length}`);
  const more = differences.length - SHOWN;
  return more > 0 ? [...differences.slice(0, SHOWN), `… ${more} more`] : differences;
}

function line(entry: MapEntry | undefined): string {
  return entry ? FIELDS.map((field) => `${field} ${String(entry[field] ?? '-')}`).join(', ') : 'nothing';
}

/**
 * What `expected` has and `actual` has not, or has otherwise, as `path: expected …, actual …`. More in `actual` is
 * fine. Lists are compared whole, in order.
 */
export function missingFrom(actual: unknown, expected: unknown, path = ''): string[] {
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual) || actual.length !== expected.length) return [told(path, expected, actual)];
    return expected.flatMap((item, index) => missingFrom(actual[index], item, `${path}[${index}]`));
  }
  if (typeof expected === 'object' && expected !== null) {
    if (typeof actual !== 'object' || actual === null) return [told(path, expected, actual)];
    const has = actual as Record<string, unknown>;
    return Object.entries(expected).flatMap(([key, value]) => {
      return missingFrom(has[key], value, path ? `${path}.${key}` : key);
    });
  }
  return Object.is(actual, expected) ? [] : [told(path, expected, actual)];
}

function told(path: string, expected: unknown, actual: unknown): string {
  return `${path}: expected ${JSON.stringify(expected)}, actual ${JSON.stringify(actual)}`;
}
