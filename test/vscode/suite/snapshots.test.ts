import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import * as vscode from 'vscode';
import type { Created, Deleted, Diagnosis, Preview, PreviewEnd, Relocated, Repaired } from '../../../src/core';
import { withLeaks } from '../../support/qcow2Patch';
import { lacksQemu, qemuImg, qemuInfo, qemuIo } from '../../support/qemu';
import {
  activeTab,
  api,
  CLUSTER,
  closeAll,
  draw,
  inWorkspace,
  MIB,
  open,
  remove,
  scanned,
  until,
  workspace,
  writeQcow2,
} from './help';

const run = <T>(command: string, ...args: readonly unknown[]): Thenable<T | undefined> =>
  vscode.commands.executeCommand<T | undefined>(command, ...args);

/** What the image reads as, by qemu-img. */
function contentOf(path: string): Buffer {
  const target = `${path}.content`;
  qemuImg(dirname(path), 'convert', '-U', '-O', 'raw', path, target);
  const bytes = readFileSync(target);
  remove(target);
  return bytes;
}

describe('snapshots', () => {
  const at = (name: string): string => inWorkspace('snapshots', name);
  let base: string;
  let middle: string;
  let top: string;
  let editors: Awaited<ReturnType<typeof api>>['editors'];
  before(async () => {
    ({ editors } = await api());
  });
  beforeEach(() => {
    base = writeQcow2(at('disk.base.qcow2'), [0, 1, 2]);
    middle = writeQcow2(at('disk.middle.qcow2'), [1, 5], { backing: 'disk.base.qcow2', backingFormat: 'qcow2' });
    top = writeQcow2(at('disk.qcow2'), [2, 9], { backing: 'disk.middle.qcow2', backingFormat: 'qcow2' });
  });
  afterEach(async () => {
    await run('notifications.clearAll');
    await closeAll();
    remove(join(workspace(), 'snapshots'));
  });

  const layers = (path: string): string[] => {
    const shown = editors.documents.find(({ summary }) => summary?.path === path)?.summary;
    return shown?.layers.map(({ fileName }) => fileName) ?? [];
  };

  describe('making a new layer', () => {
    it('puts it on the image, opens it and lists it in the tree', async () => {
      const before = readFileSync(top);
      const tree = (await api()).tree;
      await run('vmDisk.tree.focus');
      await tree.refresh();
      const created = await run<Created>('vmDisk.createSnapshot', { image: top, name: 'before-upgrade' });
      const overlay = created?.overlay ?? assert.fail('it was made');
      assert.equal(basename(overlay), 'disk.before-upgrade');
      const chain = [basename(overlay), 'disk.qcow2', 'disk.middle.qcow2', 'disk.base.qcow2'];
      await until('its chain', () => layers(overlay).join() === chain.join());
      assert.equal(activeTab()?.uri.fsPath, overlay);
      assert.ok(readFileSync(top).equals(before), 'the base is as it was');
      const below = (name: string): string => `      ${name}`;
      await until('the tree to list it', () => draw(tree.shown()).includes(below('disk.before-upgrade')));
    });

    it('takes the options that it is given', async () => {
      const options = { overlay: at('other.qcow2'), clusterSize: 16384, extendedL2: true, absolute: true };
      const created = await run<Created>('vmDisk.createSnapshot', { image: base, ...options });
      assert.deepEqual(created?.shape, { clusterSize: 16384, extendedL2: true, compat: '1.1' });
      assert.equal(created.backing, base);
    });

    it('never takes the place of a file that is there', async () => {
      const kept = readFileSync(middle);
      assert.equal(await run('vmDisk.createSnapshot', { image: top, overlay: middle }), undefined);
      assert.ok(readFileSync(middle).equals(kept));
    });
  });

  describe('a preview', () => {
    it('shows the disk as it was, and is undone with its file', async () => {
      await scanned(await open(top));
      const preview = (await run<Preview>('vmDisk.previewSnapshot', { image: top, of: middle })) ?? assert.fail();
      const summary = await until('it in front', () => {
        const shown = editors.active?.document.summary;
        return shown?.path === preview.overlay && shown;
      });
      assert.deepEqual([summary.layers[0]?.preview?.of, summary.layers[0]?.preview?.leaf], [middle, top]);
      const end = await run<PreviewEnd>('vmDisk.undoPreview', { image: preview.overlay });
      assert.equal(end?.keeps, top);
      assert.ok(!existsSync(preview.overlay) && existsSync(top));
      await until('the image that was left to be in front', () => activeTab()?.uri.fsPath === top);
      const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs);
      assert.ok(!tabs.some(({ label }) => label === basename(preview.overlay)), 'no tab of what is gone');
    });

    it('is committed: what was newer goes, and its editor with it', async () => {
      await scanned(await open(top));
      const preview = (await run<Preview>('vmDisk.previewSnapshot', { image: top, of: middle })) ?? assert.fail();
      const end = await run<PreviewEnd>('vmDisk.commitPreview', { image: preview.overlay });
      assert.deepEqual(
        end?.removes.map(({ path }) => path),
        [top],
      );
      assert.ok(!existsSync(top) && existsSync(end.keeps));
      await until('no preview any more', () => {
        const shown = editors.documents.find(({ summary }) => summary?.path === end.keeps)?.summary;
        return shown !== undefined && shown.layers[0]?.preview === undefined;
      });
    });
  });

  it('diagnoses a chain, and shows it as a page', async () => {
    renameSync(base, at('renamed.qcow2'));
    const found = (await run<readonly Diagnosis[]>('vmDisk.diagnoseChain', { paths: [top] })) ?? assert.fail();
    assert.ok(
      found.some(({ code, path }) => code === 'parent-missing' && path === middle),
      JSON.stringify(found),
    );
    const labels = (): string[] => vscode.window.tabGroups.all.flatMap((group) => group.tabs).map(({ label }) => label);
    await until('its page', () => labels().includes('Diagnosis of disk.qcow2'));
  });

  it('has a link to what mends it in the Problems panel', async () => {
    renameSync(base, at('renamed.qcow2'));
    await scanned(await open(top));
    const problems = (): readonly vscode.Diagnostic[] => vscode.languages.getDiagnostics(vscode.Uri.file(middle));
    const [problem] = await until('the problem', () => problems().length > 0 && problems());
    const code = problem?.code as { value: string; target: vscode.Uri };
    assert.equal(code.value, 'parent-missing');
    assert.deepEqual([code.target.scheme, code.target.path], ['command', 'vmDisk.relocateParent']);
    assert.deepEqual(JSON.parse(code.target.query), [{ image: middle }]);
  });

  describe('with qemu-img', () => {
    if (lacksQemu()) return;

    it('deletes a layer, and every leaf reads as before', async () => {
      await scanned(await open(top));
      const before = contentOf(top);
      const deleted = await run<Deleted>('vmDisk.deleteSnapshot', { image: middle, confirmed: true });
      assert.ok(deleted?.verified.includes(top), JSON.stringify(deleted));
      assert.ok(!existsSync(middle));
      assert.ok(contentOf(top).equals(before));
      await until('the chain to close over it', () => layers(top).join() === 'disk.qcow2,disk.base.qcow2');
    });

    it('shows a plan first where that was not agreed to, and does nothing', async () => {
      await run('vmDisk.deleteSnapshot', { image: middle });
      const labels = (): string[] =>
        vscode.window.tabGroups.all.flatMap((group) => group.tabs).map(({ label }) => label);
      await until('its page', () => labels().includes('Delete disk.middle.qcow2?'));
      assert.ok(existsSync(middle));
    });

    it('relocates a parent, and mends the image that is open', async () => {
      mkdirSync(at('archive'));
      const moved = join(at('archive'), 'golden.qcow2');
      renameSync(base, moved);
      await scanned(await open(top));
      const answers = { image: middle, parent: moved, parentFormat: 'qcow2', confirmed: true };
      const done = await run<Relocated>('vmDisk.relocateParent', answers);
      assert.equal(done?.backing, 'archive/golden.qcow2');
      assert.equal(qemuInfo(dirname(middle), middle)['backing-filename'], 'archive/golden.qcow2');
      await until('the chain to be whole', () => layers(top).at(-1) === 'golden.qcow2');
    });

    it('repairs what has leaked, and keeps what it changed', async () => {
      const leaky = at('leaky.qcow2');
      writeFileSync(leaky, withLeaks(readFileSync(base), 2));
      const done = await run<Repaired>('vmDisk.repair', { image: leaky, mode: 'leaks', confirmed: true });
      assert.deepEqual([done?.before.leaks, done?.after.leaks], [2, 0]);
      assert.ok(done?.kept !== undefined && existsSync(done.kept));
    });

    it('makes, applies and deletes an internal snapshot', async () => {
      const lone = writeQcow2(at('lone.qcow2'), [0, 1]);
      const image = await open(lone);
      await scanned(image);
      const names = (): string[] | undefined => image.document.summary?.layers[0]?.views.map(({ name }) => name);
      const state = contentOf(lone);
      await run('vmDisk.createInternalSnapshot', { image: lone, name: 'clean', confirmed: true });
      await until('it to be listed', () => names()?.includes('clean'));
      qemuIo(dirname(lone), ['-f', 'qcow2', lone], [`write -P 7 0 ${CLUSTER}`]);
      assert.ok(!contentOf(lone).equals(state));
      await run('vmDisk.applyInternalSnapshot', { image: lone, name: 'clean', confirmed: true });
      assert.ok(contentOf(lone).equals(state), 'the state is back');
      await run('vmDisk.deleteInternalSnapshot', { image: lone, name: 'clean', confirmed: true });
      await until('it to be gone', () => !names()?.includes('clean'));
      assert.equal(contentOf(lone).length, 16 * MIB);
    });
  });
});
