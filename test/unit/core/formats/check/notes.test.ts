import assert from 'node:assert/strict';
import { MAX_PROBLEMS, Notes } from '../../../../../src/core/formats/check/notes';

describe('the notes of a check', () => {
  const asked = (notes: Notes, count: number, code: string, times = 1): number => {
    let described = 0;
    for (let i = 0; i < count; i += 1) {
      notes.add('corruption', times, code, () => {
        described += 1;
        return { message: `${code} ${i}` };
      });
    }
    return described;
  };

  it('count everything, and keep the first 250 of a kind and 1000 of all', () => {
    const notes = new Notes();
    assert.equal(asked(notes, 260, 'a', 3), 250);
    for (const code of ['b', 'c', 'd']) assert.equal(asked(notes, 250, code), 250);
    assert.equal(asked(notes, 5, 'e'), 0);
    assert.equal(notes.kept.length, MAX_PROBLEMS);
    assert.equal(notes.count('corruption'), 260 * 3 + 3 * 250 + 5);
    assert.equal(notes.untold, 10 + 5);
  });

  it('tell leaks as warnings, all else as errors', () => {
    const notes = new Notes();
    for (const counts of ['leak', 'corruption', 'error', 'further'] as const) {
      notes.add(counts, 2, counts, () => ({ message: 'what' }));
      assert.equal(notes.count(counts), 2);
    }
    assert.deepEqual(
      notes.kept.map(({ code, severity }) => [code, severity]),
      [
        ['leak', 'warning'],
        ['corruption', 'error'],
        ['error', 'error'],
        ['further', 'error'],
      ],
    );
  });
});
