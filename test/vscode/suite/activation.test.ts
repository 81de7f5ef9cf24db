import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { COMMANDS } from '../../../src/extension/ids';
import { api, EXTENSION_ID } from './help';

describe('activation', () => {
  it('starts when it is asked for', async () => {
    const extension = vscode.extensions.getExtension(EXTENSION_ID);
    assert(extension);
    const early = extension.isActive;
    const start = performance.now();
    await api();
    const took = performance.now() - start;
    const figure = `${took.toFixed(0)} ms, VS Code’s own part included`;
    const told = early ? 'activated before the tests' : `activated in ${figure}`;
    console.log(`${process.env['VMDISK_TEST_MARK'] ?? ''}      ${told}`);
    assert.equal(extension.isActive, true);
  });

  it('registers every command', async () => {
    await api();
    const known = new Set(await vscode.commands.getCommands(true));
    for (const id of COMMANDS) assert.ok(known.has(id), id);
  });

  it('is small enough to load at once', () => {
    const extension = vscode.extensions.getExtension(EXTENSION_ID);
    assert(extension);
    assert.ok(statSync(join(extension.extensionPath, 'dist', 'extension.js')).size < 300_000);
  });
});
