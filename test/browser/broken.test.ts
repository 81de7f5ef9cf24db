import { strict as assert } from 'node:assert';
import { assertReadable, violations } from './accessibility';
import { Editor } from './editor';
import { becomes, until } from './eventually';
import { Session } from './harness';
import { MIB, ORPHANED, writeBroken, writeParent } from './images';
import { count, placeOf, readCells, readGrid, themeColors } from './painted';
import { tells } from './text';
import { makeTempFolder, removeFolder } from '../support/temp';

describe('a broken image', () => {
  let folder: string;
  let session: Session;

  before(async () => {
    folder = makeTempFolder('broken');
    writeBroken(folder);
    session = await Session.start({ folder });
  });

  after(async () => {
    await session.close();
    removeFolder(folder);
  });

  beforeEach(() => session.closeEditors());

  /** What the Problems panel lists, once it lists something. */
  async function problems(): Promise<string> {
    const list = session.page.locator('.markers-panel .monaco-list-row .marker-message-details-container');
    await list.first().waitFor();
    return (await list.allInnerTexts()).join('\n');
  }

  /** The text of a page that stands where the picture would. */
  async function page(): Promise<string> {
    return (await session.editor()).locator('.page-body').innerText();
  }

  it('without its parent says so where the parent should be, and hatches what that would answer', async () => {
    const editor = await Editor.open(session, 'orphan.qcow2');
    const card = editor.frame.locator('.card.end');
    assert.match(await card.innerText(), /Parent is missing[^]*gone\/base\.qcow2[^]*is not there/);
    await session.screenshot('broken-chain');
    await assertReadable(editor.frame);
    assert.deepEqual(await violations(editor.frame), []);
    const edge = await card.evaluate((element) => getComputedStyle(element).borderTopStyle);
    assert.equal(edge, 'dashed');

    const colors = await themeColors(editor, 'dark');
    const grid = await readGrid(editor, colors);
    const look = async (offset: number) => {
      const place = placeOf(grid, Math.floor(offset / grid.cellBytes));
      const [cell] = await readCells(editor.map, [place], colors.background);
      return cell ?? assert.fail();
    };
    const owned = await look(0);
    assert.ok(count(owned.colors, colors.layers[0] ?? '') > 0, JSON.stringify(owned));
    const lacking = await look(16 * MIB);
    assert.ok(count(lacking.colors, colors.unknown) > 0, JSON.stringify(lacking));
    assert.ok(Object.keys(lacking.colors).length > 2, 'a pattern, not a colour');

    await editor.button('Table').click();
    const unknown = editor.frame.locator('.table-view tfoot tr').filter({ hasText: /^unknown/ });
    assert.ok(tells(await unknown.locator('td.number').innerText(), ORPHANED));
    await editor.button('Table').click();

    await editor.click(placeOf(grid, Math.floor((16 * MIB) / grid.cellBytes)));
    await becomes(async () => (await editor.block())['Owner'], 'unknown');
    assert.match(await editor.frame.locator('.inspector').innerText(), /orphan: not here/);
  });

  it('is listed in the Problems panel, from the header', async () => {
    const editor = await Editor.open(session, 'orphan.qcow2');
    await editor.button('1 error').click();
    await until('the missing parent is listed', problems, (text) => /gone.base\.qcow2.*is not there/.test(text));
    await session.closeEditors();
    await session.page.locator('.markers-panel .message-box-container').getByText('No problems').waitFor();
    await session.runCommand('View: Hide Panel');
  });

  it('is whole again when its parent is put there', async () => {
    const editor = await Editor.open(session, 'orphan.qcow2');
    await editor.frame.locator('.card.end').waitFor();
    writeParent(folder);
    await editor.frame.locator('.card.end').getByRole('button', { name: 'Look again' }).click();
    await editor.frame.locator('.card.end').waitFor({ state: 'detached' });
    assert.deepEqual((await editor.cards()).map(({ name }) => name), ['Current', 'Base']);
  });

  it('that stands on itself is drawn up to there', async () => {
    const editor = await Editor.open(session, 'loop-a.qcow2');
    assert.deepEqual((await editor.cards()).map(({ file }) => file), ['loop-a.qcow2', 'loop-b.qcow2']);
    assert.match(await editor.frame.locator('.card.end').innerText(), /runs in a circle[^]*loop-a\.qcow2/);
  });

  it('with a folder for a parent says that', async () => {
    const editor = await Editor.open(session, 'over-folder.qcow2');
    assert.match(await editor.frame.locator('.card.end').innerText(), /not opened[^]*folder, not a disk image/);
  });

  it('that was cut short keeps what is left, and marks what is not', async () => {
    const editor = await Editor.open(session, 'cut.qcow2');
    assert.match(await editor.card('cut').innerText(), /file ends before[^]*cut short: copy it anew/i);
    const colors = await themeColors(editor, 'dark');
    const grid = await readGrid(editor, colors);
    const [cell] = await readCells(editor.map, [placeOf(grid, 0)], colors.background);
    assert.ok(cell && count(cell.colors, colors.invalid) > 0, JSON.stringify(cell));
    assert.ok(await editor.frame.locator('.legend').getByText('broken').isVisible());
  });

  it('whose tables are past its end is not called empty', async () => {
    const editor = await Editor.open(session, 'far-table.qcow2');
    assert.match(await editor.card('far-table').innerText(), /file ends before/i);
    assert.equal(await editor.frame.getByText('Nothing has been written').count(), 0);
  });

  for (const [name, what] of [
    ['absurd-size.qcow2', /more than any real disk/],
    ['absurd-cluster.qcow2', /2\^63 bytes/],
    ['cut-header.qcow2', /ends inside the qcow2 header[^]*56 bytes[^]*copy it anew/],
    ['unknown-feature.qcow2', /feature bit 40/],
  ] as const) {
    it(`with an impossible header says what and where: ${name}`, async () => {
      await session.openImage(name);
      const text = await page();
      assert.match(text, what);
      assert.ok(text.includes(name) && text.includes('at byte 0x'), 'the file and the place in it');
      assert.match(text, /51\s+46\s+49\s+fb/, 'the first bytes');
      await assertReadable(await session.editor());
      assert.deepEqual(await violations(await session.editor()), []);
      const again = (await session.editor()).getByRole('button', { name: 'Try again' });
      await again.click();
      await becomes(page, text);
    });
  }

  it('with a table that is absurdly large is shown without it', async () => {
    const editor = await Editor.open(session, 'absurd-table.qcow2');
    assert.match(await editor.card('absurd-table').innerText(), /could not be read[^]*4294967295 entries/);
  });

  it('that is no image at all gets a friendly page, and can be opened all the same', async () => {
    await session.openImage('wrong-magic.qcow2');
    await session.screenshot('no-image');
    assert.deepEqual(await violations(await session.editor()), []);
    assert.match(await page(), /not a disk image[^]*wrong-magic\.qcow2 is .*192 KiB/);
    await (await session.editor()).getByRole('button', { name: 'Open as raw disk anyway' }).click();
    const editor = await Editor.inFront(session);
    assert.deepEqual((await editor.cards()).map(({ format }) => format), ['raw']);
  });

  it('that is empty says so', async () => {
    await session.openImage('empty.qcow2');
    assert.match(await page(), /empty\.qcow2 is an empty file[^]*copy may have failed/);
  });

  describe('any other file', () => {
    it('opens from the menu of the Explorer as the raw disk that it is', async () => {
      await session.chooseInExplorer('disk.img', 'Open as Disk Image…');
      const editor = await Editor.inFront(session);
      const [card] = await editor.cards();
      assert.deepEqual([card?.file, card?.format], ['disk.img', 'raw']);
    });

    it('that is a picture is told to be one, and opens as text', async () => {
      await session.chooseInExplorer('picture.png', 'Open as Disk Image…');
      assert.match(await page(), /not a disk image[^]*picture\.png is a PNG picture[^]*89\s+50\s+4e\s+47/);
      await (await session.editor()).getByRole('button', { name: 'Open as text' }).click();
      await session.page.locator('.tab.active').getByText('picture.png').waitFor();
      await session.page.locator('.monaco-editor-pane-placeholder, .editor-instance .monaco-editor').first().waitFor();
    });
  });

  describe('all the while', () => {
    it('needs nothing from elsewhere and reports no error', () => {
      assert.deepEqual(session.problems, []);
      assert.deepEqual([...session.foreignOrigins], []);
    });
  });
});
