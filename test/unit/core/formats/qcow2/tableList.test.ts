import assert from 'node:assert/strict';
import { readHeader } from '../../../../../src/core/formats/qcow2/header';
import { L1Table } from '../../../../../src/core/formats/qcow2/l1';
import { Geometry } from '../../../../../src/core/formats/qcow2/mapping';
import { TableHoles } from '../../../../../src/core/formats/qcow2/tableHoles';
import { TableList } from '../../../../../src/core/formats/qcow2/tableList';
import { buildQcow2, Random } from '../../../../fixtures/build/index';
import { memorySource } from '../../../../support/memory';

const CLUSTER = 1024;
/** Guest bytes of a table. */
const TABLE = (CLUSTER / 8) * CLUSTER;
const ENTRIES = 5000;
const L1_AT = 2 * CLUSTER;
/** A table, one that ends past the file, one that begins there, none, and one in the middle of a cluster. */
type Sort = 'whole' | 'cut' | 'outside' | 'none' | 'impossible';

/** An L1 table whose entries are made up, and what each is. */
function listOf(sortAt: (index: number) => Sort): { readonly list: TableList; readonly offsets: readonly number[] } {
  const geometry = new Geometry(readHeader(memorySource(buildQcow2({ clusterBits: 10, size: CLUSTER }).image)));
  const end = L1_AT + Math.ceil((ENTRIES * 8) / CLUSTER) * CLUSTER;
  const file = new Uint8Array(end + CLUSTER / 2);
  const view = new DataView(file.buffer);
  const at: Record<Sort, number> = {
    whole: CLUSTER,
    cut: end,
    outside: end + CLUSTER,
    none: 0,
    impossible: CLUSTER / 2,
  };
  const offsets = Array.from({ length: ENTRIES }, (_, index) => {
    view.setBigUint64(L1_AT + index * 8, BigInt(at[sortAt(index)]));
    return at[sortAt(index)];
  });
  const source = memorySource(file);
  const table = new L1Table(source, geometry, { offset: L1_AT, entries: ENTRIES }, ENTRIES * TABLE);
  return { list: new TableList(table, source, new TableHoles(source, 0, () => 0), CLUSTER), offsets };
}

const sortsOf = (seed: number, sorts: readonly Sort[], run: number): ((index: number) => Sort) => {
  const random = new Random(seed);
  const all: Sort[] = [];
  while (all.length < ENTRIES) {
    const sort = random.pick(sorts);
    for (let i = random.below(run); i >= 0; i -= 1) all.push(sort);
  }
  return (index) => all[index] ?? 'none';
};

const told: Record<Sort, (offset: number) => number> = {
  whole: (offset) => offset,
  cut: (offset) => offset,
  outside: () => 0,
  none: () => 0,
  impossible: () => -1,
};

describe('what L1 entries lead to', () => {
  const all: readonly Sort[] = ['whole', 'cut', 'outside', 'none', 'impossible'];

  it('is a table by its offset, none, or nothing that can be', () => {
    const sort = sortsOf(1, all, 3);
    const { list, offsets } = listOf(sort);
    // Back and forth between the first entries and the last.
    for (let step = 0; step < ENTRIES; step += 1) {
      const index = (step * 2711) % ENTRIES;
      assert.equal(list.at(index), told[sort(index)](offsets[index] ?? 0), `entry ${index}, ${sort(index)}`);
    }
    assert.equal(list.at(ENTRIES), 0);
  });

  it('is the same up to where a run ends', () => {
    const sort = sortsOf(2, all, 300);
    const { list } = listOf(sort);
    const kind = (index: number): number => Math.sign(told[sort(index)](1));
    let runs = 0;
    for (let index = 0; index < ENTRIES; runs += 1) {
      const end = list.runEnd(index);
      assert(end > index && end <= ENTRIES, `${end} after ${index}`);
      for (let inside = index; inside < end; inside += 1) {
        assert.equal(kind(inside), kind(index));
        assert.equal(list.runEnd(inside), end);
      }
      // A run may be told in two where it is longer than what is seen at a time.
      if (end < ENTRIES && end % 2048 !== 0) assert.notEqual(kind(end), kind(index));
      index = end;
    }
    assert(runs > 10);
    assert.equal(list.runEnd(ENTRIES), Infinity);
  });

  it('is sound where nothing is impossible and no table is cut', () => {
    for (const [odd, at] of [
      ['impossible', 2100],
      ['cut', 2047],
      ['outside', 4999],
    ] as const) {
      const { list } = listOf((index) => (index === at ? odd : index % 3 === 0 ? 'none' : 'whole'));
      const found = [...list.unsound(0, ENTRIES)];
      assert(found.includes(at), `${odd} at ${at}`);
      assert(found.length <= 2048, `${found.length} are looked at one by one`);
    }
  });
});
