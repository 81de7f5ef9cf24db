import assert from 'node:assert/strict';
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MaintenanceServer } from '../../../src/node/maintenanceServer';
import { makeTempFolder, removeFolder } from '../../support/temp';

describe('the server of work that changes images', () => {
  let folder: string;
  beforeEach(() => {
    folder = makeTempFolder('maintenance');
  });
  afterEach(() => {
    removeFolder(folder);
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
