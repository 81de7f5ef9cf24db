import type { Comparison, Environment, Progress, Session } from '../../core';
import type { ComparisonSummary } from '../../protocol/image';
import type { CompareParams } from '../../protocol/worker';

/** What the worker keeps of a comparison: what is told of it, and all ranges that differ. */
export interface KeptComparison {
  readonly summary: ComparisonSummary;
  readonly result: Comparison;
}

/** Compares the disk, from a session's standpoint, with another image. A job to be run in slices. */
export function* compareWith(
  _session: Session,
  _environment: Environment,
  { path }: CompareParams,
): Generator<Progress, KeptComparison, void> {
  yield { done: 0, total: 1 };
  throw new Error(`not compared yet: ${path}`);
}
