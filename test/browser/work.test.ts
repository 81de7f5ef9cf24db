import { strict as assert } from 'node:assert';
import { assertReadable, violations } from './accessibility';
import { Editor } from './editor';
import { becomes, until } from './eventually';
import { Session } from './harness';
import type { Theme } from './harness';
import { CLUSTER, FAULTY, writeFaulty } from './images';
import { count, placeOf, readCells, readGrid, themeColors } from './painted';
import type { Grid, PaintedCell } from './painted';
import { makeTempFolder, removeFolder } from '../support/temp';

const THEMES = ['light', 'hc', 'hc-light', 'dark'] satisfies Theme[];

describe('work on an image', () => {
  let folder: string;
  let places: ReturnType<typeof writeFaulty>;
  let session: Session;
  let editor: Editor;

  before(async () => {
    folder = makeTempFolder('work');
    places = writeFaulty(folder);
    session = await Session.start({ folder, width: 1600 });
    editor = await Editor.open(session, FAULTY.file);
    await editor.drawn();
  });

  after(async () => {
    await session.close();
    removeFolder(folder);
  });

  const press = async (...keys: readonly string[]): Promise<void> => {
    for (const key of keys) await editor.page.keyboard.press(key);
  };

  /** How the cells lie on the map that is shown; made out where cells are filled, and the same in every theme. */
  let grid: Grid;
  const measure = async (): Promise<void> => {
    await editor.drawn();
    grid = await readGrid(editor, await themeColors(editor, 'dark'));
  };

  /** The cell of the map around a place, of the disk or of the file. */
  async function look(offset: number, theme: Theme = 'dark'): Promise<PaintedCell> {
    await editor.pointAway();
    await editor.drawn();
    const colors = await themeColors(editor, theme);
    const { x, y } = placeOf(grid, Math.floor(offset / grid.cellBytes));
    // In high contrast hollow cells are as black as what is between them: their rim is looked at.
    const out = theme === 'hc' || theme === 'hc-light' ? grid.pitch / 2 - 2 : 0;
    const [cell] = await readCells(editor.map, [{ x: x - out, y: y - out }], colors.background);
    return cell ?? assert.fail(`there is a cell at ${offset}`);
  }

  const legend = () => editor.frame.locator('.legend li').allInnerTexts();

  const inspects = (label: string) => async () => (await editor.block())[label];

  describe('that compares it with its own base', () => {
    before(async () => {
      await session.runCommand('VM Disk: Compare with…');
      await editor.answer(FAULTY.base);
      await editor.frame.locator('.comparison').waitFor();
      await measure();
    });

    // Clusters 4, 7, 8 and 200, of which 7 and 8 are one range.
    it('says above the map how much differs, and tells who does not see it', async () => {
      const words = 'Compared with faulty.base.qcow2: 256 KiB in 3 ranges differ.';
      const isTold = (text: string | null): boolean => text?.includes(words) === true;
      assert.ok(isTold(await editor.frame.locator('.compared').innerText()));
      assert.ok(isTold(await editor.frame.locator('.table-view').textContent()));
      await until('it was announced', () => editor.announced(), isTold);
      assert.match(await editor.frame.locator('.status-hints').innerText(), /N next difference/);
    });

    it('goes from one difference to the next, back, and round', async () => {
      await editor.map.focus();
      const at = (cluster: number) => becomes(() => editor.selected(), cluster * CLUSTER);
      await press('n');
      await at(4);
      await press('n');
      await at(7);
      await becomes(() => editor.frame.locator('.difference-place').innerText(), '2 of 3');
      await editor.button('Next difference').click();
      await at(200);
      await press('n');
      await at(4);
      await press('Shift+N');
      await at(200);
      await editor.button('Previous difference').click();
      await at(7);
      await editor.deselect();
    });

    for (const theme of THEMES) {
      it(`lets what is the same fade, and rims what differs: ${theme}`, async () => {
        await session.setTheme(theme);
        const colors = await themeColors(editor, theme);
        const [newest = ''] = colors.layers;
        const differs = await until(
          'the cell has its colours',
          () => look(4 * CLUSTER, theme),
          ({ rim, width }) => count(rim, colors.different) === width,
        );
        assert.ok(count(differs.colors, newest) > 0, 'what differs keeps its colour');
        const same = await look(FAULTY.same * CLUSTER, theme);
        assert.equal(count(same.colors, colors.different), 0);
        // The same owner: faded to another colour, in high contrast to an outline.
        assert.ok(count(same.colors, newest) < (same.width * same.height) / 2);
        assert.ok((await legend()).includes('different'));
        await session.screenshot(`compared-${theme}`);
        await assertReadable(editor.frame);
        assert.deepEqual(await violations(editor.frame), []);
      });
    }

    it('is put away', async () => {
      await editor.button('end comparison').click();
      await editor.frame.locator('.comparison').waitFor({ state: 'hidden' });
      await measure();
      const colors = await themeColors(editor, 'dark');
      await until(
        'all colours are back',
        () => look(FAULTY.same * CLUSTER),
        (cell) => count(cell.colors, colors.layers[0] ?? '') === cell.width * cell.height,
      );
    });
  });

  describe('that checks its base', () => {
    it('is offered where the map of the file would be, and is a key away', async () => {
      await editor.picker('Base').click();
      await editor.map.focus();
      await press('f');
      const check = editor.button('Check Image');
      await becomes(() => editor.hasFocus(check), true);
      assert.match(await editor.frame.locator('.file-gate').innerText(), /faulty\.base\.qcow2/);
      await assertReadable(editor.frame);
      assert.deepEqual(await violations(editor.frame), []);
      await press('Enter');
      await editor.frame.locator('.map-canvas.of-file[aria-busy="false"]').waitFor();
      await becomes(() => editor.card('Base').locator('.card-check').innerText(), '2 corruptions, 2 leaked clusters');
      await until(
        'it was announced',
        () => editor.announced(),
        (text) => text.includes('faulty.base.qcow2: 2 corruptions, 2 leaked clusters.'),
      );
    });

    // Header, refcount table and block, L1, L2; 48 clusters of data less the one that is counted as free.
    it('tells what the file is used for', async () => {
      await measure();
      assert.match(await editor.frame.locator('.whole').innerText(), /The file faulty\.base\.qcow2/);
      const all = (await legend()).map((text) => text.replace(/\s+/g, ' '));
      for (const entry of [
        'counted too low 64 KiB',
        'leaked 128 KiB',
        'data 2.94 MiB',
        'header 64 KiB',
        'refcounts 128 KiB',
      ]) {
        assert.ok(all.includes(entry), `${entry} in ${all.join(', ')}`);
      }
    });

    for (const theme of THEMES) {
      it(`draws each use in its own way: ${theme}`, async () => {
        await session.setTheme(theme);
        const colors = await themeColors(editor, theme);
        await until(
          'the header is solid',
          () => look(0, theme),
          (cell) => count(cell.colors, colors.header) === cell.width * cell.height,
        );
        // Lines on black are no box to be made out.
        if (theme === 'dark' || theme === 'light') {
          const leaked = await look(places.leaked * CLUSTER, theme);
          const lines = count(leaked.colors, colors.leaked);
          assert.ok(lines > 0 && lines < (leaked.width * leaked.height) / 2, 'leaks are hatched');
          const wrong = await look(places.uncounted * CLUSTER, theme);
          assert.ok(count(wrong.colors, colors.invalid) > 0 && count(wrong.colors, colors.damaged) > 0);
        }
        await session.screenshot(`file-${theme}`);
        await assertReadable(editor.frame);
        assert.deepEqual(await violations(editor.frame), []);
      });
    }

    it('says what lies at a place, what is wrong there, and leads to the guest’s bytes and back', async () => {
      await editor.map.focus();
      await press('Home');
      await becomes(inspects('Use'), 'header');
      for (let cluster = 0; cluster < places.uncounted; cluster += 1) await press('ArrowRight');
      await becomes(inspects('Cluster'), String(places.uncounted));
      await becomes(inspects('Use'), 'counted too low');
      const problem = editor.frame.locator('.problem-here').first();
      await problem.getByRole('button', { name: 'guest 0x5_0000 – 0x6_0000' }).click();
      await becomes(() => editor.selected(), FAULTY.uncounted * CLUSTER);
      assert.equal(await editor.frame.locator('.map-canvas.of-file').count(), 0, 'the disk is shown');
      await editor.frame.locator('.problem-here').first().waitFor();
      await editor.frame.locator('.values .link.plain').click();
      await becomes(inspects('Cluster'), String(places.uncounted));
      await press('f');
      await becomes(() => editor.frame.locator('.map-canvas.of-file').count(), 0);
      await measure();
    });

    it('marks on the disk what a problem touches, and nothing else', async () => {
      await editor.deselect();
      const colors = await themeColors(editor, 'dark');
      await until(
        'the corner',
        () => look(FAULTY.uncounted * CLUSTER),
        (cell) => count(cell.colors, colors.damaged) > 0,
      );
      assert.equal(count((await look((FAULTY.uncounted + 1) * CLUSTER)).colors, colors.damaged), 0);
      assert.ok((await legend()).includes('damaged'));
      assert.match(await editor.frame.locator('.findings').innerText(), /error/);
      await assertReadable(editor.frame);
    });

    it('tells nothing of the disk over the map of the file, where the pointer rests', async () => {
      const tooltip = async () => (await editor.frame.locator('.tooltip.shown').allInnerTexts()).join('');
      // Far down, where the map of the file has no cells: there is nothing that would take the tooltip's place.
      const place = placeOf(grid, 255);
      await editor.picker('Base').click();
      await editor.map.click({ position: place });
      const ofDisk = await until('the tooltip', tooltip, (text) => text !== '');
      await press('f');
      await editor.frame.locator('.map-canvas.of-file[aria-busy="false"]').waitFor();
      const resting = await tooltip();
      await editor.pointAt({ x: place.x + 1, y: place.y });
      const ofFile = await tooltip();
      assert.notEqual(ofFile, ofDisk);
      assert.ok(resting === '' || resting === ofFile, `${resting} is no word of ${ofFile}`);
      assert.match(await editor.frame.locator('.status-hints').innerText(), /whole file/);
      await press('f');
    });
  });

  describe('all the while', () => {
    it('reports no error', () => {
      assert.deepEqual(session.problems, []);
    });
  });
});
