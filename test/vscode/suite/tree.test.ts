import assert from 'node:assert/strict';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { nodePath } from '../../../src/extension/tree/families';
import type { FamilyNode } from '../../../src/extension/tree/families';
import { nodeLabel } from '../../../src/extension/tree/present';
import type { ShownNode } from '../../../src/extension/tree/view';
import { buildQcow2, data, noise, writeImage } from '../../fixtures/build/index';
import {
  activeTab, api, closeAll, CLUSTER, draw, everyNode, inWorkspace, open, remove, scanned, until, workspace, writeQcow2,
} from './help';

describe('the tree of VM Disks', () => {
  const at = (name: string): string => inWorkspace('tree', name);
  const over = (backing: string) => ({ backing, backingFormat: 'qcow2' });

  before(() => {
    writeQcow2(at('base.qcow2'), [0, 1, 2]);
    writeQcow2(at('mid.qcow2'), [2, 3], over('base.qcow2'));
    writeQcow2(at('left.qcow2'), [3], over('mid.qcow2'));
    writeQcow2(at('right.qcow2'), [8, 9], over('mid.qcow2'));
    writeQcow2(at('lost-a.qcow2'), [1], over('vanished.qcow2'));
    writeQcow2(at('lost-b.qcow2'), [1], over('vanished.qcow2'));
    writeQcow2(at('mid.after-update'), [5], over('mid.qcow2'));
    const now = data(noise(1, CLUSTER));
    const snapshots = [{ id: '1', name: 'clean', clusters: new Map([[0, now]]), date: 1_600_000_000 }];
    const bitmaps = [{ name: 'nightly', granularityBits: 16, dirty: [] }];
    const spec = { size: 16 * 2 ** 20, clusters: new Map([[0, now]]), snapshots, bitmaps };
    writeImage(at('vm.qcow2'), buildQcow2(spec).image);
  });
  after(async () => {
    await closeAll();
    remove(join(workspace(), 'tree'));
  });

  async function looked(): Promise<readonly ShownNode[]> {
    const { tree } = await api();
    await tree.refresh();
    return tree.shown();
  }
  const inFolder = (nodes: readonly ShownNode[]): ShownNode[] =>
    nodes.filter(({ path }) => path?.startsWith(join(workspace(), 'tree')));
  const named = (nodes: readonly ShownNode[], label: string): ShownNode => {
    const node = [...everyNode(nodes)].find((each) => each.label === label);
    assert(node, `no ${label} in ${draw(nodes).join(', ')}`);
    return node;
  };

  it('shows families: branches, a missing parent, snapshots and bitmaps', async () => {
    assert.deepEqual(draw(inFolder(await looked())), [
      'base.qcow2',
      '  mid.qcow2',
      '    left.qcow2',
      '    mid.after-update',
      '    right.qcow2',
      'vanished.qcow2',
      '  lost-a.qcow2',
      '  lost-b.qcow2',
      'vm.qcow2',
      '  clean',
      '  nightly',
    ]);
  });

  it('shows the sample, its branch and its image without a parent', async () => {
    const nodes = await looked();
    const { children } = named(nodes, 'web01.before-upgrade.qcow2');
    assert.equal(children.filter(({ context }) => context === 'image.leaf').length, 2);
    assert.equal(named(nodes, 'db01.snapshot.qcow2').context, 'image.leaf');
    assert.ok(nodes.some(({ context }) => context === 'broken.missing'));
  });

  it('says what each layer owns, as a range where branches differ', async () => {
    const nodes = inFolder(await looked());
    assert.match(named(nodes, 'left.qcow2').description, /^owns 64 KiB · /);
    assert.match(named(nodes, 'right.qcow2').description, /^owns 128 KiB · /);
    assert.match(named(nodes, 'mid.qcow2').description, /^owns 64 KiB to 128 KiB · /);
    assert.match(named(nodes, 'base.qcow2').description, /^owns 128 KiB · /);
  });

  it('tells problems at a glance', async () => {
    const nodes = inFolder(await looked());
    assert.equal(named(nodes, 'lost-a.qcow2').problems, '1 error');
    assert.equal(named(nodes, 'left.qcow2').problems, '');
    assert.equal(named(nodes, 'vanished.qcow2').context, 'broken.missing');
  });

  it('takes in an image that comes while it is shown, and lets go of one that goes', async () => {
    await vscode.commands.executeCommand('vmDisk.tree.focus');
    const { tree } = await api();
    await tree.refresh();
    const labels = (): string[] => draw(inFolder(tree.shown()));
    const path = writeQcow2(at('newcomer.qcow2'), [1], over('left.qcow2'));
    await until('the new overlay', () => labels().includes('      newcomer.qcow2'));
    remove(path);
    await until('the overlay to go', () => !labels().some((label) => label.includes('newcomer')));
  });

  it('selects the active editor’s image, and the layer that is selected there', async () => {
    await vscode.commands.executeCommand('vmDisk.tree.focus');
    const { tree } = await api();
    await tree.refresh();
    const image = await open(join(workspace(), 'tree', 'left.qcow2'));
    await scanned(image);
    await until('the image in the tree', () => tree.selected() === join(workspace(), 'tree', 'left.qcow2'));
    await vscode.commands.executeCommand('vmDisk.goToOffset', '0');
    await until('the owner in the tree', () => tree.selected() === join(workspace(), 'tree', 'base.qcow2'));
    assert.equal(activeTab()?.uri.fsPath, join(workspace(), 'tree', 'left.qcow2'));
  });

  /** A node of the test's folder by the names on the way to it. */
  async function nodeAt(...labels: readonly string[]): Promise<FamilyNode> {
    const { tree } = await api();
    await tree.refresh();
    let level = tree.getChildren().filter((node) => nodePath(node)?.startsWith(join(workspace(), 'tree')));
    let found: FamilyNode | undefined;
    for (const label of labels) {
      found = level.find((node) => nodeLabel(node) === label);
      assert(found, label);
      level = [...tree.getChildren(found)];
    }
    assert(found);
    return found;
  }
  const run = (command: string, node: FamilyNode): Thenable<unknown> => vscode.commands.executeCommand(command, node);

  it('opens an image, and a snapshot as the disk was then', async () => {
    await run('vmDisk.tree.open', await nodeAt('vm.qcow2', 'clean'));
    const { editors } = await api();
    const image = await until('the editor', () => editors.active);
    await until('the snapshot', () => image.document.summary?.standpoint.view === '1');
    await image.ready;
    await run('vmDisk.tree.open', await nodeAt('vm.qcow2'));
    await until('the current state', () => image.document.summary?.standpoint.view === '');
    assert.equal(activeTab()?.uri.fsPath, join(workspace(), 'tree', 'vm.qcow2'));
  });

  it('opens an image beside another', async () => {
    await open(join(workspace(), 'tree', 'left.qcow2'));
    await run('vmDisk.tree.openToSide', await nodeAt('vm.qcow2'));
    await until('two groups', () => vscode.window.tabGroups.all.length === 2);
    assert.equal(activeTab()?.uri.fsPath, join(workspace(), 'tree', 'vm.qcow2'));
    await closeAll();
  });

  it('picks a layer out in the image in front', async () => {
    const image = await open(join(workspace(), 'tree', 'left.qcow2'));
    await scanned(image);
    await run('vmDisk.tree.pickOut', await nodeAt('base.qcow2', 'mid.qcow2'));
    await until('the layer to be picked', () => image.selection.layer === 1);
  });

  it('copies paths and summaries', async () => {
    const node = await nodeAt('base.qcow2', 'mid.qcow2', 'right.qcow2');
    await run('vmDisk.tree.copyPath', node);
    assert.equal(await vscode.env.clipboard.readText(), join(workspace(), 'tree', 'right.qcow2'));
    await run('vmDisk.copyLayerSummary', node);
    assert.match(await vscode.env.clipboard.readText(), /right\.qcow2[^]*Owns: 128 KiB/);
  });

  it('reveals a layer on command', async () => {
    const image = await open(join(workspace(), 'tree', 'right.qcow2'));
    await scanned(image);
    await vscode.commands.executeCommand('vmDisk.revealInTree');
    const { tree } = await api();
    assert.equal(tree.selected(), join(workspace(), 'tree', 'right.qcow2'));
  });
});
