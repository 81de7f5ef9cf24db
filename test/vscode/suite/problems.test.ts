import assert from 'node:assert/strict';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { VIEW_TYPE_ANY } from '../../../src/extension/ids';
import { api, closeAll, inWorkspace, open, remove, scanned, until, workspace, writeQcow2 } from './help';

const told = (path: string): readonly vscode.Diagnostic[] => vscode.languages.getDiagnostics(vscode.Uri.file(path));

describe('the Problems panel', () => {
  const orphaned = { backing: 'gone.qcow2', backingFormat: 'qcow2' };
  afterEach(async () => {
    await closeAll();
    remove(join(workspace(), 'problems'));
  });

  it('tells of a missing parent while the image is open', async () => {
    const path = writeQcow2(inWorkspace('problems', 'orphan.qcow2'), [1], orphaned);
    assert.deepEqual(told(path), []);
    await scanned(await open(path));
    const [problem, ...others] = await until('a problem', () => told(path).length > 0 && told(path));
    assert.deepEqual(others, []);
    assert.equal(problem?.severity, vscode.DiagnosticSeverity.Error);
    assert(typeof problem.code === 'object');
    assert.equal(problem.code.value, 'parent-missing');
    assert.match(problem.code.target.toString(), /^command:vmDisk\.relocateParent\?/);
    assert.match(problem.message, /gone\.qcow2/);
    await closeAll();
    await until('the problem to go', () => told(path).length === 0);
  });

  it('keeps what it tells of a file that is open in both editors while one is left', async () => {
    const path = writeQcow2(inWorkspace('problems', 'twice.qcow2'), [1], orphaned);
    const tabs = (): number => vscode.window.tabGroups.all.flatMap((group) => group.tabs).length;
    await scanned(await open(path));
    const { editors } = await api();
    await vscode.commands.executeCommand('vscode.openWith', vscode.Uri.file(path), VIEW_TYPE_ANY, { preview: false });
    await until('both editors', () => editors.documents.length === 2 && tabs() === 2);
    await until('the second image', () => editors.documents.every(({ summary }) => summary?.scan === 'complete'));
    assert.equal(told(path).length, 1);
    await vscode.commands.executeCommand('workbench.action.closeActiveEditor');
    await until('one document to be left', () => editors.documents.length === 1);
    assert.equal(told(path).length, 1);
    await closeAll();
    await until('the problem to go', () => told(path).length === 0);
  });

  it('tells once of a layer that two open images stand on', async () => {
    const mid = writeQcow2(inWorkspace('problems', 'mid.qcow2'), [1], orphaned);
    const over = { backing: 'mid.qcow2', backingFormat: 'qcow2' };
    const one = writeQcow2(inWorkspace('problems', 'one.qcow2'), [2], over);
    const two = writeQcow2(inWorkspace('problems', 'two.qcow2'), [3], over);
    await scanned(await open(one));
    await scanned(await open(two));
    await until('the problem', () => told(mid).length > 0);
    assert.equal(told(mid).length, 1);
    await vscode.commands.executeCommand('workbench.action.closeActiveEditor');
    await until('one image to be left', () => vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs).length === 1);
    assert.equal(told(mid).length, 1);
    await closeAll();
    await until('the problem to go', () => told(mid).length === 0);
  });
});
