import assert from 'node:assert/strict';
import { Kind, NOBODY, UNKNOWN_OWNER } from '../../../src/core/model';
import type { Pixels } from '../../../src/core/model';
import { Grid } from '../../../src/webview/map/grid';
import type { Enlargement } from '../../../src/webview/map/grid';
import { paintCells } from '../../../src/webview/map/paint';
import type { MapColors, Scene } from '../../../src/webview/map/paint';
import { hatch, pack, sizeRaster } from '../../../src/webview/map/raster';
import type { View } from '../../../src/webview/map/scale';

/**
 * Pixels are letters here: `.` the background, `_` the ground, `A` and `B` layers, small when faded, `D` what differs, `!`
 * what is damaged, `/` the pattern of the third owner.
 */
const code = (letter: string): number => letter.charCodeAt(0);
const COLORS: MapColors = {
  background: code('.'), ground: code('_'), layers: [code('A'), code('B')], fadedLayers: [code('a'), code('b')], paleLayers: [code('p'), code('q')],
  lines: [code('-'), code('=')], fadedLines: [code('-'), code('=')],
  tiles: [undefined, undefined, { side: 1, data: Uint32Array.of(code('/')) }], different: code('D'), damaged: code('!'),
  unknown: { side: 1, data: Uint32Array.of(code('?')) }, invalid: { side: 2, data: Uint32Array.from('xXXx', code) },
};

type CellSpec = readonly (readonly [owner: number, kind: number, bytes: number])[];

function picture(cells: readonly CellSpec[]): Pixels {
  const all = cells.flat();
  const first = [0];
  for (const parts of cells) first.push((first.at(-1) ?? 0) + parts.length);
  return {
    rangeStart: 0, rangeEnd: cells.length * 100, cellBytes: 100, cells: cells.length, first: Uint32Array.from(first),
    owner: Int16Array.from(all, ([owner]) => owner), kind: Uint8Array.from(all, ([, kind]) => kind),
    bytes: Float64Array.from(all, ([, , bytes]) => bytes),
  };
}

/** Two columns; the lines that were painted, as text. */
function paint(
  cells: readonly CellSpec[], pitch: number,
  { view = { level: 1, lead: 0, top: 0 }, zoom, ...change }: Partial<Scene> & { view?: View; zoom?: Enlargement } = {},
): string[] {
  const rows = Math.ceil((cells.length + view.lead) / 2);
  const raster = sizeRaster(undefined, 2 * pitch, rows * pitch);
  paintCells(raster, {
    pixels: picture(cells), grid: new Grid(view, { cellBytes: 100, columns: 2, pitch }, zoom),
    first: 0, last: cells.length, gap: 1, picked: null, comparing: false, pending: false, colors: COLORS, ...change,
  });
  return Array.from({ length: raster.height }, (_, y) =>
    String.fromCharCode(...raster.data.subarray(y * raster.width, (y + 1) * raster.width)));
}

const data = (owner: number): CellSpec => [[owner, Kind.Data, 100]];

