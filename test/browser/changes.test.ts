import { strict as assert } from 'node:assert';
import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Editor } from './editor';
import { becomes, until } from './eventually';
import { Session } from './harness';
import { CLUSTER, MIB, writeQcow2 } from './images';
import { data, noise } from '../fixtures/build/index';
import type { Cluster } from '../fixtures/build/index';
import { makeTempFolder, removeFolder } from '../support/temp';

const SIZE = 256 * MIB;
/** The block that is looked at all the while: the base's first, then the newest layer's. */
const BLOCK = 700;

describe('an image that changes while it is looked at', () => {
  let folder: string;
  let session: Session;
  let editor: Editor;

  /** Puts a newest layer that has some clusters in the place of the one before, in one step. */
  function write(clusters: readonly number[], seed: number): void {
    writeQcow2(folder, 'next.part', {
      size: SIZE,
      backing: 'base.qcow2',
      backingFormat: 'qcow2',
      clusters: new Map(clusters.map((index): [number, Cluster] => [index, data(noise(seed, CLUSTER))])),
    });
    renameSync(join(folder, 'next.part'), join(folder, 'vm.qcow2'));
  }

  before(async () => {
    folder = makeTempFolder('changes');
    const base = data(noise(20, CLUSTER));
    writeQcow2(folder, 'base.qcow2', {
      size: SIZE, clusters: new Map(Array.from({ length: 2000 }, (_, index): [number, Cluster] => [index, base])),
    });
    write([3], 21);
    session = await Session.start({ folder });
    editor = await Editor.open(session, 'vm.qcow2');
  });

  after(async () => {
    await session.close();
    removeFolder(folder);
  });

  const owns = async (name: string): Promise<string> => editor.card(name).locator('.card-owns').innerText();

  /** Where the view stands: the size of a cell, the range on the map, the block selected. */
  const view = async () => ({
    cell: await editor.cellBytes(),
    range: await editor.frame.locator('.range').textContent(),
    selected: await editor.selected(),
  });

  it('is drawn anew, and zoom and selection stay', async () => {
    await editor.goTo(String(BLOCK * CLUSTER));
    await becomes(() => editor.selected(), BLOCK * CLUSTER);
    await session.page.keyboard.press('Enter');
    await becomes(() => editor.cellBytes(), CLUSTER);
    const before = await view();
    assert.equal((await editor.block())['Owner'], 'Base');
    assert.equal(await owns('Current'), 'owns 64 KiB');

    write([3, BLOCK, ...Array.from({ length: 14 }, (_, index) => 1000 + index)], 22);
    await becomes(() => owns('Current'), 'owns 1 MiB');
    await until('the block has its new owner', () => editor.block(), ({ Owner: owner }) => owner === 'Current');
    await becomes(view, before);
    await until('its bytes are the new ones', () => editor.bytes(), (bytes) =>
      Buffer.from(bytes).equals(Buffer.from(noise(22, CLUSTER).subarray(0, 64))));
  });

  it('says when it is gone, and is back when it is', async () => {
    const before = await view();
    rmSync(join(folder, 'vm.qcow2'));
    await editor.frame.locator('.page').waitFor();
    assert.match(await editor.frame.locator('.page').innerText(), /can’t be shown[^]*vm\.qcow2/);
    write([3, BLOCK], 23);
    await editor.counted();
    await becomes(() => owns('Current'), 'owns 128 KiB');
    await becomes(view, before);
  });

  it('stands where it stood after the window was loaded anew', async () => {
    await editor.card('Base').hover();
    await editor.card('Base').getByRole('button', { name: 'As of here' }).click();
    await becomes(() => editor.asOf(), 'Base');
    await editor.picker('Base').click();
    const before = await view();
    assert.equal(before.selected, BLOCK * CLUSTER);
    await session.reload();
    editor = await Editor.inFront(session);
    await becomes(() => editor.asOf(), 'Base');
    await becomes(view, before);
    await becomes(() => editor.isPicked('Base'), true);
  });

  it('needs nothing from elsewhere and reports no error', () => {
    assert.deepEqual(session.problems, []);
    assert.deepEqual([...session.foreignOrigins], []);
  });
});
