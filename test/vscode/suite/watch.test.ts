import assert from 'node:assert/strict';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { CLUSTER, closeAll, inWorkspace, MIB, open, remove, scanned, until, workspace, writeQcow2 } from './help';
import type { OpenImage } from '../../../src/extension/api';

const owned = ({ document: { summary } }: OpenImage): (number | undefined)[] | undefined =>
  summary?.scan === 'complete' ? summary.accounting?.layers.map((layer) => layer.owned) : undefined;

describe('an image that changes', () => {
  const at = (name: string): string => inWorkspace('watch', name);
  const over = { backing: 'base.qcow2', backingFormat: 'qcow2' };
  afterEach(async () => {
    await closeAll();
    remove(join(workspace(), 'watch'));
  });

  it('is read again, and the place stays', async () => {
    writeQcow2(at('base.qcow2'), [0]);
    const image = await open(writeQcow2(at('top.qcow2'), [1], over));
    await scanned(image);
    await vscode.commands.executeCommand('vmDisk.goToOffset', '1M');
    await until('the block to be selected', () => image.selection.offset === MIB);
    assert.deepEqual(owned(image), [CLUSTER, CLUSTER]);
    writeQcow2(at('top.qcow2'), [0, 1, 16], over);
    await until('the new map', () => JSON.stringify(owned(image)) === JSON.stringify([3 * CLUSTER, 0]));
    assert.equal(image.selection.offset, MIB);
  });

  it('is read again when a parent changes', async () => {
    writeQcow2(at('base.qcow2'), [0]);
    const image = await open(writeQcow2(at('top.qcow2'), [1], over));
    await scanned(image);
    writeQcow2(at('other.qcow2'), [0, 2, 4]);
    renameSync(at('other.qcow2'), at('base.qcow2'));
    await until('the new map', () => JSON.stringify(owned(image)) === JSON.stringify([CLUSTER, 3 * CLUSTER]));
  });

  it('is whole again when its missing parent comes back', async () => {
    const image = await open(writeQcow2(at('top.qcow2'), [1], over));
    await scanned(image);
    assert.equal(image.document.summary?.end.kind, 'missing');
    writeQcow2(at('base.qcow2'), [0]);
    await until('the parent', () => image.document.summary?.end.kind === 'base');
  });

  it('is read again when its damaged parent is mended', async () => {
    writeFileSync(at('base.qcow2'), 'no image');
    const image = await open(writeQcow2(at('top.qcow2'), [1], over));
    await scanned(image);
    assert.equal(image.document.summary?.end.kind, 'refused');
    writeQcow2(at('base.qcow2'), [0]);
    await until('the parent', () => image.document.summary?.end.kind === 'base');
  });

  it('is read again when the file that holds its data comes', async () => {
    const image = await open(writeQcow2(at('top.qcow2'), [1], { dataFile: { name: 'top.data' } }));
    await scanned(image);
    const lacking = (): boolean =>
      image.document.summary?.layers[0]?.findings.some(({ code }) => code === 'data-file') === true;
    assert.ok(lacking());
    writeFileSync(at('top.data'), new Uint8Array(16 * MIB));
    await until('the data', () => image.document.summary !== undefined && !lacking());
  });

  it('shows that it is gone, and comes back with it', async () => {
    const path = writeQcow2(at('alone.qcow2'), [1]);
    const image = await open(path);
    await scanned(image);
    remove(path);
    await until('the loss', () => image.document.summary === undefined);
    assert.equal((await image.document.result()).kind, 'failed');
    writeQcow2(path, [1]);
    await until('the image', () => image.document.summary?.layers.length === 1);
  });
});
