import { strict as assert } from 'node:assert';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Editor } from './editor';
import { until } from './eventually';
import { Session } from './harness';
import { CLUSTER, MIB, writeQcow2 } from './images';
import { data, noise } from '../fixtures/build/index';
import { makeTempFolder, removeFolder } from '../support/temp';

describe('in a folder that is not trusted', () => {
  const bytes = noise(11, CLUSTER);
  let folder: string;
  let session: Session;
  let editor: Editor;

  before(async () => {
    folder = makeTempFolder('trust');
    mkdirSync(join(folder, 'workspace'));
    writeQcow2(folder, 'outside/secret.qcow2', { size: 4 * MIB, clusters: new Map([[1, data(bytes)]]) });
    const size = 4 * MIB;
    writeQcow2(folder, 'workspace/inside.qcow2', { size, backing: 'base.qcow2', backingFormat: 'qcow2' });
    writeQcow2(folder, 'workspace/base.qcow2', { size, clusters: new Map([[0, data(bytes)]]) });
    writeQcow2(folder, 'workspace/overlay.qcow2', {
      size, backing: '../outside/secret.qcow2', backingFormat: 'qcow2', clusters: new Map([[0, data(bytes)]]),
    });
    session = await Session.start({ folder: join(folder, 'workspace'), trust: true });
    await session.answerTrust(false);
  });

  after(async () => {
    await session.close();
    removeFolder(folder);
  });

  const names = async (): Promise<string[]> => (await editor.cards()).map(({ file }) => file);
  const dialog = () => session.page.locator('.monaco-dialog-box');

  it('an image and its parent in the folder are read', async () => {
    editor = await Editor.open(session, 'inside.qcow2');
    assert.deepEqual(await names(), ['inside.qcow2', 'base.qcow2']);
    assert.equal(await editor.frame.locator('.card.end').count(), 0);
  });

  it('a parent outside is refused, and nothing of it is told', async () => {
    editor = await Editor.open(session, 'overlay.qcow2');
    assert.deepEqual(await names(), ['overlay.qcow2']);
    assert.match(await editor.frame.locator('.card.end').innerText(),
      /not opened[^]*\.\.\/outside\/secret\.qcow2[^]*outside the folder[^]*until you allow it/);
    await editor.goTo(String(CLUSTER));
    await until('it is unknown', () => editor.block(), ({ Owner: owner }) => owner === 'unknown');
    assert.deepEqual([...(await editor.bytes())], []);
  });

  it('stays refused when the question is answered with no', async () => {
    await editor.button('Allow…').click();
    await dialog().waitFor();
    const asked = await dialog().innerText();
    assert.match(asked, /Read a file outside this untrusted workspace\?/);
    assert.ok(asked.includes(join(folder, 'outside', 'secret.qcow2')), asked);
    await dialog().getByRole('button', { name: 'Cancel' }).click();
    await dialog().waitFor({ state: 'detached' });
    assert.deepEqual(await names(), ['overlay.qcow2']);
    assert.ok(await editor.button('Allow…').isVisible());
  });

  it('is read once it is allowed', async () => {
    await editor.button('Allow…').click();
    await dialog().getByRole('button', { name: 'Allow Reading' }).click();
    await editor.card('Base').waitFor();
    assert.deepEqual(await names(), ['overlay.qcow2', 'secret.qcow2']);
    await until('the block is known', () => editor.block(), ({ Owner: owner }) => owner === 'Base');
    await editor.frame.locator('.inspector .dump').waitFor();
    assert.deepEqual(Buffer.from(await editor.bytes()), Buffer.from(bytes.subarray(0, 64)));
  });

  it('changes nothing: what would write or run a program says why it does not', async () => {
    const before = readdirSync(join(folder, 'workspace'));
    for (const command of ['Create Snapshot…', 'Delete Snapshot (Merge)…', 'Relocate Parent…', 'Repair…']) {
      await session.runCommand(`VM Disk: ${command}`);
      await dialog().waitFor();
      assert.match(await dialog().innerText(), /Manage Workspace Trust[^]*needs a trusted workspace/);
      await dialog().getByRole('button', { name: 'Cancel' }).click();
      await dialog().waitFor({ state: 'detached' });
    }
    assert.deepEqual(readdirSync(join(folder, 'workspace')), before);
  });

  it('can still be told what is wrong', async () => {
    await session.runCommand('VM Disk: Diagnose Chain');
    await session.page.locator('.tab.active').filter({ hasText: 'Diagnosis of overlay.qcow2' }).waitFor();
  });

  it('needs nothing from elsewhere and reports no error', () => {
    assert.deepEqual(session.problems, []);
    assert.deepEqual([...session.foreignOrigins], []);
  });
});
