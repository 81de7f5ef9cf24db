import assert from 'node:assert/strict';
import type { L1Entry } from '../../../../../../src/core/formats/qcow2/check/l1Tables';
import { distinctL1Tables, l1Entries } from '../../../../../../src/core/formats/qcow2/check/l1Tables';
import type { State } from '../../../../../../src/core/formats/qcow2/check/states';
import { SparseImage } from '../../../../../fixtures/build/index';
import { memorySource } from '../../../../../support/memory';

/** Entries of a piece in which a table is read: 256 KiB. */
const PER_PIECE = 32_768;

function entriesOf(image: SparseImage, offset: number, entries: number): { found: L1Entry[]; pauses: number } {
  const found: L1Entry[] = [];
  let pauses = 0;
  for (const entry of l1Entries(memorySource(image), { offset, entries })) {
    if (entry) found.push({ ...entry });
    else pauses += 1;
  }
  return { found, pauses };
}

describe('L1 tables of a check', () => {
  it('are read in pieces, without what is zero', () => {
    const image = new SparseImage(4096 + 8 * (PER_PIECE + 10));
    image.poke(4096, [0x80, 0, 0, 0, 0, 0, 2, 0]);
    image.poke(4096 + 8 * (PER_PIECE - 1), [0, 0, 0, 1, 0, 0, 0, 0]);
    image.poke(4096 + 8 * PER_PIECE, [0, 0, 0, 0, 0, 0, 0, 1]);
    assert.deepEqual(entriesOf(image, 4096, PER_PIECE + 10), {
      found: [
        { index: 0, high: 0x8000_0000, low: 0x200 },
        { index: PER_PIECE - 1, high: 1, low: 0 },
        { index: PER_PIECE, high: 0, low: 1 },
      ],
      pauses: 2,
    });
  });

  it('are zero past their end, past the end of the file, and past 32 MiB', () => {
    const image = new SparseImage(512 + 8 * 3 + 4);
    for (let index = 0; index < 3; index += 1) image.poke(512 + 8 * index, [0, 0, 0, 0, 0, 0, 2, 0]);
    image.poke(512 + 8 * 3, [0, 0, 0, 9]);
    const indices = (entries: number, offset = 512): number[] =>
      entriesOf(image, offset, entries).found.map(({ index }) => index);
    assert.deepEqual(indices(2), [0, 1]);
    assert.deepEqual(indices(100), [0, 1, 2, 3], 'the last of them in part');
    assert.deepEqual(indices(100, 2 ** 40), []);
    const long = new SparseImage(2 ** 26);
    const most = (32 * 2 ** 20) / 8;
    for (const index of [most - 1, most]) long.poke(index * 8, [0, 0, 0, 0, 0, 0, 2, 0]);
    assert.deepEqual(
      entriesOf(long, 0, 2 ** 23).found.map(({ index }) => index),
      [most - 1],
    );
  });

  it('that snapshots share stand once, and count as often; that of the current state stands by itself', () => {
    const state = (offset: number, entries: number, view: string): State => {
      return { view, name: view, l1: { offset, entries }, from: { start: 0, end: 1 }, guestSize: 512 };
    };
    const snapshots = [state(512, 1, 'a'), state(1024, 1, 'b'), state(1024, 1, 'c'), state(1024, 2, 'd')];
    const tables = distinctL1Tables({ active: state(512, 1, ''), snapshots, snapshotTableBytes: 0 });
    assert.deepEqual(
      tables.map(({ offset, entries, active, times }) => [offset, entries, active, times]),
      [
        [512, 1, true, 1],
        [512, 1, false, 1],
        [1024, 1, false, 2],
        [1024, 2, false, 1],
      ],
    );
  });
});
