import assert from 'node:assert/strict';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { Created } from '../../../src/core';
import { TestDomain } from '../../fixtures/platforms/domain';
import { api, closeAll, draw, everyNode, open, remove, scanned, workspace } from './help';

const run = <T>(command: string, ...args: readonly unknown[]): Thenable<T | undefined> =>
  vscode.commands.executeCommand<T | undefined>(command, ...args);

describe('a storage domain in the workspace', () => {
  let mount: string;
  let domain: TestDomain;

  before(() => {
    mount = join(workspace(), 'mount');
    mkdirSync(mount);
    domain = new TestDomain(mount, 5);
  });
  after(async () => {
    await closeAll();
    remove(mount);
  });

  it('has its snapshots’ own names in the tree', async () => {
    const { tree } = await api();
    await tree.refresh();
    const shown = tree.shown().filter(({ path }) => path?.startsWith(mount));
    assert.deepEqual(draw(shown), [
      'db Größe: nightly – 12 März',
      '  current',
      'rhel9_Disk1: template',
      '  web_Disk1: before-upgrade',
      '    after-upgrade',
      '      current',
    ]);
    const frozen = [...everyNode(shown)].find(({ label }) => label === 'after-upgrade');
    assert.match(frozen?.description ?? '', / · 1 Apr 2024$/);
  });

  it('has them in the editor of a volume', async () => {
    const image = await open(domain.path('web-disk', 'web-3'));
    const { layers } = await scanned(image);
    assert.deepEqual(
      layers.map(({ label }) => label),
      ['current', 'after-upgrade', 'before-upgrade', 'template'],
    );
  });

  it('gets no snapshot beside its volumes, and a scratch overlay elsewhere', async () => {
    const volume = domain.path('web-disk', 'web-3');
    const before = readdirSync(domain.folder('web-disk'));
    assert.equal(await run('vmDisk.createSnapshot', { image: volume, name: 'mine' }), undefined);
    assert.deepEqual(readdirSync(domain.folder('web-disk')), before);
    const overlay = join(workspace(), 'scratch.qcow2');
    try {
      const created = await run<Created>('vmDisk.createSnapshot', { image: volume, overlay, absolute: true });
      assert.deepEqual([created?.overlay, created?.backing], [overlay, volume]);
      assert.deepEqual(readdirSync(domain.folder('web-disk')), before);
    } finally {
      await closeAll();
      remove(overlay);
      await run('notifications.clearAll');
    }
  });
});
