import assert from 'node:assert/strict';
import * as scale from '../../../src/webview/map/scale';
import type { Box, Disk, Level, View } from '../../../src/webview/map/scale';

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

/** 64 columns of 14 pixels and 48 rows, exactly. */
const BOX: Box = { width: 896, height: 672, ratio: 1 };

describe('levels of the zoom', () => {
  it('fit a large disk with the finest power of two, and halve down to one unit, then enlarge', () => {
    const levels = scale.levelsOf({ size: 40 * GIB, unit: 64 * KIB }, BOX);
    // 48 × 64 cells hold 2,560 of 16 MiB, but not 5,120 of 8 MiB.
    assert.deepEqual(levels[0], { cellBytes: 16 * MIB, columns: 64, pitch: 14 });
    assert.deepEqual(levels.map((level) => level.cellBytes / KIB),
      [16_384, 8192, 4096, 2048, 1024, 512, 256, 128, 64, 64]);
    assert.deepEqual(levels.at(-1), { cellBytes: 64 * KIB, columns: 32, pitch: 28 });
  });

  it('draw the cells of a small disk larger rather than smaller than one unit', () => {
    // 1,024 cells in 40 columns of 22 pixels take 26 of the 30 rows there are.
    assert.deepEqual(scale.levelsOf({ size: 64 * MIB, unit: 64 * KIB }, BOX), [
      { cellBytes: 64 * KIB, columns: 40, pitch: 22 },
    ]);
  });

  it('show ever less of the disk', () => {
    for (const size of [512, 4096, 3 * MIB + 512, 700 * MIB, 5 * GIB, 63 * 1024 * GIB]) {
      for (const box of [BOX, { width: 300, height: 180, ratio: 1 }, { width: 2311, height: 1403, ratio: 1.5 }]) {
        const levels = scale.levelsOf({ size, unit: 512 }, box);
        const shown = levels.map((level) => scale.visibleBytes(level, box));
        assert.ok((shown[0] ?? 0) >= size, `the first of ${size}`);
        shown.slice(1).forEach((bytes, index) => {
          assert.ok(bytes < (shown[index] ?? 0), `${size}: ${shown.join(' ')}`);
        });
        assert.ok(levels.every((level) => level.columns * level.pitch <= box.width && level.cellBytes >= 512));
      }
    }
  });

  it('use device pixels: twice the ratio gives the same columns of twice the pitch', () => {
    const disk = { size: 40 * GIB, unit: 64 * KIB };
    const sharp = scale.levelsOf(disk, { width: 1792, height: 1344, ratio: 2 });
    assert.deepEqual(sharp[3], { cellBytes: 2 * MIB, columns: 64, pitch: 28 });
  });
});

describe('the unit of a disk', () => {
  it('is the smallest grain of the layers that have tables', () => {
    const qcow2 = [65_536, 4096].map((grain) => ({ format: 'qcow2', grain }));
    const layers = [...qcow2, { format: 'raw', grain: 512 }];
    assert.equal(scale.unitOf(layers, 40 * GIB), 4096);
  });

  it('is a block of the file system below raw files, and a sector of tiny ones', () => {
    assert.equal(scale.unitOf([{ format: 'raw', grain: 512 }], 40 * GIB), 4096);
    assert.equal(scale.unitOf([{ format: 'raw', grain: 1 }], 64 * KIB), 512);
  });
});

/** 1,000 cells of 1 KiB in ten columns, ten rows on screen. */
const DISK: Disk = { size: 1000 * KIB, unit: KIB };
const SMALL: Box = { width: 140, height: 140, ratio: 1 };
const LEVELS: Level[] = [
  { cellBytes: 16 * KIB, columns: 10, pitch: 14 },
  { cellBytes: 2 * KIB, columns: 10, pitch: 14 },
  { cellBytes: KIB, columns: 10, pitch: 14 },
];
const [, COARSE, FINE] = LEVELS as [Level, Level, Level];

