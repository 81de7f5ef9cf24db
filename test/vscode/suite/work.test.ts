import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { noise } from '../../fixtures/build/index';
import { hostClusterOf, setRefcount, withLeaks } from '../../support/qcow2Patch';
import { api, CLUSTER, closeAll, inWorkspace, MIB, open, remove, scanned, until, workspace, writeQcow2 } from './help';

const run = (command: string, ...args: readonly unknown[]): Thenable<unknown> =>
  vscode.commands.executeCommand(command, ...args);

/** A disk of 16 MiB that holds noise in these clusters and zeros elsewhere, as `writeQcow2` makes it. */
function diskWith(clusters: readonly number[]): Buffer {
  const disk = Buffer.alloc(16 * MIB);
  for (const index of clusters) disk.set(noise(index + 1, CLUSTER), index * CLUSTER);
  return disk;
}

/**
 * Writes an image with two leaked clusters, whose guest cluster 3 is in use and counted as free: two corruptions for
 * `qemu-img check`, the count and the flag that says it is one.
 */
function writeDamaged(path: string): string {
  const bytes = withLeaks(readFileSync(writeQcow2(path, [0, 1, 2, 3, 9])), 2);
  setRefcount(bytes, hostClusterOf(bytes, 3), 0);
  writeFileSync(path, bytes);
  return path;
}

describe('checking an image', () => {
  const at = (name: string): string => inWorkspace('check', name);
  const told = (path: string): readonly vscode.Diagnostic[] => vscode.languages.getDiagnostics(vscode.Uri.file(path));
  afterEach(async () => {
    await run('notifications.clearAll');
    await closeAll();
    remove(join(workspace(), 'check'));
  });

  it('lists what is wrong in the Problems panel, at the file it is about, while the image is open', async () => {
    const damaged = writeDamaged(at('damaged.qcow2'));
    const image = await open(writeQcow2(at('top.qcow2'), [5], { backing: 'damaged.qcow2', backingFormat: 'qcow2' }));
    await scanned(image);
    await run('vmDisk.checkImage', { webviewSection: 'vmDisk.layer', path: damaged, depth: 1 });
    const { counts } = image.document.summary?.layers[1]?.check ?? assert.fail();
    assert.deepEqual([counts.corruptions, counts.leaks, counts.checkErrors, counts.allocatedClusters], [2, 2, 0, 5]);
    const { Error: error, Warning: warning } = vscode.DiagnosticSeverity;
    const problems = await until('the problems', () => told(damaged).length > 0 && told(damaged));
    assert.deepEqual([...new Set(problems.map(({ severity }) => severity))].sort(), [error, warning]);
    const errors = problems.filter(({ severity }) => severity === error);
    for (const { message } of errors) assert.match(message, /\nTouches guest bytes 0x3_0000 – 0x4_0000/);
    assert.ok(errors.some(({ message }) => message.includes('\nClaimed by ')));
    await closeAll();
    await until('the problems to go', () => told(damaged).length === 0);
  });

  it('finds nothing in a whole image, and opens what is not open yet', async () => {
    const path = writeQcow2(at('whole.qcow2'), [0, 7]);
    await run('vmDisk.checkImage', vscode.Uri.file(path));
    const { editors } = await api();
    const document = editors.active?.document ?? assert.fail('it is in front');
    const { counts, problems } = document.summary?.layers[0]?.check ?? assert.fail('it was checked');
    assert.deepEqual([counts.corruptions, counts.leaks, counts.further, counts.allocatedClusters], [0, 0, 0, 2]);
    assert.deepEqual([problems, told(path)], [[], []]);
  });
});

describe('comparing', () => {
  const at = (name: string): string => inWorkspace('work', name);
  afterEach(async () => {
    await closeAll();
    remove(join(workspace(), 'work'));
  });

  it('shows where the disk differs from another, until it is ended', async () => {
    const image = await open(writeQcow2(at('one.qcow2'), [0, 3, 4]));
    await scanned(image);
    const other = writeQcow2(at('other.qcow2'), [0, 3, 9]);
    await run('vmDisk.compareWith', { with: other });
    const { path, ranges, bytes, unknown, first } = image.document.summary?.comparison ?? assert.fail();
    assert.deepEqual([path, ranges, bytes, unknown], [other, 2, 2 * CLUSTER, 0]);
    assert.deepEqual(
      first,
      [4, 9].map((index) => ({ start: index * CLUSTER, end: (index + 1) * CLUSTER })),
    );
    await run('vmDisk.endComparison');
    await until('the disk by itself', () => image.document.summary?.comparison === undefined);
  });

  it('finds no difference between a layer and what adds nothing to it', async () => {
    const base = writeQcow2(at('base.qcow2'), [1, 2]);
    const top = writeQcow2(at('top.qcow2'), [], { backing: 'base.qcow2', backingFormat: 'qcow2' });
    const image = await open(top);
    await scanned(image);
    await run('vmDisk.compareWith', { with: base });
    const { ranges, bytes } = image.document.summary?.comparison ?? assert.fail();
    assert.deepEqual([ranges, bytes], [0, 0]);
  });
});

describe('exporting a flattened copy', () => {
  const at = (name: string): string => inWorkspace('flat', name);
  let top: string;
  let base: string;
  beforeEach(() => {
    base = writeQcow2(at('base.qcow2'), [0, 1]);
    top = writeQcow2(at('top.qcow2'), [2, 16], { backing: 'base.qcow2', backingFormat: 'qcow2' });
  });
  afterEach(async () => {
    await closeAll();
    remove(join(workspace(), 'flat'));
  });

  it('writes what the guest sees', async () => {
    await scanned(await open(top));
    const target = at('flat.img');
    await run('vmDisk.flatten', { target: vscode.Uri.file(target), format: 'raw', verify: true });
    assert.ok(readFileSync(target).equals(diskWith([0, 1, 2, 16])), 'the copy is the disk');
  });

  it('writes a compressed image that is the same disk, from where the disk is looked at', async () => {
    const image = await open(top);
    await scanned(image);
    const target = at('flat.qcow2');
    const how = { format: 'qcow2', compression: 'zstd', verify: false };
    await run('vmDisk.flatten', { target: vscode.Uri.file(target), ...how });
    await run('vmDisk.compareWith', { with: target });
    const { ranges, unknown, guestSize } = image.document.summary?.comparison ?? assert.fail();
    assert.deepEqual([ranges, unknown, guestSize], [0, 0, 16 * MIB]);
  });

  it('never writes over an image of the chain, nor over a file that nobody agreed to replace', async () => {
    await scanned(await open(top));
    const before = readFileSync(base);
    await run('vmDisk.flatten', { target: vscode.Uri.file(base), format: 'raw', verify: false });
    assert.ok(readFileSync(base).equals(before));
    const other = writeQcow2(at('other.qcow2'), [5]);
    const kept = readFileSync(other);
    await run('vmDisk.flatten', { target: vscode.Uri.file(other), format: 'raw', verify: false });
    assert.ok(readFileSync(other).equals(kept));
    await run('notifications.clearAll');
  });

  it('leaves nothing behind where it can’t write', async () => {
    await scanned(await open(top));
    const target = join(workspace(), 'flat', 'gone', 'flat.img');
    await run('vmDisk.flatten', { target: vscode.Uri.file(target), format: 'raw', verify: false });
    assert.ok(!existsSync(target));
    await run('notifications.clearAll');
  });
});
