import assert from 'node:assert/strict';
import { chmodSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TRUST_ALL } from '../../../src/node/gate';
import { MaintenanceServer } from '../../../src/node/maintenanceServer';
import { buildQcow2, writeImage } from '../../fixtures/build/index';
import { makeTempFolder, removeFolder } from '../../support/temp';

describe('the server of work that changes images', () => {
  let folder: string;
  beforeEach(() => {
    folder = makeTempFolder('maintenance');
  });
  afterEach(() => {
    removeFolder(folder);
  });

  it('makes no snapshot and no preview while something else is done', async () => {
    const nothing = (): void => undefined;
    const { handlers } = new MaintenanceServer({ maintaining: nothing, running: nothing, ran: nothing });
    const base = join(folder, 'base.qcow2');
    const leaf = join(folder, 'leaf.qcow2');
    writeImage(base, buildQcow2({ size: 2 ** 20 }).image);
    writeImage(leaf, buildQcow2({ size: 2 ** 20, backing: 'base.qcow2', backingFormat: 'qcow2' }).image);
    const policy = TRUST_ALL;
    const before = readdirSync(folder);
    const planned = handlers.planDelete({ image: base, folders: [], policy });
    const busy = /something else is being done/;
    const request = { base: leaf, overlay: join(folder, 'new.qcow2') };
    await assert.rejects(async () => handlers.createSnapshot({ request, policy }), busy);
    await assert.rejects(async () => handlers.startPreview({ leaf, of: base, policy }), busy);
    await planned;
    assert.deepEqual(readdirSync(folder), before);
    await handlers.createSnapshot({ request, policy });
    assert(existsSync(request.overlay));
  });

  it('runs no program where nobody trusts the folder, whoever asks', async function () {
    if (process.platform === 'win32') this.skip();
    const nothing = (): void => undefined;
    const { handlers } = new MaintenanceServer({ maintaining: nothing, running: nothing, ran: nothing });
    const qemuImg = join(folder, 'qemu-img');
    const ran = join(folder, 'ran');
    writeFileSync(qemuImg, `#!/bin/sh\ntouch '${ran}'\necho 'qemu-img version 10.0.2'\n`);
    chmodSync(qemuImg, 0o755);
    const image = join(folder, 'disk.qcow2');
    const policy = { folders: [folder], allowed: [], platformTools: false };
    const none = { policy, qemuImg };
    const works = [
      () => handlers.deleteLayer({ image, folders: [], ...none }),
      () => handlers.relocateParent({ request: { image, parent: image }, ...none }),
      () => handlers.repair({ image, mode: 'leaks', ...none }),
      () => handlers.internalSnapshot({ request: { image, action: 'create', name: 'a' }, ...none }),
    ];
    for (const work of works) await assert.rejects(async () => work(), /no program is run/);
    assert(!existsSync(ran));
  });
});