describe('painting cells', () => {
  it('fills squares with one line between them', () => {
    assert.deepEqual(paint([data(0), data(1)], 4), ['AAA.BBB.', 'AAA.BBB.', 'AAA.BBB.', '........']);
  });

  it('leaves a rim of a zero cell', () => {
    // Of five pixels, a third is a rim of two: one pixel is left to be hollow.
    assert.deepEqual(paint([[[0, Kind.Zero, 100]], [[1, Kind.ZeroAllocated, 100]]], 6),
      ['AAAAA.BBBBB.', 'AAAAA.BBBBB.', 'AA_AA.BB_BB.', 'AAAAA.BBBBB.', 'AAAAA.BBBBB.', '............']);
  });

  it('hollows a narrow part from side to side', () => {
    assert.deepEqual(paint([[[0, Kind.Data, 60], [1, Kind.Zero, 40]]], 6).slice(0, 3),
      ['AAABB.......', 'AAABB.......', 'AAA__.......']);
  });

  it('fades what does not differ while two disks are compared, and rims what does', () => {
    const pixels = { ...picture([data(0), data(1), [[NOBODY, Kind.Absent, 100]], data(0)]), different: Float64Array.of(0, 1, 100, 0) };
    assert.deepEqual(paint([data(0), data(1), data(0), data(0)], 5, { pixels, comparing: true }), [
      'aaaa.DDDD.', 'aaaa.DBBD.', 'aaaa.DBBD.', 'aaaa.DDDD.', '..........',
      'DDDD.aaaa.', 'D__D.aaaa.', 'D__D.aaaa.', 'DDDD.aaaa.', '..........',
    ]);
  });

  it('parts the corner of a damaged cell from the rest by the background', () => {
    const pixels = { ...picture([data(0), data(1)]), damaged: Float64Array.of(0, 1) };
    // Of nine pixels the corner takes five, one less from line to line, and the line beside it three.
    assert.deepEqual(paint([data(0), data(1)], 10, { pixels }).map((line) => line.slice(10)), [
      'B...!!!!!.', 'BB...!!!!.', 'BBB...!!!.', 'BBBB...!!.', 'BBBBB...!.', 'BBBBBB....', 'BBBBBB....', 'BBBBBBBBB.',
      'BBBBBBBBB.', '..........',
    ]);
  });

  it('paints marks of a map that is scrolled within what is seen', () => {
    const cells = [data(0), data(1), data(0), data(1)];
    const pixels = { ...picture(cells), damaged: Float64Array.of(1, 0, 0, 0), different: Float64Array.of(1, 0, 0, 0) };
    const lines = paint(cells, 5, { pixels, view: { level: 1, lead: 0, top: 0.8 } });
    assert.deepEqual(lines.slice(0, 2), ['..........', 'AAAA.BBBB.']);
  });

  it('paints a pattern in the place of a colour', () => {
    assert.deepEqual(paint([data(2), data(0)], 3), ['//.AA.', '//.AA.', '......']);
  });

  it('draws three lines across compressed data', () => {
    const lines = paint([[[1, Kind.Compressed, 100]]], 14).slice(0, 13).map((line) => line.charAt(0)).join('');
    assert.equal(lines, 'BBB=BB=BB=BBB');
  });

  it('tells nobody, unknown and broken apart', () => {
    const cells: CellSpec[] = [
      [[NOBODY, Kind.Absent, 100]], [[UNKNOWN_OWNER, Kind.Unknown, 100]],
      [[0, Kind.Invalid, 100]], [[1, Kind.Unknown, 100]],
    ];
    assert.deepEqual(paint(cells, 4), [
      '___.???.', '___.???.', '___.???.', '........', 'xXx.???.', 'XxX.???.', 'xXx.???.', '........',
    ]);
  });

  it('draws a cell that is not read yet as a smaller square, like the nearest that is known', () => {
    const unread: CellSpec = [[UNKNOWN_OWNER, Kind.Unknown, 100]];
    // Of seven pixels, three: the share of a cell of which nothing is known.
    assert.deepEqual(paint([data(1), unread], 8, { pending: true }), [
      'BBBBBBB.........', 'BBBBBBB.........', 'BBBBBBB...qqq...', 'BBBBBBB...qqq...', 'BBBBBBB...qqq...',
      'BBBBBBB.........', 'BBBBBBB.........', '................',
    ]);
  });

  it('draws a cell that is read in part as a square by so much larger, of what is known', () => {
    const half: CellSpec = [[0, Kind.Data, 25], [1, Kind.Zero, 25], [UNKNOWN_OWNER, Kind.Unknown, 50]];
    assert.deepEqual(paint([half], 9, { pending: true }).map((line) => line.slice(0, 9)), [
      '.........', '.pppqqq..', '.pppqqq..', '.pppqqq..', '.pppqqq..', '.pppqqq..', '.pppqqq..', '.........', '.........',
    ]);
  });

  it('draws small squares of what is unknown while nothing is known anywhere: nobody would be an answer', () => {
    const unread: CellSpec = [[UNKNOWN_OWNER, Kind.Unknown, 100]];
    assert.deepEqual(paint([unread, []], 6, { pending: true }),
      ['............', '.???...???..', '.???...???..', '.???...???..', '............', '............']);
  });

  it('fades what is not picked where it is estimated, too', () => {
    const half: CellSpec = [[0, Kind.Data, 50], [UNKNOWN_OWNER, Kind.Unknown, 50]];
    assert.equal(paint([half], 9, { pending: true, picked: 1 })[4]?.slice(0, 9), '.aaaaaa..');
  });

  it('fades what is not picked', () => {
    assert.equal(paint([data(0), data(1)], 4, { picked: 1 })[0], 'aaa.BBB.');
  });

  it('outlines in high contrast: what nobody owns, and what is not picked', () => {
    const colors: MapColors = { ...COLORS, groundOutline: code('o') };
    assert.deepEqual(paint([data(0), [[NOBODY, Kind.Absent, 100]]], 5, { picked: 1, colors }),
      ['AAAA.oooo.', 'A__A.o__o.', 'A__A.o__o.', 'AAAA.oooo.', '..........']);
  });

  it('starts behind the lead and ends with the disk', () => {
    const view = { level: 1, lead: 1, top: 0 };
    const cells: CellSpec[] = [data(0), data(1), [[0, Kind.Data, 50]]];
    assert.deepEqual(paint(cells, 5, { view }).filter((_, y) => y % 5 === 0), ['.....AAAA.', 'BBBB.AA...']);
  });

  it('scrolls by pixels', () => {
    const view = { level: 1, lead: 0, top: 0.5 };
    const cells = [data(0), data(0), data(1), data(1)];
    assert.deepEqual(paint(cells, 4, { view }),
      ['AAA.AAA.', '........', 'BBB.BBB.', 'BBB.BBB.', 'BBB.BBB.', '........', '........', '........']);
  });

  it('grows cells around a point while the zoom moves, and keeps the line between them as it is', () => {
    const cells = [data(0), data(1), data(1), data(0)];
    // One and a half times as large around the left edge of the lower row: cells of six pixels, the line in them.
    assert.deepEqual(paint(cells, 4, { zoom: { scale: 1.5, x: 0, y: 4 } }),
      ['AAAAA.BB', 'AAAAA.BB', 'AAAAA.BB', '........', 'BBBBB.AA', 'BBBBB.AA', 'BBBBB.AA', 'BBBBB.AA']);
  });

  it('cuts off what grows past the left edge', () => {
    const cells: CellSpec[] = [[[0, Kind.Zero, 100]], [[1, Kind.Zero, 100]]];
    // Twice as large around the right edge: the left cell ends before the first pixel, the right one fills what is seen.
    assert.deepEqual(paint(cells, 4, { zoom: { scale: 2, x: 8, y: 0 } }),
      ['BBBBBBB.', 'BBBBBBB.', 'BB___BB.', 'BB___BB.']);
  });

  it('shrinks cells and leaves the background around them', () => {
    assert.deepEqual(paint([data(0), data(1)], 8, { zoom: { scale: 0.5, x: 8, y: 4 } }), [
      '................', '................', '....AAA.BBB.....', '....AAA.BBB.....', '....AAA.BBB.....',
      '................', '................', '................',
    ]);
  });
});

describe('rasters', () => {
  it('keep their memory where it is large enough', () => {
    const large = sizeRaster(undefined, 10, 10);
    const small = sizeRaster(large, 5, 4);
    assert.equal(small.data.buffer, large.data.buffer);
    assert.deepEqual([small.data.length, small.width, small.height], [20, 5, 4]);
    assert.notEqual(sizeRaster(small, 11, 10).data.buffer, large.data.buffer);
  });

  it('hold colours with red in the lowest byte', () => {
    assert.equal(pack({ r: 0x12, g: 0x34, b: 0x56, a: 1 }), 0xff563412);
  });

  it('hatch without a seam: each line of a tile is the one above, moved by a pixel', () => {
    const black = { r: 0, g: 0, b: 0, a: 1 };
    const white = { r: 255, g: 255, b: 255, a: 1 };
    const { side, data: tile } = hatch(white, black, 1.5, false);
    assert.equal(side, 9);
    for (let y = 0; y < side; y += 1) {
      for (let x = 0; x < side; x += 1) {
        assert.equal(tile[((y + 1) % side) * side + x], tile[y * side + ((x + 1) % side)]);
      }
    }
    assert.ok(new Set(tile).size > 2, 'lines, ground and what is between');
  });
});
