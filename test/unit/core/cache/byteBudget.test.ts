import assert from 'node:assert/strict';
import { ByteBudget, ENTRY_BYTES } from '../../../../src/core/cache/byteBudget';
import { Random } from '../../../fixtures/build/index';

const KIB = 1024;
const bytes = (fill: number, length = KIB): Uint8Array => new Uint8Array(length).fill(fill);

/** Room for this many pieces of 1 KiB. */
const budgetOf = (pieces: number): ByteBudget => new ByteBudget(pieces * (KIB + ENTRY_BYTES));

describe('memory that caches share', () => {
  it('gives back what was put, of each cache its own', () => {
    const budget = budgetOf(4);
    const [a, b] = [budget.shelf(), budget.shelf()];
    a.put(7, bytes(1));
    b.put(7, bytes(2));
    assert.deepEqual([a.get(7), b.get(7), a.get(8)], [bytes(1), bytes(2), undefined]);
    a.clear();
    assert.deepEqual([a.has(7), b.has(7), budget.used], [false, true, KIB + ENTRY_BYTES]);
  });

  it('gives up what was asked for longest ago, whoever keeps it', () => {
    const budget = budgetOf(3);
    const [a, b] = [budget.shelf(), budget.shelf()];
    a.put(1, bytes(1));
    b.put(2, bytes(2));
    a.put(3, bytes(3));
    a.get(1);
    b.put(4, bytes(4));
    assert.deepEqual([a.has(1), b.has(2), a.has(3), b.has(4)], [true, false, true, true]);
    // To look whether it is there is no use of it.
    a.has(3);
    b.put(5, bytes(5));
    assert.deepEqual([a.has(1), a.has(3), b.has(4), b.has(5)], [true, false, true, true]);
  });

  it('takes a new piece in the place of one with its number', () => {
    const budget = budgetOf(2);
    const shelf = budget.shelf();
    shelf.put(1, bytes(1));
    shelf.put(1, bytes(2, 10));
    assert.deepEqual([shelf.get(1), budget.used], [bytes(2, 10), 10 + ENTRY_BYTES]);
  });

  it('does not keep what is larger than all of it, nor give up anything for that', () => {
    const budget = budgetOf(2);
    const shelf = budget.shelf();
    shelf.put(1, bytes(1));
    shelf.put(2, bytes(2, 2 * KIB + 2 * ENTRY_BYTES));
    assert.deepEqual([shelf.has(1), shelf.has(2)], [true, false]);
  });

  it('keeps no more than the part that was put of a larger buffer', () => {
    const shelf = budgetOf(2).shelf();
    shelf.put(1, bytes(9, 64 * KIB).subarray(KIB, 2 * KIB));
    assert.deepEqual(shelf.get(1), bytes(9));
    assert.equal(shelf.get(1)?.buffer.byteLength, KIB);
  });

  it('is never more than its limit, and answers as a list in order of use does', () => {
    const random = new Random(1);
    const limit = 20 * KIB;
    const budget = new ByteBudget(limit);
    const shelves = [budget.shelf(), budget.shelf()];
    /** Oldest first. */
    let model: { readonly shelf: number; readonly key: number; readonly length: number }[] = [];
    for (let step = 0; step < 5000; step += 1) {
      const shelf = random.below(2);
      const key = random.below(30);
      const at = model.findIndex((entry) => entry.shelf === shelf && entry.key === key);
      const [known] = at < 0 ? [] : model.splice(at, 1);
      if (random.below(2) === 0) {
        const length = random.below(3 * KIB);
        shelves[shelf]?.put(key, bytes(key, length));
        model.push({ shelf, key, length });
        const room = (): number => model.reduce((sum, entry) => sum + entry.length + ENTRY_BYTES, 0);
        while (room() > limit) model = model.slice(1);
        assert.equal(budget.used, room());
      } else {
        assert.deepEqual(shelves[shelf]?.get(key), known && bytes(key, known.length));
        if (known) model.push(known);
      }
      assert(budget.used <= limit);
    }
  });
});
