import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { VIEW_TYPE, VIEW_TYPE_ANY } from '../../../src/extension/ids';
import { repositoryRoot } from '../../support/root';
import { unpack } from '../../support/sparse';
import {
  activeTab, api, CLUSTER, closeAll, inWorkspace, MIB, open, remove, scanned, until, workspace, writeQcow2,
} from './help';

describe('the editor', () => {
  const folder = (): string => join(workspace(), 'editor');
  afterEach(async () => {
    await closeAll();
    remove(folder());
  });
  const unpackFixture = (format: string, name: string): void => {
    const pack = join(repositoryRoot(), 'test', 'fixtures', 'formats', format, name, 'images.br');
    unpack(readFileSync(pack), folder());
  };

  it('is the default for qcow2, and shows the whole chain', async () => {
    const base = writeQcow2(inWorkspace('editor', 'base.qcow2'), [0, 1, 2, 3]);
    const over = { backing: 'base.qcow2', backingFormat: 'qcow2' };
    const top = writeQcow2(inWorkspace('editor', 'top.qcow2'), [3, 9], over);
    await vscode.commands.executeCommand('vscode.open', vscode.Uri.file(top));
    const { editors } = await api();
    const image = await until('our editor', () => editors.active);
    assert.equal(activeTab()?.viewType, VIEW_TYPE);
    const { layers, accounting, guestSize, end } = await scanned(image);
    assert.deepEqual(layers.map(({ path }) => path), [top, base]);
    assert.equal(end.kind, 'base');
    assert.equal(guestSize, 16 * MIB);
    assert.deepEqual(
      accounting?.layers.map(({ owned, shadowed }) => [owned, shadowed]),
      [[2 * CLUSTER, 0], [3 * CLUSTER, CLUSTER]],
    );
    assert.equal(accounting.nobody, 16 * MIB - 5 * CLUSTER);
  });

  it('opens the sample’s newest image with all of its layers', async () => {
    const image = await open(join(workspace(), 'web01.qcow2'));
    const { layers, accounting, guestSize } = await scanned(image);
    assert.equal(layers.length, 4);
    assert.equal(layers.at(-1)?.format, 'raw');
    const owned = accounting?.layers.reduce((sum, layer) => sum + layer.owned, 0);
    assert.equal((owned ?? 0) + (accounting?.nobody ?? 0) + (accounting?.unknown ?? 0), guestSize);
  });

  it('knows an image by its content, whatever its name', async () => {
    const path = writeQcow2(inWorkspace('editor', '7f0c2f4e-4c2c-4a56-9d6e-2b9b6a1f5c11'), [5]);
    const image = await open(path);
    assert.equal(activeTab()?.viewType, VIEW_TYPE_ANY);
    const { layers } = await scanned(image);
    assert.deepEqual(layers.map(({ format }) => format), ['qcow2']);
  });

  it('leaves VHDL source to the text editor, and opens a VHD when asked', async () => {
    const source = inWorkspace('editor', 'counter.vhd');
    writeFileSync(source, 'library ieee;\nuse ieee.std_logic_1164.all;\nentity counter is end counter;\n');
    await vscode.commands.executeCommand('vscode.open', vscode.Uri.file(source));
    const input = await until('the text editor', () => vscode.window.tabGroups.activeTabGroup.activeTab?.input);
    assert.ok(input instanceof vscode.TabInputText);
    assert.equal(input.uri.fsPath, source);
    assert.equal(vscode.window.activeTextEditor?.document.uri.fsPath, source);
    unpackFixture('vpc', 'dynamic');
    const disk = await open(join(folder(), 'disk.vhd'));
    assert.equal(activeTab()?.viewType, VIEW_TYPE_ANY);
    const { layers } = await scanned(disk);
    assert.deepEqual(layers.map(({ format }) => format), ['vpc']);
  });

  it('opens a bundle of Parallels by its folder', async () => {
    unpackFixture('parallels', 'bundle-snapshots');
    const bundle = join(folder(), 'disk.hdd');
    await vscode.commands.executeCommand('vmDisk.openAsDiskImage', vscode.Uri.file(bundle));
    const { editors } = await api();
    const { layers } = await scanned(await until('our editor', () => editors.active));
    assert.deepEqual(
      layers.map(({ path }) => path),
      ['DiskDescriptor.xml', 'middle.hds', 'base.hds'].map((name) => join(bundle, name)),
    );
  });

  it('has a page for what is no image', async () => {
    const path = inWorkspace('editor', 'notes.dat');
    writeFileSync(path, 'Dear diary,\n');
    const result = await (await open(path)).document.result();
    assert.equal(result.kind, 'not-an-image');
    assert.match(result.what.found, /text/);
  });

  it('has a page for an image that is damaged', async () => {
    const path = inWorkspace('editor', 'cut.qcow2');
    writeFileSync(path, Buffer.from('QFI\xfb\0\0\0\x03', 'latin1'));
    const result = await (await open(path)).document.result();
    assert.equal(result.kind, 'failed');
    assert.equal(result.error.file, path);
  });

  it('tells that a file which is on no disk can’t be read', async () => {
    const uri = vscode.Uri.from({ scheme: 'untitled', path: '/nowhere.qcow2' });
    await vscode.commands.executeCommand('vmDisk.openAsDiskImage', uri);
    const { editors } = await api();
    const result = await (await until('the page', () => editors.active)).document.result();
    assert.equal(result.kind, 'failed');
    assert.match(result.error.message, /untitled:/);
  });

  it('lets go of an image when its last tab is closed', async () => {
    const path = writeQcow2(inWorkspace('editor', 'gone.qcow2'), [1]);
    await open(path);
    const { editors } = await api();
    await closeAll();
    assert.equal(editors.active, undefined);
    await until('the document to be closed', () => editors.documents.length === 0);
  });
});
