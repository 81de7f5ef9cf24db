import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { TestDomain } from '../../fixtures/platforms/domain';
import { api, closeAll, draw, everyNode, open, remove, scanned, workspace } from './help';

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
});
