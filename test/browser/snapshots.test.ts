import { strict as assert } from 'node:assert';
import { existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { Frame, Locator } from 'playwright-core';
import { assertReadable, violations } from './accessibility';
import { Editor } from './editor';
import { becomes, until } from './eventually';
import { Session } from './harness';
import type { Theme } from './harness';
import { CLUSTER, MIB, writeQcow2 } from './images';
import { editorFrame } from '../../scripts/vscode/workbench.mjs';
import { data, noise } from '../fixtures/build/index';
import type { Cluster } from '../fixtures/build/index';
import { makeTempFolder, removeFolder } from '../support/temp';

const THEMES = ['light', 'hc', 'hc-light', 'dark'] satisfies Theme[];

/** A machine with a past: a base, the layer after its installation, and the one that is written to. */
function writeMachine(folder: string): void {
  const size = 16 * MIB;
  const own = (from: number, to: number): Map<number, Cluster> =>
    new Map(Array.from({ length: to - from }, (_, at) => [from + at, data(noise(from + at + 1, CLUSTER))]));
  writeQcow2(folder, 'web.base.qcow2', { size, clusters: own(0, 40) });
  writeQcow2(folder, 'web.installed.qcow2', {
    size, backing: 'web.base.qcow2', backingFormat: 'qcow2', clusters: own(20, 60),
  });
  writeQcow2(folder, 'web.qcow2', {
    size, backing: 'web.installed.qcow2', backingFormat: 'qcow2', clusters: own(50, 70),
  });
}

describe('snapshots', () => {
  let temporary: string;
  let folder: string;
  let session: Session;
  let editor: Editor;

  before(async () => {
    temporary = makeTempFolder('snapshots');
    // With a folder above that is the test's own: parents are looked for in those beside as well.
    folder = join(temporary, 'vms');
    mkdirSync(folder);
    writeMachine(folder);
    session = await Session.start({ folder, width: 1600 });
    editor = await Editor.open(session, 'web.qcow2');
  });

  after(async () => {
    await session.close();
    removeFolder(temporary);
  });

  const files = async (): Promise<string[]> => (await editor.cards()).map(({ file }) => file);
  const question = (): Locator => session.page.locator('.quick-input-widget:visible');
  const line = (text: string): Locator => question().locator('.monaco-list-row').filter({ hasText: text });
  const dialog = (): Locator => session.page.locator('.monaco-dialog-box');
  const tab = (name: string): Locator => session.page.locator('.tab').filter({ hasText: name });
  const inFront = (name: string): Locator => session.page.locator('.tab.active').filter({ hasText: name });
  const visible = (): string[] => readdirSync(folder).filter((name) => !name.startsWith('.')).sort();

  /** The page of a plan or a diagnosis, once it is in front: written anew, it is another frame. */
  async function sheet(title: string): Promise<Frame> {
    await inFront(title).waitFor();
    let frame = await editorFrame(session.page);
    await until('its page is up', async () => {
      frame = await editorFrame(session.page);
      return frame.locator('.sheet h1').allInnerTexts().catch((): string[] => []);
    }, (headings) => headings.includes(title));
    return frame;
  }

  describe('creating one from the palette', () => {
    it('asks for a name and says which file that makes, or why it makes none', async () => {
      await session.runCommand('VM Disk: Create Snapshot…');
      await question().getByText('The new layer: web.').waitFor();
      await editor.question.fill('a/b');
      await question().getByText('A name has no slashes').waitFor();
      await session.screenshot('snapshot-name');
      await editor.question.fill('before-upgrade');
      await question().getByText('The new layer: web.before-upgrade').waitFor();
      await session.page.keyboard.press('Enter');
    });

    it('makes it with one more Enter, and shows the new layer on top', async () => {
      await line('Create web.before-upgrade').waitFor();
      await session.screenshot('snapshot-options');
      await session.page.keyboard.press('Enter');
      await inFront('web.before-upgrade').waitFor();
      editor = await Editor.inFront(session);
      assert.deepEqual(await files(), [
        'web.before-upgrade', 'web.qcow2', 'web.installed.qcow2', 'web.base.qcow2',
      ]);
      const [newest] = await editor.cards();
      assert.equal(newest?.owns, 'owns nothing');
      await session.page.locator('.notification-toast').getByText('Let the VM use web.before-upgrade').waitFor();
      await session.screenshot('snapshot-created');
      await session.clearNotifications();
    });
  });

  describe('a preview', () => {
    it('of an older layer is chosen among those of the chain, and says what it is', async () => {
      await session.runCommand('VM Disk: Preview Snapshot…');
      await line('web.installed.qcow2').waitFor();
      assert.equal(await line('web.before-upgrade').count(), 0, 'the newest is what is seen already');
      await session.screenshot('preview-pick');
      await line('web.installed.qcow2').click();
      await inFront('web.installed.preview').waitFor();
      editor = await Editor.inFront(session);
      assert.deepEqual(await files(), ['web.installed.preview', 'web.installed.qcow2', 'web.base.qcow2']);
      assert.match(await editor.frame.locator('.preview').innerText(), /Preview of installed[^]*web\.before-upgrade/);
      assert.equal((await editor.cards())[0]?.name, 'Preview');
      await session.clearNotifications();
    });

    for (const theme of THEMES) {
      it(`can be read: ${theme}`, async () => {
        await session.setTheme(theme);
        await session.screenshot(`preview-${theme}`);
        await assertReadable(editor.frame);
        assert.deepEqual(await violations(editor.frame), []);
      });
    }

    it('is undone after its files were told, and leads back', async () => {
      const [top] = await files();
      await editor.button('Undo Preview…').click();
      await dialog().waitFor();
      const text = await dialog().innerText();
      assert.ok(text.includes(join(folder, top ?? '?')), text);
      await session.screenshot('preview-undo');
      await dialog().getByRole('button', { name: 'Undo Preview' }).click();
      await inFront('web.before-upgrade').waitFor();
      await tab(top ?? '?').waitFor({ state: 'detached' });
      assert.deepEqual(visible(), ['web.base.qcow2', 'web.before-upgrade', 'web.installed.qcow2', 'web.qcow2']);
      editor = await Editor.inFront(session);
    });
  });

  describe('deleting one', () => {
    let plan: Frame;

    it('shows the plan first', async () => {
      await session.runCommand('VM Disk: Delete Snapshot (Merge)…');
      await line('web.installed.qcow2').click();
      plan = await sheet('Delete web.installed.qcow2?');
      const text = await plan.locator('.sheet').innerText();
      assert.match(text, /To move[^]*Needed while it runs[^]*Freed in the end/);
      assert.match(text, /web\.qcow2/);
      assert.match(text, /qemu-img (commit|rebase) /);
      assert.ok(existsSync(join(folder, 'web.installed.qcow2')), 'nothing was done yet');
    });

    for (const theme of THEMES) {
      it(`whose plan can be read: ${theme}`, async () => {
        await session.setTheme(theme);
        await session.screenshot(`plan-${theme}`);
        await assertReadable(plan);
        assert.deepEqual(await violations(plan), []);
      });
    }

    it('is done when that is agreed to, and the chain closes over it', async () => {
      await plan.getByRole('button', { name: 'Delete web.installed.qcow2' }).click();
      const done = await sheet('Deleted web.installed.qcow2');
      await session.screenshot('plan-done');
      assert.ok(!existsSync(join(folder, 'web.installed.qcow2')));
      await done.getByRole('button', { name: 'Open web.before-upgrade' }).click();
      await inFront('web.before-upgrade').waitFor();
      editor = await Editor.inFront(session);
      await becomes(files, ['web.before-upgrade', 'web.qcow2', 'web.base.qcow2']);
    });
  });

  describe('a base that was moved', () => {
    before(async () => {
      mkdirSync(join(folder, 'archive'));
      renameSync(join(folder, 'web.base.qcow2'), join(folder, 'archive', 'web.base.qcow2'));
      await editor.frame.locator('.card.end').waitFor();
    });

    it('is told with what mends it on a page of its own', async () => {
      await editor.button('Diagnose').click();
      const page = await sheet('Diagnosis of web.before-upgrade');
      const text = await page.locator('.sheet').innerText();
      assert.match(text, /1 error[^]*web\.qcow2[^]*The parent .*web\.base\.qcow2 is not there/);
      for (const theme of THEMES) {
        await session.setTheme(theme);
        await session.screenshot(`diagnosis-${theme}`);
        await assertReadable(page);
        assert.deepEqual(await violations(page), []);
      }
      await page.getByRole('button', { name: 'Take "web.base.qcow2" as its parent' }).click();
      await dialog().getByRole('button', { name: 'Cancel' }).click();
      await inFront('Diagnosis').locator('.codicon-close').click();
      editor = await Editor.inFront(session);
    });

    it('is a link away in the Problems panel, where no quick fix can stand', async () => {
      await editor.frame.locator('.findings').click();
      const link = session.page.locator('.markers-panel a.monaco-link').filter({ hasText: 'parent-missing' });
      await link.first().click();
      await line('archive').waitFor();
      await session.page.keyboard.press('Escape');
      await session.runCommand('View: Toggle Panel Visibility');
    });

    it('is in the menu of what is missing in the tree', async () => {
      await session.runCommand('VM Disks: Focus on VM Disks View');
      const row = session.page.locator('.monaco-list-row').filter({ hasText: 'web.base.qcow2missing' });
      await row.waitFor();
      await row.click({ button: 'right' });
      await session.page.getByRole('menuitem', { name: 'Relocate Parent…' }).waitFor();
      await session.screenshot('tree-menu-missing');
      await session.page.keyboard.press('Escape');
      const image = session.page.locator('.monaco-list-row').filter({ hasText: 'web.before-upgrade' });
      await image.click({ button: 'right' });
      await session.page.getByRole('menuitem', { name: 'Delete Snapshot (Merge)…' }).waitFor();
      await session.screenshot('tree-menu-image');
      await session.page.keyboard.press('Escape');
    });

    it('is found from the card where it is missing, with what speaks for it', async () => {
      await session.screenshot('moved-base');
      await editor.button('Find the Parent…').click();
      const found = line('archive');
      await found.waitFor();
      await session.screenshot('moved-base-candidates');
      assert.match(await found.innerText(), /certainly|likely/);
      await found.click();
    });

    it('gets its name written after the command was shown', async () => {
      await dialog().waitFor();
      const text = await dialog().innerText();
      assert.match(text, /qemu-img rebase -u/);
      await session.screenshot('moved-base-consent');
      await dialog().getByRole('button', { name: 'Relocate Parent' }).click();
      await editor.frame.locator('.card.end').waitFor({ state: 'detached' });
      await becomes(files, ['web.before-upgrade', 'web.qcow2', 'web.base.qcow2']);
    });
  });

  describe('all the while', () => {
    it('reports no error', () => {
      assert.deepEqual(session.problems, []);
    });
  });
});
