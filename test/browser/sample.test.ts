import { strict as assert } from 'node:assert';
import { Editor } from './editor';
import { becomes, until } from './eventually';
import { Session } from './harness';
import { compareCells, themeColors } from './painted';
import { ImageTruth } from './truth';

describe('the sample', () => {
  let session: Session;
  let editor: Editor;
  let truth: ImageTruth;

  before(async () => {
    session = await Session.start();
    truth = new ImageTruth(session.folder, 'web01.qcow2');
  });

  after(async () => {
    await session.close();
  });

  it('opens from the Explorer, newest layer on top', async () => {
    editor = await Editor.open(session, 'web01.qcow2');
    const cards = await editor.cards();
    assert.deepEqual(cards.map(({ name, format, file }) => [name, format, file]), [
      ['Current', 'qcow2', 'web01.qcow2'],
      ['before-upgrade', 'qcow2', 'web01.before-upgrade.qcow2'],
      ['after-install', 'qcow2', 'web01.after-install.qcow2'],
      ['Base', 'raw', 'web01.img'],
    ]);
    assert.deepEqual(cards.map(({ file }) => file), truth.chain.layers.map(({ filename }) => filename));
  });

  it('paints every block in the colour and pattern of its owner', async () => {
    const colors = await themeColors(editor, 'dark');
    const cells = await editor.cellsAcross(24, 24);
    const { compared } = await until('the map is painted', () => compareCells(editor, cells, truth, colors),
      ({ wrong }) => wrong.length === 0);
    console.log(compared);
  });
});
