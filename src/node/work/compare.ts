import type { Comparison, Environment, Job, Session } from '../../core';
import { compare, DiskError, fromWire } from '../../core';
import type { ComparisonSummary } from '../../protocol/image';
import type { CompareParams } from '../../protocol/worker';
import { openImage } from '../openImage';

/** What the worker keeps of a comparison: what is told of it, and all ranges that differ. */
export interface KeptComparison {
  readonly summary: ComparisonSummary;
  readonly result: Comparison;
}

/** Of the ranges that differ, how many a summary has. */
const FIRST = 100;

/**
 * Compares the disk, from a session's standpoint, with another image, or another state of the same one. A job to be run
 * in slices; the other image is closed when it ends or is dropped.
 * @throws DiskError when the other image can't be opened, or has no such state
 */
export function* compareWith(session: Session, environment: Environment, params: CompareParams): Job<KeptComparison> {
  const other = openOther(environment, params);
  try {
    other.stand({ depth: 0, view: params.view });
    const result = yield* compare(session, other);
    return { result, summary: summarize(result, other, params.path) };
  } finally {
    other.close();
  }
}

function openOther(environment: Environment, { path, policy }: CompareParams): Session {
  let opened = openImage(environment, { path, policy, forceRaw: false });
  // A disk of which no byte tells what it is: who chose it knows.
  if (opened.kind === 'not-an-image' && opened.what.offerRaw) {
    opened = openImage(environment, { path, policy, forceRaw: true });
  }
  switch (opened.kind) {
    case 'session':
      return opened.session;
    case 'not-an-image':
      throw new DiskError('unsupported', `this is ${opened.what.found}`, { file: path }, opened.what.advice);
    case 'failed':
      throw fromWire(opened.error);
  }
}

function summarize(result: Comparison, { view }: Session, path: string): ComparisonSummary {
  const { different, ranges, bytes, unknownBytes, skipped } = result;
  const first = Array.from({ length: Math.min(FIRST, different.count) }, (_, i) => ({
    start: different.start[i] ?? 0,
    end: different.end[i] ?? 0,
  }));
  return {
    path,
    view: view.id,
    viewName: view.name,
    guestSize: view.guestSize,
    ranges,
    bytes,
    unknown: unknownBytes,
    skipped,
    first,
  };
}