describe('places on the grid', () => {
  const view: View = { level: 2, lead: 3, top: 2.5 };

  it('of the cells on screen', () => {
    assert.deepEqual(scale.visibleCells({ ...view, lead: 0 }, DISK, FINE, SMALL), { first: 20, last: 130 });
    assert.deepEqual(scale.visibleCells(view, DISK, FINE, SMALL), { first: 17, last: 127 });
    assert.deepEqual(scale.visibleCells({ ...view, top: 95 }, DISK, FINE, SMALL), { first: 947, last: 1000 });
  });

  it('of one cell, and back', () => {
    // Cell 25 stands behind three blanks at place 28: row 2, column 8; half a row above the edge.
    assert.deepEqual(scale.cellPlace(25, view, FINE), { x: 112, y: -7 });
    assert.equal(scale.cellAt(113, 3, view, DISK, FINE)?.cell, 25);
    assert.equal(scale.cellAt(119, 3, view, DISK, FINE)?.along, 0.5);
  });

  it('beside the disk hold no cell', () => {
    assert.equal(scale.cellAt(5, 3, { level: 2, lead: 3, top: 0 }, DISK, FINE), undefined);
    assert.equal(scale.cellAt(141, 3, view, DISK, FINE), undefined);
    assert.equal(scale.cellAt(60, 8, { level: 2, lead: 3, top: 100 }, DISK, FINE), undefined);
  });

  it('beside the disk are near some byte', () => {
    assert.equal(scale.byteAt(-50, -50, { level: 2, lead: 3, top: 0 }, DISK, FINE), 0);
    assert.equal(scale.byteAt(500, 5000, view, DISK, FINE), DISK.size - 1);
    assert.equal(scale.byteAt(119, 3, view, DISK, FINE), 25.5 * KIB);
  });
});

describe('zooming', () => {
  it('keeps the cell under the pointer', () => {
    // Column 5, row 5 + 20/14 = 6.43: cell 65 of 2 KiB, so cell 130 of 1 KiB. In column 5 it needs a lead of 5.
    const from: View = { level: 1, lead: 0, top: 5 };
    const anchor = { byte: 65 * 2 * KIB, x: 75, y: 20 };
    const to = scale.zoomAround(from, 2, anchor, DISK, LEVELS, SMALL);
    assert.deepEqual({ ...to, top: Math.round(to.top * 1e6) / 1e6 }, { level: 2, lead: 5, top: 12 });
    assert.equal(scale.cellAt(75, 20, to, DISK, FINE)?.cell, 130);
  });

  it('keeps it on the way out as well', () => {
    const from: View = { level: 2, lead: 5, top: 40.25 };
    for (const [x, y] of [[3, 3], [75, 20], [139, 99]] as const) {
      const byte = scale.byteAt(x, y, from, DISK, FINE);
      const to = scale.zoomAround(from, 1, { byte, x, y }, DISK, LEVELS, SMALL);
      assert.equal(scale.cellAt(x, y, to, DISK, COARSE)?.cell, Math.floor(byte / COARSE.cellBytes));
    }
  });

  it('keeps it from one grid to another that starts further right', () => {
    // Cells of 1 KiB in nine columns of 15 pixels: 135 wide, five less. Pixel 75 of the box is 70 of it, in column 4.
    const narrow: Level = { cellBytes: KIB, columns: 9, pitch: 15 };
    const levels = [...LEVELS.slice(0, 2), narrow];
    const from: View = { level: 1, lead: 0, top: 5 };
    const to = scale.zoomAround(from, 2, { byte: 65 * 2 * KIB, x: 75, y: 20 }, DISK, levels, SMALL);
    assert.equal(scale.cellAt(70, 20, to, DISK, narrow)?.cell, 130);
  });

  /** 64 cells of 16 KiB in eight columns, eight rows; what follows has smaller cells in more columns, and ten rows. */
  const SPREAD: Level[] = [
    { cellBytes: 16 * KIB, columns: 8, pitch: 17 },
    { cellBytes: 8 * KIB, columns: 10, pitch: 14 },
  ];
  const [WIDE, NEXT] = SPREAD as [Level, Level];

  it('from the whole disk keeps every cell under the pointer, also in the first row and the last', () => {
    for (let cell = 0; cell < 63; cell += 1) {
      const { x, y } = scale.cellPlace(cell, scale.WHOLE_DISK, WIDE);
      for (const [right, down] of [[0, 0], [8, 8], [16, 16]] as const) {
        const point = { x: x + right, y: y + down };
        const byte = scale.byteAt(point.x, point.y, scale.WHOLE_DISK, DISK, WIDE);
        const anchor = { byte, x: point.x + 140 - 8 * 17, y: point.y };
        const to = scale.zoomAround(scale.WHOLE_DISK, 1, anchor, DISK, SPREAD, SMALL);
        const after = scale.cellAt(anchor.x, anchor.y, to, DISK, NEXT);
        assert.equal(after && Math.floor(after.cell / 2), cell, `cell ${cell} at ${right},${down}`);
      }
    }
  });

  it('in, a level at a time, stays inside the cell that was under the pointer, in windows of any size', () => {
    const disk = { size: 1024 * GIB, unit: 64 * KIB };
    for (const box of [BOX, { width: 1001, height: 877, ratio: 1 }, { width: 2311, height: 1403, ratio: 1.5 }]) {
      const levels = scale.levelsOf(disk, box);
      const left = Math.max(...levels.map((level) => scale.gridLeft(level, box)));
      const [first] = levels as [Level];
      const height = scale.rowCount(disk, first, 0) * first.pitch;
      for (const [across, down] of [[0, 0], [0.3, 0.02], [0.5, 0.5], [0.99, 0.7], [0.05, 0.97]] as const) {
        const point = { x: left + across * (box.width - left), y: down * height };
        let view = scale.WHOLE_DISK;
        let before = { start: 0, end: disk.size };
        levels.forEach((level, index) => {
          const x = point.x - scale.gridLeft(level, box);
          const byte = scale.byteAt(x, point.y, view, disk, level);
          const hit = scale.cellAt(x, point.y, view, disk, level);
          assert.ok(hit, `level ${index} has a cell at ${across}, ${down}`);
          const [start, end] = [hit.cell, hit.cell + 1].map((cell) => cell * level.cellBytes) as [number, number];
          assert.ok(before.start <= start && end <= before.end, `level ${index} at ${across}, ${down}`);
          before = { start, end };
          view = scale.zoomAround(view, index + 1, { byte, ...point }, disk, levels, box);
        });
      }
    }
  });

  it('to the first level shows the whole disk', () => {
    assert.deepEqual(scale.zoomAround({ level: 1, lead: 2, top: 9 }, 0, { byte: 0, x: 0, y: 0 }, DISK, LEVELS, SMALL),
      scale.WHOLE_DISK);
  });

  it('with the keys keeps the row in its place and starts rows at round offsets', () => {
    assert.deepEqual(scale.zoomToRow(2, 130 * KIB, 20, DISK, LEVELS, SMALL), { level: 2, lead: 0, top: 12 });
  });
});

