/** What a snapshot is not made of, and where not; QEMU's own word on what is made is in test/conformance. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { join } from 'node:path';
import type { Created, CreateRequest } from '../../../../src/core';
import { DiskError } from '../../../../src/core';
import type { GatePolicy } from '../../../../src/protocol/worker';
import { TRUST_ALL } from '../../../../src/node/gate';
import { createSnapshot, suggestOverlay } from '../../../../src/node/snapshots/create';
import { TestDomain } from '../../../fixtures/platforms/domain';
import { ON_WINDOWS, makePipe, someBlockDevice } from '../../../support/specialFiles';
import { makeTempFolder, removeFolder } from '../../../support/temp';

const LONG_AGO = new Date('2021-03-04T05:06:07Z');
const KIB = 1024;

describe('creating a snapshot', () => {
  let folder: string;
  let base: string;

  const at = (name: string): string => join(folder, name);

  /** What changed a moment ago is looked at twice, which takes its time. */
  function file(name: string, bytes: Uint8Array | string): string {
    fs.mkdirSync(join(at(name), '..'), { recursive: true });
    fs.writeFileSync(at(name), bytes);
    fs.utimesSync(at(name), LONG_AGO, LONG_AGO);
    return at(name);
  }

  beforeEach(() => {
    folder = makeTempFolder('create');
    base = file('disk.raw', new Uint8Array(64 * KIB));
  });
  afterEach(() => {
    removeFolder(folder);
  });

  async function create(
    overlay: string,
    request: Partial<CreateRequest> = {},
    policy: GatePolicy = TRUST_ALL,
  ): Promise<Created> {
    const created = await createSnapshot({ base, overlay: at(overlay), ...request }, policy);
    fs.utimesSync(created.overlay, LONG_AGO, LONG_AGO);
    return created;
  }

  const names = (): string[] => fs.readdirSync(folder, { recursive: true }).map(String).sort();

  /** Refused by an error whose message and advice together say `words`, and nothing is made. */
  async function refused(
    words: RegExp,
    overlay: string,
    request: Partial<CreateRequest> = {},
    policy?: GatePolicy,
  ): Promise<void> {
    const before = names();
    await assert.rejects(create(overlay, request, policy), (error) => {
      assert(error instanceof DiskError, String(error));
      assert.match(`${error.file ?? ''} ${error.message}. ${error.advice ?? ''}`, words);
      return true;
    });
    assert.deepEqual(names(), before);
  }

  const codes = ({ findings }: Created): string[] => findings.map(({ code }) => code);

  it('records the format, and the name from the folder of the overlay', async () => {
    const near = await create('near.qcow2');
    assert.deepEqual([near.backing, near.backingFormat, near.guestSize], ['disk.raw', 'raw', 64 * KIB]);
    fs.mkdirSync(at('sub/deeper'), { recursive: true });
    assert.equal((await create('sub/deeper/far.qcow2')).backing, '../../disk.raw');
    assert.equal((await create('whole.qcow2', { absolute: true })).backing, base);
  });

  it('writes names that QEMU would take for a protocol behind ./', async () => {
    for (const name of ['nbd:disk', 'json:{"driver":"raw"}', 'file:disk.raw']) {
      if (ON_WINDOWS) return;
      base = file(name, new Uint8Array(512));
      assert.equal((await create(`on ${name.length}.qcow2`, { baseFormat: 'raw' })).backing, `./${name}`);
    }
  });

  it('follows links to folders as the system does, and keeps a link to the file', async function () {
    if (ON_WINDOWS) this.skip();
    fs.mkdirSync(at('real/inner'), { recursive: true });
    fs.symlinkSync(at('real/inner'), at('link'));
    fs.symlinkSync(base, at('current'));
    // The folder above the place that the link leads to is `real`.
    assert.equal((await create('link/a.qcow2')).backing, '../../disk.raw');
    assert.equal((await create('link/b.qcow2', { base: at('current') })).backing, '../../current');
  });

  it('tells what nothing may write to any more, and who stands there already', async () => {
    assert.deepEqual(codes(await create('a.qcow2')), ['base-frozen']);
    const second = await create('b.qcow2');
    assert.deepEqual(codes(second), ['base-frozen', 'base-shared']);
    assert.match(second.findings[1]?.message ?? '', /^a\.qcow2 stands on/);
    base = at('a.qcow2');
    assert.deepEqual(codes(await create('c.qcow2')), ['base-frozen']);
  });

  it('refuses a name that says another format than is written', async () => {
    for (const name of ['new.vmdk', 'new.VHD', 'new.avhdx', 'new.vdi', 'new.ova']) {
      await refused(/what is written is a qcow2, .*Let it end in \.qcow2/, name);
    }
    for (const name of ['new.img', 'new.qcow', 'new.before-upgrade']) await create(name);
  });

  it('sees who stands on a raw base in which nothing tells that it is one', async () => {
    base = file('disk0', new Uint8Array(512));
    assert.deepEqual(codes(await create('a.qcow2')), ['base-frozen', 'base-probed']);
    assert.deepEqual(codes(await create('b.qcow2', { baseFormat: 'raw' })), ['base-frozen', 'base-shared']);
  });

  it('refuses a base that is none', async () => {
    await refused(/there is no such file/, 'a.qcow2', { base: at('gone.raw') });
    await refused(/is a folder, not a disk/, 'a.qcow2', { base: folder });
    await refused(/text, not a disk image. Say that it is raw/, 'a.qcow2', { base: file('notes.txt', 'some words\n') });
    await refused(/an empty file, not a disk/, 'a.qcow2', { base: file('empty.raw', '') });
    await refused(/format "dmg" is not read here/, 'a.qcow2', { baseFormat: 'dmg' });
    await refused(/no qcow2 image/, 'a.qcow2', { baseFormat: 'qcow2' });
    if (ON_WINDOWS) return;
    makePipe(at('pipe'));
    await refused(/is a pipe/, 'a.qcow2', { base: at('pipe') });
    await refused(/is a character device/, 'a.qcow2', { base: '/dev/null' });
  });

  it('takes text for a raw disk when it is told so', async () => {
    assert.equal(
      (await create('a.qcow2', { base: file('notes.txt', 'some words\n'), baseFormat: 'raw' })).guestSize,
      512,
    );
  });

  it('names a device by its whole path, or not at all', async function () {
    const device = someBlockDevice();
    if (device === undefined) this.skip();
    try {
      fs.closeSync(fs.openSync(device, 'r'));
    } catch {
      this.skip();
    }
    await refused(/is a device, which is named by its whole path alone/, 'a.qcow2', {
      base: device,
      baseFormat: 'raw',
    });
    const { backing } = await create('a.qcow2', { base: device, baseFormat: 'raw', absolute: true });
    assert.equal(backing, device);
  });

  it('refuses a place where there is something, or can be nothing', async () => {
    file('taken.qcow2', 'mine');
    await refused(/there is a file of this name already. Choose another/, 'taken.qcow2');
    await refused(/there is a file of this name already/, 'disk.raw');
    await refused(/there is no folder .*nowhere/, 'nowhere/a.qcow2');
    await refused(/there is no folder .*disk\.raw/, 'disk.raw/a.qcow2');
    await refused(/name is too long/, `${'n'.repeat(300)}.qcow2`);
    if (ON_WINDOWS) return;
    fs.symlinkSync(at('leads nowhere'), at('dangling'));
    await refused(/there is a file of this name already/, 'dangling');
  });

  it('refuses a folder that may not be written to', async function () {
    if (ON_WINDOWS || process.getuid?.() === 0) this.skip();
    fs.mkdirSync(at('closed'), { mode: 0o500 });
    await refused(/no permission to make files in/, 'closed/a.qcow2');
  });

  it('refuses a base whose own chain is broken, whatever breaks it', async () => {
    await create('a.qcow2');
    await create('b.qcow2', { base: at('a.qcow2') });
    fs.renameSync(base, at('moved'));
    await refused(/the chain below .*b\.qcow2 is broken: .*is not there.*Mend it first/, 'c.qcow2', {
      base: at('b.qcow2'),
    });
    fs.renameSync(at('moved'), base);
    // A chain that stands on itself.
    await create('x.qcow2', { base: at('a.qcow2') });
    fs.copyFileSync(at('x.qcow2'), at('a.qcow2'));
    await refused(/is broken: .*stands on itself/, 'c.qcow2', { base: at('x.qcow2'), baseFormat: 'qcow2' });
  });

  it('opens nothing below the base that the policy does not allow', async () => {
    fs.mkdirSync(at('trusted'));
    await create('trusted/a.qcow2');
    const policy = { folders: [at('trusted')], allowed: [], platformTools: false };
    await refused(
      /is outside the folder, which is not trusted/,
      'trusted/b.qcow2',
      { base: at('trusted/a.qcow2') },
      policy,
    );
  });

  it('refuses a name for which the header has no room', async () => {
    const deep = Array.from({ length: 6 }, () => 'd'.repeat(200)).join('/');
    base = file(`${deep}/disk.raw`, new Uint8Array(512));
    await refused(/at most 1023\. Put the two nearer/, 'a.qcow2');
    base = file(`${'e'.repeat(200)}/${'e'.repeat(200)}/disk.raw`, new Uint8Array(512));
    await refused(/room for 376 with clusters of 512 bytes.*larger clusters have more room/, 'a.qcow2', {
      clusterSize: 512,
    });
    assert.match((await create('a.qcow2')).backing, /^e+\/e+\/disk\.raw$/);
  });

  it('names by a link what no text can name', async function () {
    if (process.platform !== 'linux') this.skip();
    const folderBytes = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0x64, 0xff])]);
    fs.mkdirSync(folderBytes);
    fs.writeFileSync(Buffer.concat([folderBytes, Buffer.from('/disk.raw')]), new Uint8Array(512));
    fs.symlinkSync(folderBytes, at('link'));
    assert.equal((await create('a.qcow2', { base: at('link/disk.raw') })).backing, 'link/disk.raw');
  });

  it('refuses a place in a storage domain, and makes a scratch overlay outside of one', async () => {
    const domain = new TestDomain(at('mount'), 4);
    const volume = domain.path('web-disk', 'web-3');
    await refused(/lies in the storage domain .*scratch overlay in a folder outside/, 'a.qcow2', {
      base: volume,
      overlay: join(volume, '..', 'scratch.qcow2'),
    });
    const { backing, findings } = await create('a.qcow2', { base: volume });
    assert.match(backing, /^mount\/.*\/images\//);
    assert(findings.some(({ code }) => code === 'base-frozen'));
  });

  it('looks for room first', async () => {
    const real = fs.statfsSync;
    const full = (): object => ({ bavail: 1, bsize: 4096 });
    Object.assign(fs, { statfsSync: full });
    try {
      await refused(/needs 256 KiB in .*, where 4 KiB are free. Make room/, 'a.qcow2');
      assert.equal((await create('small.qcow2', { clusterSize: 512 })).fileSize, 4 * 512);
    } finally {
      Object.assign(fs, { statfsSync: real });
    }
  });

  it('leaves nothing when the room ends all the same', async () => {
    const real = fs.writeSync;
    for (let fine = 0; fine < 3; fine += 1) {
      let writes = 0;
      Object.assign(fs, {
        writeSync: (descriptor: number, bytes: Uint8Array, offset: number, length: number, position: number) => {
          if (writes === fine) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
          writes += 1;
          return real(descriptor, bytes, offset, length, position);
        },
      });
      try {
        await refused(/could not be written: there is no room left/, 'a.qcow2');
      } finally {
        Object.assign(fs, { writeSync: real });
      }
    }
  });

  it('refuses shapes that do not go together', async () => {
    await refused(/clusters of 1000 bytes do not exist/, 'a.qcow2', { clusterSize: 1000 });
    await refused(/extended L2 entries do not go with clusters of 4 KiB/, 'a.qcow2', {
      clusterSize: 4 * KIB,
      extendedL2: true,
    });
    await refused(/need version 3/, 'a.qcow2', { compat: '0.10', extendedL2: true });
  });
});

