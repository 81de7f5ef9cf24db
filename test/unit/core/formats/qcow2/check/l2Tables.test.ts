import assert from 'node:assert/strict';
import { L2Tables } from '../../../../../../src/core/formats/qcow2/check/l2Tables';

describe('the L2 tables of a check', () => {
  it('are each met once, and their references added up', () => {
    const tables = new L2Tables();
    tables.add(0x10000, 5, 1, true);
    tables.add(0x20000, 6, 3, false);
    tables.add(0x10000, 5, 3, false);
    assert.equal(tables.count, 2);
    assert.deepEqual([tables.at(0x10000), tables.at(0x20000), tables.at(0x30000)], [0, 1, -1]);
    assert.deepEqual([tables.offset(0), tables.references(0), tables.active(0), tables.l1Index(0)], [0x10000, 4, 1, 5]);
    assert.deepEqual([tables.offset(1), tables.references(1), tables.active(1), tables.l1Index(1)], [0x20000, 3, 0, 6]);
  });

  it('are twofold where another L1 index leads to them as well', () => {
    const tables = new L2Tables();
    tables.add(0x10000, 0, 1, true);
    tables.add(0x20000, 1, 1, true);
    tables.add(0x20000, 1, 1, false);
    tables.add(0x10000, 2, 1, true);
    assert.deepEqual([tables.isTwofold(0), tables.isTwofold(1)], [true, false]);
    assert.deepEqual([tables.active(0), tables.l1Index(0)], [2, 0]);
  });

  it('stay what they are while there come to be more than there was room for', () => {
    const tables = new L2Tables();
    const many = 5000;
    for (let table = 0; table < many; table += 1) tables.add((many - table) * 512, table, 2, table % 2 === 0);
    tables.add(512, 7, 1, false);
    assert.equal(tables.count, many);
    for (let table = 0; table < many; table += 1) {
      assert.equal(tables.at((many - table) * 512), table);
      const last = table === many - 1;
      const told = [tables.offset(table), tables.l1Index(table), tables.references(table), tables.active(table)];
      assert.deepEqual(told, [(many - table) * 512, table, last ? 3 : 2, table % 2 === 0 ? 2 : 0]);
      assert.equal(tables.isTwofold(table), last);
    }
  });

  it('may be referred to more often than 2^32 times: 65536 snapshots can share an L1 table of 2^22 entries', () => {
    const tables = new L2Tables();
    for (let entry = 0; entry < 3; entry += 1) tables.add(0x10000, 0, 2 ** 31, false);
    assert.equal(tables.references(0), 3 * 2 ** 31);
  });

  it('are found as quickly where their offsets were chosen to make that slow', () => {
    // Both halves of the number of 512 bytes are the same up to a constant, or differ in the highest bits alone.
    const tables = new L2Tables();
    const many = 2 ** 15;
    for (let fold = 0; fold < 8; fold += 1) {
      for (let half = 0; half < many; half += 1)
        tables.add((half * 2 ** 32 + half + fold * 2 ** 27) * 512, 0, 1, false);
    }
    assert.equal(tables.count, 8 * many);
    assert.equal(tables.at((5 * 2 ** 32 + 5 + 3 * 2 ** 27) * 512), 3 * many + 5);
  });
});