describe('scrolling', () => {
  it('goes as far as the disk', () => {
    const clamp = (top: number): number => scale.clampView({ level: 2, lead: 0, top }, DISK, LEVELS, SMALL).top;
    assert.deepEqual([-3, 4.5, 90, 91].map(clamp), [0, 4.5, 90, 90]);
  });

  it('takes back what is blank beyond the disk, and adds none', () => {
    const scroll = (top: number, pixels: number): number =>
      scale.scrollBy({ level: 2, lead: 0, top }, pixels, DISK, LEVELS, SMALL).top;
    assert.deepEqual([scroll(92, 28), scroll(92, -14), scroll(91, -28), scroll(-1, -14), scroll(-1, 14), scroll(90, 14)],
      [92, 91, 89, -1, 0, 90]);
  });

  it('to a byte moves as little as is needed', () => {
    const top = (from: number, byte: number): number =>
      scale.reveal({ level: 2, lead: 0, top: from }, byte, DISK, LEVELS, SMALL).top;
    assert.equal(top(0, 250 * KIB), 16);
    assert.equal(top(40, 250 * KIB), 25);
    assert.equal(top(20.5, 250 * KIB), 20.5);
  });
});

describe('keys of movement', () => {
  const after = (key: string, from: number | undefined): number | undefined =>
    scale.cellAfterKey(key, from, 300, DISK, FINE, SMALL);

  it('lead to the cells around', () => {
    const keys = ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown'];
    assert.deepEqual(keys.map((key) => after(key, 500)), [499, 501, 490, 510]);
  });

  it('lead nine rows on where ten are on screen, and to the ends', () => {
    assert.deepEqual(['PageUp', 'PageDown', 'Home', 'End'].map((key) => after(key, 500)), [410, 590, 0, 999]);
  });

  it('stay on the disk, and in the column', () => {
    assert.deepEqual([after('ArrowLeft', 0), after('ArrowUp', 7), after('ArrowRight', 999), after('ArrowDown', 995)],
      [0, 7, 999, 995]);
    assert.deepEqual([after('PageUp', 7), after('PageUp', 57), after('PageDown', 955), after('PageDown', 995)],
      [7, 7, 995, 995]);
  });

  it('begin with the first cell on screen', () => {
    assert.deepEqual([after('ArrowRight', undefined), after('PageDown', undefined), after('End', undefined)],
      [300, 300, 999]);
  });

  it('are no others', () => {
    assert.equal(after('a', 500), undefined);
  });
});

describe('a closer look', () => {
  const disk: Disk = { size: 40 * GIB, unit: 64 * KIB };
  const levels = scale.levelsOf(disk, BOX);

  it('goes to cells of one unit, from there further in, and never back', () => {
    const single = levels.findIndex(({ cellBytes }) => cellBytes === disk.unit);
    const last = levels.length - 1;
    assert.ok(single > 0 && single < last);
    assert.deepEqual([0, single - 1, single, last - 1, last].map((from) => scale.closerLevel(from, disk, levels)),
      [single, single, single + 1, last, last]);
  });
});
