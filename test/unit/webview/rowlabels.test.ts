import assert from 'node:assert/strict';
import { formatTick } from '../../../src/webview/format';
import { labelRows, widestLabel } from '../../../src/webview/map/rowlabels';
import { levelsOf } from '../../../src/webview/map/scale';
import type { Disk } from '../../../src/webview/map/scale';

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;
const TERABYTE: Disk = { size: 1024 * GIB, unit: 64 * KIB };

describe('labels beside the rows', () => {
  const all = (): boolean => true;

  it('stand as densely as they may', () => {
    const level = { cellBytes: 16 * MIB, columns: 64, pitch: 14 };
    assert.deepEqual(labelRows(level, 0, { size: 40 * GIB, unit: 512 }, 54, all),
      { every: 4, ruler: { power: 3, decimals: 0 } });
  });

  it('skip rows where that makes rounder offsets', () => {
    // Rows of 160 MiB: four make 640 MiB, eight make 1.25 GiB.
    const level = { cellBytes: 2 * MIB, columns: 80, pitch: 14 };
    assert.deepEqual(labelRows(level, 0, { size: 40 * GIB, unit: 512 }, 54, all),
      { every: 8, ruler: { power: 3, decimals: 2 } });
  });

  it('skip rows until the text fits', () => {
    // Rows of 32 KiB: 0.25 MiB needs ten characters at 40 GiB, 1 MiB needs six.
    const level = { cellBytes: 512, columns: 64, pitch: 14 };
    assert.deepEqual(labelRows(level, 0, { size: 40 * GIB, unit: 512 }, 54, (text) => text.length <= 6),
      { every: 32, ruler: { power: 2, decimals: 0 } });
  });

  it('write rows at odd places exactly', () => {
    // Rows of 4 MiB, moved by four cells: the row at 571,036.25 MiB is one.
    const level = { cellBytes: 64 * KIB, columns: 64, pitch: 14 };
    assert.deepEqual(labelRows(level, 60, TERABYTE, 54, all), { every: 4, ruler: { power: 2, decimals: 2 } });
    assert.equal(formatTick((142_760 * 64 - 60) * 64 * KIB, { power: 2, decimals: 2 }), '571036.25M');
    // Moved by one cell they are sixteenths of a MiB.
    assert.deepEqual(labelRows(level, 1, TERABYTE, 54, all), { every: 4, ruler: { power: 1, decimals: 0 } });
  });

  it('are none where no exact one fits', () => {
    const level = { cellBytes: 64 * KIB, columns: 64, pitch: 14 };
    assert.equal(labelRows(level, 1, TERABYTE, 54, (text) => text.length <= 8), undefined);
  });

  it('fit the width of the widest at each level, wherever its rows start', () => {
    for (const size of [64 * KIB, 3 * MIB + 512, 256 * MIB, 40 * GIB, 1024 * GIB, 64 * 1024 * GIB]) {
      for (const unit of [512, 4096, 64 * KIB, 2 * MIB].filter((each) => each <= size)) {
        const disk = { size, unit };
        const { length } = widestLabel(disk);
        for (const level of levelsOf(disk, { width: 896, height: 672, ratio: 1 })) {
          for (const lead of [0, 1, 2, 3, level.columns - 1]) {
            assert.ok(labelRows(level, lead, disk, 54, (text) => text.length <= length), `${size} by ${unit}`);
          }
        }
      }
    }
  });

  it('of a large disk are as wide as its end in KiB', () => {
    assert.equal(widestLabel(TERABYTE), '8888888888K');
    assert.equal(widestLabel({ size: 64 * 1024 * GIB, unit: 64 * KIB }), '88888888888K');
  });
});
