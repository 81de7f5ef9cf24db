import { strict as assert } from 'node:assert';
import { assertReadable, violations } from './accessibility';
import { Editor } from './editor';
import { becomes, until } from './eventually';
import { Session } from './harness';
import type { Theme } from './harness';
import { isNear, placeOf, readCells, readGrid, themeColors } from './painted';
import type { Grid } from './painted';
import { ImageTruth } from './truth';

const WIDE = { width: 1770, height: 1140 };

describe('the looks', () => {
  let session: Session;
  let editor: Editor;
  let grid: Grid;
  let truth: ImageTruth;

  before(async () => {
    session = await Session.start(WIDE);
    truth = new ImageTruth(session.folder, 'web01.qcow2');
    editor = await Editor.open(session, 'web01.qcow2');
    await session.runCommand('View: Toggle Primary Side Bar Visibility');
    await session.page.locator('.part.sidebar').waitFor({ state: 'hidden' });
    await editor.drawn();
    grid = await readGrid(editor, await themeColors(editor, 'dark'));
  });

  after(async () => {
    await session.close();
  });

  async function resizeTo(width: number, height: number): Promise<void> {
    await session.page.setViewportSize({ width, height });
    await until('the page has followed', () => editor.frame.evaluate(() => innerWidth), (inner) =>
      inner <= width && inner > width - 60);
  }

  /** The first cell of the whole disk in which an owner has plain data only. */
  function plain(owner: number): number {
    for (let cell = 0; ; cell += 1) {
      const [part, ...others] = truth.parts(cell * grid.cellBytes, (cell + 1) * grid.cellBytes);
      if (part?.owner === owner && part.kind === 'data' && others.length === 0) return cell;
    }
  }

  for (const theme of ['light', 'hc', 'hc-light', 'dark'] satisfies Theme[]) {
    it(`of the theme ${theme}: its colours on the map, text that can be read, no barrier`, async () => {
      await session.setTheme(theme);
      const colors = await themeColors(editor, theme);
      await editor.deselect();
      for (const owner of [0, 3]) {
        await until(`layer ${owner} has its colour`, async () => {
          const [cell] = await readCells(editor.map, [placeOf(grid, plain(owner))], colors.background);
          return cell?.middle ?? '';
        }, (color) => isNear(color, colors.layers[owner] ?? ''));
      }
      await editor.click(placeOf(grid, 0));
      await editor.frame.locator('.parts').waitFor();
      await editor.pointAway();
      await session.screenshot(`sample-${theme}`);
      await assertReadable(editor.frame);
      assert.deepEqual(await violations(editor.frame), []);
    });
  }

  it('of the past', async () => {
    await editor.map.focus();
    await session.page.keyboard.press('[');
    await becomes(() => editor.asOf(), 'before-upgrade');
    await editor.picker('after-install').click();
    await editor.pointAway();
    await session.screenshot('sample-past');
    await assertReadable(editor.frame);
    assert.deepEqual(await violations(editor.frame), []);
    await editor.picker('Current').click();
    await becomes(() => editor.asOf(), 'Current');
    await editor.picker('after-install').click();
  });

  it('of the table', async () => {
    await editor.button('Table').click();
    await editor.frame.locator('.table-view:not(.sr-only)').waitFor();
    await session.screenshot('sample-table');
    await assertReadable(editor.frame);
    assert.deepEqual(await violations(editor.frame), []);
    await editor.button('Table').click();
    await editor.drawn();
  });

  it('of a window that changes its size: never blank', async () => {
    const blank = await editor.frame.evaluateHandle(() => {
      const seen: string[] = [];
      // Comes after the page's own observers and before the browser shows the frame.
      const observer = new ResizeObserver((entries) => {
        for (const { target } of entries) {
          const canvas = target as HTMLCanvasElement;
          const [red, green, blue] = canvas.getContext('2d')?.getImageData(canvas.width - 1, 0, 1, 1).data ?? [];
          if (red === 0 && green === 0 && blue === 0) seen.push(canvas.className);
        }
      });
      for (const canvas of document.querySelectorAll('canvas')) observer.observe(canvas);
      return { seen, observer };
    });
    for (const width of [1600, 1400, 1500, WIDE.width]) {
      await resizeTo(width, WIDE.height);
      await editor.drawn();
    }
    assert.deepEqual(await blank.evaluate(({ seen, observer }) => {
      observer.disconnect();
      return seen;
    }), []);
  });

  describe('in a window of', () => {
    after(() => session.page.setViewportSize(WIDE));

    const resize = async (width: number, height: number): Promise<void> => {
      await resizeTo(width, height);
      await session.screenshot(`sample-${width}x${height}`);
      const [inner, needed] = await editor.frame.evaluate(() => [innerWidth, document.documentElement.scrollWidth]);
      assert.equal(needed, inner, 'nothing reaches past the edge');
      await assertReadable(editor.frame);
      assert.deepEqual(await violations(editor.frame), []);
    };
    const box = async (selector: string) =>
      (await editor.frame.locator(selector).boundingBox()) ?? assert.fail(`${selector} is not on screen`);

    it('1770 × 1140 there are three columns', async () => {
      await resize(1770, 1140);
      const [stack, map, inspector] = [await box('.stack'), await box('.map-canvas'), await box('.inspector')];
      assert.ok(stack.x + stack.width <= map.x && map.x + map.width <= inspector.x);
      assert.ok(map.width > 2 * inspector.width, 'most of it is the map');
    });

    it('1000 × 700 the inspector is below the map', async () => {
      await resize(1000, 700);
      const [stack, map, inspector] = [await box('.stack'), await box('.map-canvas'), await box('.inspector')];
      assert.ok(stack.x + stack.width <= map.x && map.y + map.height <= inspector.y);
      assert.ok(map.height >= 100, `the map is ${map.height} high`);
    });

    it('700 × 900 the layers are a row of chips', async () => {
      await resize(700, 900);
      const tops = await editor.frame.locator('.card').evaluateAll((cards) =>
        cards.map((card) => card.getBoundingClientRect().top));
      assert.equal(new Set(tops).size, 1);
      assert.ok((await box('.card >> nth=0')).y < (await box('.map-canvas')).y);
    });

    it('400 × 800 the table alone remains', async () => {
      await resize(400, 800);
      assert.ok(await editor.frame.getByRole('table').isVisible());
      assert.equal(await editor.map.isVisible(), false);
      assert.deepEqual(await editor.frame.locator('tbody th button').allTextContents(),
        ['Current', 'before-upgrade', 'after-install', 'Base']);
    });
  });

  it('on a screen of twice the resolution: as many pixels as it has, and cells of whole ones', async () => {
    const fine = await session.anotherPage({ ...WIDE, scale: 2 });
    const sharp = await Editor.open({ page: fine }, 'web01.qcow2');
    await sharp.drawn();
    for (const canvas of [sharp.map, sharp.overview]) {
      const { pixels, shown } = await canvas.evaluate((element) =>
        ({ pixels: (element as HTMLCanvasElement).width, shown: element.clientWidth }));
      assert.ok(Math.abs(pixels - 2 * shown) <= 1, `${pixels} pixels for ${shown}`);
    }
    const fineGrid = await readGrid(sharp, await themeColors(sharp, 'dark'));
    assert.ok(Number.isInteger(fineGrid.pitch * 2));
    await session.screenshot('sample-scale2', fine);
    await fine.context().close();
  });

  describe('all the while', () => {
    it('needs nothing from elsewhere and reports no error', () => {
      assert.deepEqual(session.problems, []);
      assert.deepEqual([...session.foreignOrigins], []);
    });
  });
});
