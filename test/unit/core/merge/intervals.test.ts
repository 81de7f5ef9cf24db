import assert from 'node:assert/strict';
import { Intervals } from '../../../../src/core/merge/intervals';
import { Draw } from '../../../support/random';

describe('a set of stretches', () => {
  it('holds what a set holds', () => {
    const draw = Draw.named(1, 'intervals');
    const stretches = new Intervals();
    const truth = new Set<number>();
    for (let step = 0; step < 2000; step += 1) {
      const at = draw.below(200);
      if (draw.chance(0.5)) {
        let end = at;
        while (end < at + 5 && !truth.has(end)) end += 1;
        if (end > at) stretches.add(at, end);
        for (let value = at; value < end; value += 1) truth.add(value);
      } else if (truth.delete(at)) stretches.remove(at);
      const probe = draw.below(210);
      assert.equal(stretches.has(probe), truth.has(probe));
      let end = probe;
      while (truth.has(end)) end += 1;
      assert.equal(stretches.endAround(probe), truth.has(probe) ? end : undefined);
    }
  });
});
