import assert from 'node:assert/strict';
import { reaches } from '../../../src/webview/map/bars';

describe('the parts of a stacked bar', () => {
  it('stand on each other, each as high as its share', () => {
    assert.deepEqual(reaches([25, 50], 100, 40), [10, 30]);
    assert.deepEqual(reaches([25, 50, 25], 100, 40), [10, 30, 40]);
  });

  it('have a line each, however small, and leave one for those above', () => {
    assert.deepEqual(reaches([0.1, 0.1], 100, 40), [1, 2]);
    assert.deepEqual(reaches([99.9, 0.1], 100, 40), [39, 40]);
    assert.deepEqual(reaches([0.1, 99.8, 0.1], 100, 40), [1, 39, 40]);
  });

  it('keep their shares where they are too many for that', () => {
    // Half of the bar belongs to the upper ten of sixty.
    const many = [...Array.from({ length: 50 }, () => 1), ...Array.from({ length: 10 }, () => 5)];
    const reached = reaches(many, 100, 40);
    assert.equal(reached[49], 20);
    assert.deepEqual(reached.slice(-3), [36, 38, 40]);
  });

  it('are seen together where they are next to nothing', () => {
    assert.deepEqual(reaches(Array.from({ length: 60 }, () => 0.001), 100, 40).at(-1), 1);
  });

  it('are none where there is nothing', () => {
    assert.deepEqual(reaches([], 100, 40), []);
  });
});
