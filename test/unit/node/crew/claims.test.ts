import assert from 'node:assert/strict';
import { Claims } from '../../../../src/node/crew/claims';

describe('claims', () => {
  it('are given out one after the other, whoever asks, until there are none', () => {
    const claims = Claims.ofPieces(3);
    const other = Claims.from(structuredClone(claims.shared));
    assert.deepEqual(
      [claims, other, other, claims, other].map((asked) => asked.next()),
      [0, 1, 2, undefined, undefined],
    );
  });

  it('of nothing are none', () => {
    assert.equal(Claims.ofPieces(0).next(), undefined);
  });

  it('are known to be done when those who share them have come back for more', () => {
    const claims = Claims.ofPieces(5);
    const done: number[] = [];
    for (let i = 0; i < 6; i += 1) {
      done.push(claims.done(2));
      claims.next();
    }
    assert.deepEqual(done, [0, 0, 0, 1, 2, 3]);
  });

  it('are over for all once they are closed', () => {
    const claims = Claims.ofPieces(3);
    const other = Claims.from(claims.shared);
    assert.equal(claims.next(), 0);
    other.close();
    assert.deepEqual([claims.next(), other.next()], [undefined, undefined]);
  });
});
