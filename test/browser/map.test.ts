import { strict as assert } from 'node:assert';
import { Editor } from './editor';
import type { HoveredCell, Point } from './editor';
import { becomes, until } from './eventually';
import { Session } from './harness';
import { CLUSTER, KIB, MIB, stepAt, STEPS, writeSteps } from './images';
import { readGrid, themeColors } from './painted';
import { makeTempFolder, removeFolder } from '../support/temp';

describe('the map', () => {
  let folder: string;
  let session: Session;
  let editor: Editor;

  before(async () => {
    folder = makeTempFolder('map');
    writeSteps(folder);
    session = await Session.start({ folder });
    editor = await Editor.open(session, STEPS.file);
  });

  after(async () => {
    await session.close();
    removeFolder(folder);
  });

  beforeEach(async () => {
    await editor.deselect();
    await editor.page.keyboard.press('0');
    await becomes(() => editor.isWhole(), true);
  });

  const press = (...keys: readonly string[]) =>
    keys.reduce<Promise<void>>((last, key) => last.then(() => editor.page.keyboard.press(key)), Promise.resolve());

  /** Waits until the inspector tells of this block, and holds it against what was built. */
  async function isOn(offset: number): Promise<void> {
    await becomes(() => editor.selected(), offset);
    const { Owner: owner, Kind: kind } = await editor.block();
    assert.deepEqual({ owner, kind }, stepAt(offset), `at ${offset}`);
  }

  const cellUnder = (point: Point): Promise<HoveredCell> =>
    until(
      'there is a cell',
      () => editor.cellAt(point),
      (cell) => cell !== undefined,
    ) as Promise<HoveredCell>;

  describe('by keyboard', () => {
    it('is reached with Tab, shows its focus, and is left again', async () => {
      await editor.frame.locator('.file-name').click();
      const stops: { readonly name: string; readonly map: boolean; readonly outline: number }[] = [];
      for (;;) {
        await press('Tab');
        const stop = await editor.frame.evaluate(() => {
          const { activeElement: element } = document;
          if (!document.hasFocus() || !element || element === document.body) return null;
          const ring = element.matches('.map-canvas') ? element.nextElementSibling : element;
          const { outlineStyle, outlineWidth } = getComputedStyle(ring ?? element);
          const label = (element as HTMLInputElement).labels?.[0]?.textContent;
          return {
            name: element.getAttribute('aria-label') ?? label ?? element.textContent,
            map: element.matches('.map-canvas'),
            outline: outlineStyle === 'none' ? 0 : Number.parseFloat(outlineWidth),
          };
        });
        if (!stop) break;
        stops.push(stop);
        assert.ok(
          stops.length < 100,
          `Tab is caught: ${stops
            .slice(-5)
            .map(({ name }) => name)
            .join(', ')}`,
        );
      }
      assert.deepEqual(
        stops.filter(({ outline }) => outline < 1),
        [],
        'no focus unseen',
      );
      assert.deepEqual(
        stops.filter(({ name }) => name.trim() === ''),
        [],
        'no stop without a name',
      );
      const order = stops.map(({ name }) => name.replace(/, 256 MiB$/, ''));
      const known = [
        'As of',
        'Table',
        'Go to…',
        'Compare…',
        'Export…',
        'Refresh',
        'Disk',
        'File',
        'Part of the disk shown in the map',
        'Zoom in',
        `Block map of ${STEPS.file}`,
      ];
      assert.deepEqual(
        order.filter((name) => known.includes(name)),
        known,
      );
      const cards = STEPS.names.map((name) => order.findIndex((stop) => stop.startsWith(`${name}qcow2`)));
      const rising = cards.every((place, index) => place > (cards[index - 1] ?? order.indexOf('Refresh')));
      assert.ok(rising, order.join(' | '));
      await editor.map.focus();
      await press('Shift+Tab', 'Shift+Tab');
      await becomes(() => editor.hasFocus(editor.overview), true);
    });

    it('needs no focus to take the arrows, and has it afterwards', async () => {
      await editor.frame.locator('.file-name').click();
      await becomes(() => editor.frame.evaluate(() => document.activeElement === document.body), true);
      await press('Home', 'ArrowRight');
      await isOn(await editor.cellBytes());
      assert.ok(await editor.hasFocus(editor.map));
    });

    it('keeps the focus while the palette or a question was open, or the image was read again', async () => {
      const hasFocus = () => editor.hasFocus(editor.map);
      await editor.map.focus();
      await press('Home', 'F1');
      await editor.question.waitFor();
      assert.equal(await hasFocus(), false);
      await press('Escape');
      await becomes(hasFocus, true);
      await press('Control+g');
      await editor.question.waitFor();
      await press('Escape');
      await becomes(hasFocus, true);
      await session.runCommand('VM Disk: Refresh');
      await becomes(hasFocus, true);
      await press('ArrowRight');
      await isOn(await editor.cellBytes());
    });

    it('moves from block to block, row to row and page to page', async () => {
      const { columns, cellBytes } = await readGrid(editor, await themeColors(editor, 'dark'));
      await editor.map.focus();
      await press('Home');
      await isOn(0);
      await press('ArrowRight', 'ArrowRight');
      await isOn(2 * cellBytes);
      await press('ArrowLeft');
      await isOn(cellBytes);
      await press('ArrowDown');
      await isOn((columns + 1) * cellBytes);
      await press('ArrowUp', 'ArrowUp');
      await isOn(cellBytes);
      await press('End');
      await isOn(STEPS.size - cellBytes);
      await press('ArrowRight', 'ArrowDown');
      await isOn(STEPS.size - cellBytes);
      await press('PageUp');
      const above = await until(
        'a page further up',
        () => editor.selected(),
        (offset) => offset !== undefined && offset < STEPS.size - columns * cellBytes,
      );
      assert.equal(((STEPS.size - cellBytes - (above ?? NaN)) / cellBytes) % columns, 0, 'in the same column');
      await press('PageDown');
      await isOn(STEPS.size - cellBytes);
    });

    it('tells a screen reader where it is, who answers and how', async () => {
      await editor.map.focus();
      await press('Home');
      await until(
        'the base is announced',
        () => editor.announced(),
        (text) => /^0x0\b.*64 KiB.*data in Base.*2 newer layers/.test(text),
      );
      await press('End');
      await until(
        'nothing is announced',
        () => editor.announced(),
        (text) => /nobody.*zero/.test(text),
      );
      assert.match((await editor.map.getAttribute('aria-label')) ?? '', /steps\.qcow2.*256 MiB/);
      const hint = await editor.map.getAttribute('aria-describedby');
      assert.match((await editor.frame.locator(`#${hint}`).textContent()) ?? '', /Arrow keys.*plus and minus/);
    });

    it('zooms around the selected block, down to one cluster, and back to the whole disk', async () => {
      await editor.goTo(String(STEPS.single));
      await isOn(STEPS.single);
      let size = await editor.cellBytes();
      while (size > CLUSTER) {
        await press('+');
        size = await until(
          'smaller cells',
          () => editor.cellBytes(),
          (now) => now === size / 2,
        );
      }
      await isOn(STEPS.single);
      await press('-');
      await becomes(() => editor.cellBytes(), 2 * CLUSTER);
      await press('0');
      await becomes(() => editor.isWhole(), true);
      await press('Enter');
      await becomes(() => editor.cellBytes(), CLUSTER);
      await isOn(STEPS.single);
    });

    it('goes to the inspector with T, and back up with Escape, one thing at a time', async () => {
      await editor.map.focus();
      await press('Home', 't');
      await becomes(() => editor.hasFocus(editor.frame.locator('.inspector')), true);
      await editor.picker('middle').click();
      await becomes(() => editor.isPicked('middle'), true);
      await press('Escape');
      await becomes(() => editor.isPicked('middle'), false);
      assert.equal(await editor.selected(), 0);
      await press('Escape');
      await becomes(() => editor.selected(), undefined);
    });

    it('goes to an offset, however it is written', async () => {
      await editor.map.focus();
      const ways: readonly (readonly [string, number])[] = [
        [`0x${STEPS.single.toString(16)}`, STEPS.single],
        [String(STEPS.packed), STEPS.packed],
        [`${(100 * CLUSTER) / 512}s`, 100 * CLUSTER],
        ['65600K', 65600 * KIB],
        ['1M', MIB],
        ['0.125 GiB', 128 * MIB],
        ['+64K', 128 * MIB + CLUSTER],
        ['0x1_0000', CLUSTER],
      ];
      for (const [text, offset] of ways) {
        await editor.goTo(text);
        await isOn(offset);
        await becomes(() => editor.hasFocus(editor.map), true);
      }
    });

    it('says what is wrong with an offset, and stays where it is', async () => {
      await editor.map.focus();
      await press('Home', 'Control+g');
      for (const [text, why] of [
        ['257M', /past the end/i],
        ['kilroy', /no offset/i],
      ] as const) {
        await editor.question.waitFor();
        await editor.question.fill(text);
        const message = editor.page.locator('.quick-input-message');
        await until(
          `${text} is refused`,
          () => message.innerText(),
          (said) => why.test(said),
        );
        await press('Enter');
        assert.ok(await editor.question.isVisible(), 'it still asks');
      }
      await press('Escape');
      await editor.question.waitFor({ state: 'hidden' });
      await isOn(0);
    });

    it('traces a read at an offset', async () => {
      await session.runCommand('VM Disk: Trace Read at Offset…');
      await editor.answer(`0x${STEPS.packed.toString(16)}`);
      await isOn(STEPS.packed);
      assert.deepEqual(await editor.walk(), [
        'Current: not here',
        'middle: data, compressed',
        'Base: hidden, holds older data',
      ]);
      await becomes(() => editor.hasFocus(editor.frame.locator('.inspector')), true);
      assert.deepEqual(Buffer.from(await editor.bytes()), Buffer.from(STEPS.bytes.packed.subarray(0, 64)));
    });

    it('travels with the brackets', async () => {
      await editor.map.focus();
      await press('[');
      await becomes(() => editor.asOf(), 'middle');
      await press('[', ']', ']');
      await becomes(() => editor.asOf(), 'Current');
    });
  });

  describe('by mouse', () => {
    const isCluster = ({ start, end }: HoveredCell): boolean => end - start === CLUSTER;
    const middle = async (): Promise<Point> => {
      const { width, height } = await editor.mapSize();
      return { x: width * 0.6, y: height * 0.4 };
    };

    it('zooms with the wheel around what is under the pointer, down to one cluster and back', async () => {
      const point = await middle();
      const first = await cellUnder(point);
      let outer = first;
      while (outer.end - outer.start > CLUSTER) {
        await editor.wheel(point, -1);
        const inner = await until(
          'a smaller cell',
          () => cellUnder(point),
          ({ start, end }) => end - start === (outer.end - outer.start) / 2,
        );
        assert.ok(inner.start >= outer.start && inner.end <= outer.end, `${inner.start} is not in ${outer.start}`);
        outer = inner;
      }
      await editor.click(point);
      await isOn(outer.start);
      await editor.deselect();
      await editor.wheel(point, 12);
      await becomes(() => editor.isWhole(), true);
      const { start, end } = await cellUnder(point);
      assert.deepEqual({ start, end }, { start: first.start, end: first.end });
    });

    it('zooms in with a double click', async () => {
      const point = await middle();
      const before = await cellUnder(point);
      const { x, y } = await editor.onPage(point);
      await editor.page.mouse.dblclick(x, y);
      const after = await until(
        'a smaller cell',
        () => cellUnder(point),
        ({ start, end }) => end - start < before.end - before.start,
      );
      assert.ok(after.start >= before.start && after.end <= before.end);
      // Its first half is a click; the next test must not meet the answer to that.
      await until(
        'the block is chosen',
        () => editor.selected(),
        (selected) => selected !== undefined,
      );
    });

    it('scrolls with a drag, what was gripped staying under the pointer', async () => {
      const point = await middle();
      await editor.wheel(point, -3);
      await becomes(() => editor.isWhole(), false);
      const gripped = await until('the zoom rests', () => cellUnder(point), isCluster);
      const from = await editor.onPage(point);
      const to = { x: point.x, y: point.y + 90 };
      await editor.page.mouse.down();
      await editor.page.mouse.move(from.x, from.y + 90, { steps: 5 });
      await editor.page.mouse.up();
      const dropped = await until(
        'it came along',
        () => cellUnder(to),
        ({ start }) => start === gripped.start,
      );
      assert.equal(dropped.end, gripped.end);
      assert.equal(await editor.selected(), undefined, 'a drag is no click');
    });

    it('scrolls with Shift and the wheel', async () => {
      const point = await middle();
      await editor.wheel(point, -3);
      const before = await until('the zoom rests', () => cellUnder(point), isCluster);
      await press('Shift+ArrowDown');
      await until(
        'it has moved on',
        () => cellUnder(point),
        ({ start }) => start > before.start,
      );
      await editor.page.keyboard.down('Shift');
      await editor.page.mouse.wheel(0, -100);
      await editor.page.keyboard.up('Shift');
      await until(
        'it has moved back',
        () => cellUnder(point),
        ({ start }) => start <= before.start,
      );
      assert.equal(await editor.cellBytes(), CLUSTER, 'no zoom');
    });

    it('goes where the overview is pressed', async () => {
      await editor.map.focus();
      await press('+', '+');
      await becomes(() => editor.cellBytes(), CLUSTER);
      const strip = await editor.overview.boundingBox();
      assert.ok(strip);
      const shows = async (share: number): Promise<void> => {
        const { width, height } = await editor.mapSize();
        const center = { x: width / 2, y: height / 2 };
        await until(
          `${share} of the disk is in the middle`,
          () => cellUnder(center),
          ({ start }) => Math.abs(start / STEPS.size - share) < 0.02,
        );
        const told = Number(await editor.overview.getAttribute('aria-valuenow'));
        assert.ok(Math.abs(told / 100 - share) < 0.03, `${told}%`);
      };
      await editor.page.mouse.click(strip.x + strip.width * 0.2, strip.y + strip.height / 2);
      await shows(0.2);
      await editor.page.mouse.move(strip.x + strip.width * 0.2, strip.y + strip.height / 2);
      await editor.page.mouse.down();
      await editor.page.mouse.move(strip.x + strip.width * 0.4, strip.y + strip.height / 2, { steps: 4 });
      await editor.page.mouse.up();
      await shows(0.4);
    });

    it('zooms with its buttons, which know where there is no further', async () => {
      assert.ok(await editor.button('Zoom out').isDisabled());
      const whole = await editor.cellBytes();
      await editor.button('Zoom in').click();
      await becomes(() => editor.cellBytes(), whole / 2);
      while (await editor.button('Zoom in').isEnabled()) await editor.button('Zoom in').click();
      await becomes(() => editor.cellBytes(), CLUSTER);
      await editor.button('Zoom out').click();
      await becomes(() => editor.button('Zoom in').isEnabled(), true);
      await editor.button('whole disk').click();
      await becomes(() => editor.isWhole(), true);
    });
  });

  describe('all the while', () => {
    it('labels its rows in the font that the page gives it', async () => {
      const fonts = await editor.frame.evaluate(() => {
        const canvas = document.querySelector<HTMLCanvasElement>('canvas.map-canvas');
        return canvas && { drawn: canvas.getContext('2d')?.font, given: getComputedStyle(canvas).fontFamily };
      });
      assert.equal(fonts?.drawn, `11px ${fonts?.given}`);
    });

    it('needs nothing from elsewhere and reports no error', () => {
      assert.deepEqual(session.problems, []);
      assert.deepEqual([...session.foreignOrigins], []);
    });
  });
});
