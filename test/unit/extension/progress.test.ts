import { EventEmitter, reported } from './vscodeStub';
import assert from 'node:assert/strict';
import type { ImageDocument } from '../../../src/extension/editor/document';
import { runWork } from '../../../src/extension/work/progress';

describe('work that is shown', () => {
  it('tells how much of it is done, in per cent and as a step of the bar, of its own kind alone', async () => {
    const worked = new EventEmitter<{ work: string; share: number | null }>();
    const document = {
      onDidWork: worked.event,
      work: () => {
        for (const share of [null, 0, 0.25, 0.2, 0.999]) worked.fire({ work: 'exportMap', share });
        worked.fire({ work: 'check', share: 1 });
        return Promise.resolve({ entries: 3 });
      },
    } as unknown as ImageDocument;
    const result = await runWork(document, 'exportMap', { target: '/map', format: 'json' }, { title: 'Exporting…' });
    assert.deepEqual(result, { entries: 3 });
    assert.deepEqual(reported, [
      { increment: 25, message: '25 %' },
      { increment: 74.9, message: '99 %' },
    ]);
    worked.fire({ work: 'exportMap', share: 1 });
    assert.equal(reported.length, 2, 'nothing is told once it is over');
  });
});
