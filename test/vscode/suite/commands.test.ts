import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { CLUSTER, closeAll, inWorkspace, MIB, open, remove, scanned, until, workspace, writeQcow2 } from './help';

const run = (command: string, ...args: readonly unknown[]): Thenable<unknown> =>
  vscode.commands.executeCommand(command, ...args);

interface MapEntry {
  readonly start: number;
  readonly length: number;
  readonly depth: number;
  readonly data: boolean;
}

describe('commands on an open image', () => {
  const at = (name: string): string => inWorkspace('commands', name);
  let top: string;
  let base: string;
  beforeEach(() => {
    base = writeQcow2(at('base.qcow2'), [0, 1]);
    top = writeQcow2(at('top.qcow2'), [1, 16], { backing: 'base.qcow2', backingFormat: 'qcow2' });
  });
  afterEach(async () => {
    await closeAll();
    remove(join(workspace(), 'commands'));
  });

  it('go to an offset and select the block there', async () => {
    const image = await open(top);
    await scanned(image);
    await run('vmDisk.goToOffset', '1M');
    const selected = (offset: number, layer: number) => (): boolean =>
      image.selection.offset === offset && image.selection.layer === layer;
    await until('the block at 1 MiB and its owner', selected(MIB, 0));
    await run('vmDisk.goToOffset', '0');
    await until('the first block and its owner', selected(0, 1));
  });

  it('trace a read, relative to what is selected', async () => {
    const image = await open(top);
    await scanned(image);
    await run('vmDisk.traceAtOffset', '0x10000');
    await until('the second block to be selected', () => image.selection.offset === CLUSTER);
    await run('vmDisk.traceAtOffset', '+128s');
    await until('the third block to be selected', () => image.selection.offset === 2 * CLUSTER);
  });

  it('copy a summary of the layers', async () => {
    await scanned(await open(top));
    await run('vmDisk.copyLayerSummary');
    const text = await vscode.env.clipboard.readText();
    assert.match(text, /\| 0 \| top\.qcow2 \| qcow2 \|.*\| 128 KiB \|/);
    assert.match(text, /\| 1 \| base\.qcow2 \| qcow2 \|.*\| 64 KiB \| 64 KiB \|/);
  });

  it('export the map as JSON and CSV', async () => {
    await scanned(await open(top));
    const json = at('map.json');
    await run('vmDisk.exportMap', { format: 'json', target: vscode.Uri.file(json) });
    const entries = JSON.parse(readFileSync(json, 'utf8')) as MapEntry[];
    assert.equal(entries.reduce((sum, { length }) => sum + length, 0), 16 * MIB);
    assert.deepEqual(
      entries.filter((entry) => entry.data).map(({ start, length, depth }) => [start, length, depth]),
      [[0, CLUSTER, 1], [CLUSTER, CLUSTER, 0], [MIB, CLUSTER, 0]],
    );
    const csv = at('map.csv');
    await run('vmDisk.exportMap', { format: 'csv', target: vscode.Uri.file(csv) });
    assert.equal(readFileSync(csv, 'utf8').trim().split('\n').length, entries.length + 1);
  });

  it('never export over an image of the chain', async () => {
    await scanned(await open(top));
    const before = readFileSync(base);
    await run('vmDisk.exportMap', { format: 'json', target: vscode.Uri.file(base) });
    assert.deepEqual(readFileSync(base), before);
    await run('notifications.clearAll');
  });

  it('refresh without losing the place', async () => {
    const image = await open(top);
    await scanned(image);
    await run('vmDisk.goToOffset', '1M');
    await until('the block at 1 MiB to be selected', () => image.selection.offset === MIB);
    const { generation } = await scanned(image);
    await run('vmDisk.refresh');
    await until('a newer map', () => (image.document.summary?.generation ?? 0) > generation);
    await scanned(image);
    assert.equal(image.selection.offset, MIB);
  });
});
