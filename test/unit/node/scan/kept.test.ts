import assert from 'node:assert/strict';
import type { ChunkScanResult } from '../../../../src/core';
import { mergeResults } from '../../../../src/node/scan/kept';

const FINE = new Map<string, { count: number; first: number }>();
const ODD = new Map([['entry', { count: 2, first: 512 }]]);
const NO_FAILURES: ChunkScanResult['failures'] = new Map();
const before: readonly ChunkScanResult[] = [{ oddities: [FINE, ODD], failures: NO_FAILURES }];

describe('what is known of a picture that is kept', () => {
  it('does not grow when chunks are scanned again in which nothing is odd', () => {
    let results = before;
    for (let refresh = 0; refresh < 3; refresh += 1) {
      // Below, the same oddity is found again.
      results = mergeResults(results, [{ oddities: [FINE, ODD], failures: NO_FAILURES }]);
    }
    assert.deepEqual(results, before);
  });

  it('has what became odd about the newest layer, and of those below what was known before', () => {
    assert.deepEqual(mergeResults(before, [{ oddities: [ODD, ODD], failures: NO_FAILURES }]), [
      ...before,
      { oddities: [ODD, undefined], failures: NO_FAILURES },
    ]);
  });

  it('has which tables could not be read', () => {
    const failures: ChunkScanResult['failures'] = new Map([
      [1, { code: 'scan-failed', severity: 'error', message: 'read error' }],
    ]);
    assert.deepEqual(mergeResults(before, [{ oddities: [FINE, FINE], failures }]), [
      ...before,
      { oddities: [FINE, undefined], failures },
    ]);
  });
});
