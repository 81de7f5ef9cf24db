import type { CheckReport, Job, Session } from '../../core';
import { DiskError } from '../../core';
import type { CheckSummary } from '../../protocol/image';
import { USE_COUNT } from '../../core';

/**
 * Checks the file of one layer, by itself.
 * @throws DiskError `unsupported` for a format that has nothing to check
 */
export function checkLayer(session: Session, depth: number): Job<CheckReport> {
  const layer = session.chain.layers[depth];
  const job = layer?.layer.check?.();
  if (job) return job;
  throw new DiskError(
    'unsupported',
    layer ? `the format ${layer.layer.format} has nothing to check` : `the chain has no layer ${depth}`,
    { file: layer?.identity.path },
  );
}

/** What is told of a check: all but the map of the file, of which the sums alone. */
export function summarizeCheck({ counts, problems, untold, file }: CheckReport): CheckSummary {
  const uses = new Array<number>(USE_COUNT).fill(0);
  for (let i = 0; i < file.count; i += 1) {
    const use = file.use[i] ?? 0;
    uses[use] = (uses[use] ?? 0) + (file.start[i + 1] ?? 0) - (file.start[i] ?? 0);
  }
  return { counts, problems, untold, fileEnd: file.start[file.count] ?? 0, uses };
}
