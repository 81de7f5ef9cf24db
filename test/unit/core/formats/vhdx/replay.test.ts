import assert from 'node:assert/strict';
import { DiskError } from '../../../../../src/core';
import { readExactly } from '../../../../../src/core/bytes';
import type { LogWrite } from '../../../../../src/core/formats/vhdx/log';
import { ReplayedSource } from '../../../../../src/core/formats/vhdx/replay';
import { memorySource } from '../../../../support/memory';

const SECTOR = 4096;

/** A file of two sectors of ones, once these writes were done to it. */
function replayed(fileSize: number, ...writes: readonly LogWrite[]): ReplayedSource {
  return new ReplayedSource(memorySource(new Uint8Array(2 * SECTOR).fill(1)), { writes, entries: 1, fileSize });
}

const written = (sector: number, value: number): LogWrite => ({
  offset: sector * SECTOR,
  length: SECTOR,
  bytes: new Uint8Array(SECTOR).fill(value),
});
const zeros = (sector: number, sectors: number): LogWrite => ({
  offset: sector * SECTOR,
  length: sectors * SECTOR,
  bytes: undefined,
});

/** Each stretch of one value in `[start, end)`, as `value × bytes`. */
function stretches(source: ReplayedSource, start: number, end: number): readonly string[] {
  const found: { value: number; bytes: number }[] = [];
  for (const value of readExactly(source, start, end - start)) {
    const last = found.at(-1);
    if (last?.value === value) last.bytes += 1;
    else found.push({ value, bytes: 1 });
  }
  return found.map(({ value, bytes }) => `${value} × ${bytes}`);
}

describe('a file whose log was replayed', () => {
  it('is what it was where nothing was written', () => {
    assert.deepEqual(stretches(replayed(0), 0, 2 * SECTOR), [`1 × ${2 * SECTOR}`]);
    assert.deepEqual(stretches(replayed(0, written(1, 7)), 10, 20), ['1 × 10']);
  });

  it('has what was written, from any byte to any other', () => {
    const source = replayed(0, zeros(0, 2), written(1, 7));
    assert.deepEqual(stretches(source, SECTOR - 3, SECTOR + 5), ['0 × 3', '7 × 5']);
    assert.deepEqual(stretches(source, SECTOR + 1, SECTOR + 2), ['7 × 1']);
  });

  it('is as long as the log says, with zeros where neither has anything', () => {
    const source = replayed(5 * SECTOR, written(3, 7));
    assert.equal(source.size, 5 * SECTOR);
    assert.deepEqual(stretches(source, SECTOR, 5 * SECTOR), [
      `1 × ${SECTOR}`,
      `0 × ${SECTOR}`,
      `7 × ${SECTOR}`,
      `0 × ${SECTOR}`,
    ]);
  });

  it('ends there', () => {
    assert.throws(
      () => readExactly(replayed(5 * SECTOR), 5 * SECTOR - 1, 2),
      (error) => error instanceof DiskError && error.code === 'short-read' && error.offset === 5 * SECTOR,
    );
  });
});
