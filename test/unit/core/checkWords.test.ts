import assert from 'node:assert/strict';
import { clustersChecked, faultsFound } from '../../../src/core/checkWords';
import type { CheckCounts } from '../../../src/core/model';

const counts = (change: Partial<CheckCounts>): CheckCounts => ({
  checkErrors: 0,
  corruptions: 0,
  leaks: 0,
  further: 0,
  imageEnd: undefined,
  totalClusters: 0,
  allocatedClusters: 0,
  fragmentedClusters: 0,
  compressedClusters: 0,
  ...change,
});

describe('the words for what a check found', () => {
  it('name each kind of fault, the worst first, and none that is not there', () => {
    assert.equal(faultsFound(counts({})), undefined);
    assert.equal(faultsFound(counts({ leaks: 1 })), '1 leaked cluster');
    assert.equal(
      faultsFound(counts({ leaks: 12_345, corruptions: 2, checkErrors: 3, further: 1 })),
      '2 corruptions, 1 further corruption, 3 places not checked, 12,345 leaked clusters',
    );
  });

  it('tell how many clusters are in use and how many of them lie apart', () => {
    const told = (allocatedClusters: number, fragmentedClusters: number): string =>
      clustersChecked(counts({ allocatedClusters, fragmentedClusters }));
    assert.equal(told(0, 0), '0 clusters in use');
    assert.equal(told(1, 0), '1 cluster in use, 0% fragmented');
    assert.equal(told(12_345, 370), '12,345 clusters in use, 3% fragmented');
    assert.equal(told(12_345, 1), '12,345 clusters in use, less than 1% fragmented');
  });
});