describe('the name that is suggested for a snapshot', () => {
  let folder: string;
  beforeEach(() => {
    folder = makeTempFolder('suggest');
  });
  afterEach(() => {
    removeFolder(folder);
  });

  const suggest = (base: string, name: string): string =>
    suggestOverlay(join(folder, base), name).slice(folder.length + 1);

  it("is libvirt's: what stands after the last dot replaced", () => {
    assert.equal(suggest('disk.qcow2', 'before-upgrade'), 'disk.before-upgrade');
    assert.equal(suggest('disk.before-upgrade', 'after'), 'disk.after');
    assert.equal(suggest('my.vm.img', 's1'), 'my.vm.s1');
    assert.equal(suggest('disk', 's1'), 'disk.s1');
    assert.equal(suggest('.hidden', 's1'), '.hidden.s1');
  });

  it('says that it is a qcow2 where the name of the base says another format', () => {
    assert.equal(suggest('Ubuntu 22-000001.vmdk', 's1'), 'Ubuntu 22-000001.s1.qcow2');
    fs.writeFileSync(join(folder, 'disk.s1.qcow2'), '');
    assert.equal(suggest('disk.VHD', 's1'), 'disk.s1-2.qcow2');
  });

  it('is none of those that a repair gives', () => {
    assert.equal(suggest('disk.qcow2', 'before-repair'), 'disk.snapshot-before-repair');
    assert.equal(suggest('disk.qcow2', 'before-repair-2'), 'disk.snapshot-before-repair-2');
  });

  it('is free', () => {
    fs.writeFileSync(join(folder, 'disk.s1'), '');
    assert.equal(suggest('disk.qcow2', 's1'), 'disk.s1-2');
    fs.mkdirSync(join(folder, 'disk.s1-2'));
    assert.equal(suggest('disk.qcow2', 's1'), 'disk.s1-3');
  });

  it('leads nowhere else, and is one line of plain text', () => {
    assert.equal(suggest('disk.qcow2', '../../etc/passwd'), 'disk.-..-etc-passwd');
    assert.equal(suggest('disk.qcow2', '...'), 'disk.snapshot');
    assert.equal(suggest('disk.qcow2', ' before\tthe: "upgrade"\n '), 'disk.before-the- -upgrade-');
    assert.equal(suggest('disk.qcow2', ''), 'disk.snapshot');
    assert.equal(suggest('disk.qcow2', 'a\\b:c'), 'disk.a-b-c');
  });

  it('is no longer than a name can be, and not cut inside a letter', () => {
    const name = suggest('disk.qcow2', 'é'.repeat(300));
    assert.equal(name, `disk.${'é'.repeat(50)}`);
    assert(Buffer.byteLength(suggest(`${'n'.repeat(230)}.qcow2`, 'x'.repeat(300))) <= 200);
  });
});
