/** Who uses an image, as this machine tells: QEMU's own locks, held by a real QEMU. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, linkSync, openSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { TRUST_ALL } from '../../src/node/gate';
import { ImageServer } from '../../src/node/imageServer';
import { useOf } from '../../src/node/inUse';
import type { ImageSummary } from '../../src/protocol/image';
import { lacksQemu, qemuImg } from '../support/qemu';
import { makeTempFolder, removeFolder } from '../support/temp';

/** Only Linux tells locks. */
const TOLD = existsSync('/proc/locks');

describe('an image in use', () => {
  if (lacksQemu() || !TOLD) return;
  let folder: string;
  const open: ChildProcess[] = [];
  const at = (name: string): string => join(folder, name);

  beforeEach(() => {
    folder = makeTempFolder('in-use');
    qemuImg(folder, 'create', '-q', '-f', 'raw', 'base.raw', '4M');
    qemuImg(folder, 'create', '-q', '-f', 'qcow2', '-b', 'base.raw', '-F', 'raw', 'mid.qcow2');
    qemuImg(folder, 'create', '-q', '-f', 'qcow2', '-b', 'mid.qcow2', '-F', 'qcow2', 'leaf.qcow2');
    qemuImg(folder, 'create', '-q', '-f', 'qcow2', 'other.qcow2', '4M');
    for (const name of ['base.raw', 'mid.qcow2', 'leaf.qcow2', 'other.qcow2']) utimesSync(at(name), 1000, 1000);
  });
  afterEach(async () => {
    for (const child of open.splice(0)) {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    }
    removeFolder(folder);
  });

  /** A QEMU that has an image open, until the test ends. */
  async function hold(...args: readonly string[]): Promise<ChildProcess> {
    const program = process.env['VMDISK_QEMU_IO'] ?? 'qemu-io';
    const child = spawn(program, args, { cwd: folder, stdio: ['pipe', 'pipe', 'inherit'] });
    open.push(child);
    // It prompts once the image is open.
    await once(child.stdout, 'data');
    return child;
  }
  const state = async (name: string): Promise<string> => (await useOf(at(name), false)).state;

  it('is free when nobody has it open', async () => {
    for (const name of ['base.raw', 'mid.qcow2', 'leaf.qcow2']) assert.equal(await state(name), 'free', name);
  });

  it('is written by a VM that has it open, and the layers below are read', async () => {
    const child = await hold('-f', 'qcow2', 'leaf.qcow2');
    assert.equal(await state('leaf.qcow2'), 'written');
    assert.equal(await state('mid.qcow2'), 'read');
    assert.equal(await state('base.raw'), 'read');
    assert.equal(await state('other.qcow2'), 'free');
    const { by } = await useOf(at('mid.qcow2'), false);
    assert.deepEqual(by, [`qemu-io (${String(child.pid)})`]);
  });

  it('is told of where it is shown, until the VM is off and it is looked at again', async () => {
    const child = await hold('-f', 'qcow2', 'leaf.qcow2');
    let told: () => void = () => undefined;
    const changed = new Promise<void>((resolve) => (told = resolve));
    let summary: ImageSummary | undefined;
    const server = new ImageServer((name, data) => {
      if (name !== 'changed') return;
      summary = data as ImageSummary;
      if (inUseOf(summary) !== undefined) told();
    });
    const params = { path: at('leaf.qcow2'), policy: TRUST_ALL, forceRaw: false };
    const inUseOf = ({ layers }: ImageSummary): string | undefined =>
      layers.flatMap(({ findings }) => findings).find(({ code }) => code === 'in-use')?.message;
    server.open(params);
    await changed;
    const who = `qemu-io (${String(child.pid)})`;
    assert.equal(
      summary && inUseOf(summary),
      `it is open for writing by ${who}: what is shown may be of no one moment`,
    );
    child.kill('SIGKILL');
    await once(child, 'exit');
    const again = server.open(params);
    assert(again.kind === 'image');
    await setTimeout(200);
    assert.equal(inUseOf(summary ?? again.summary), undefined);
    server.open({ ...params, path: at('nothing') });
  });

  it('is read by who opens it to read only', async () => {
    await hold('-r', '-f', 'qcow2', 'leaf.qcow2');
    for (const name of ['leaf.qcow2', 'mid.qcow2', 'base.raw']) assert.equal(await state(name), 'read', name);
  });

  it('of a raw disk is the same', async () => {
    await hold('-f', 'raw', 'base.raw');
    assert.equal(await state('base.raw'), 'written');
  });

  it('is so by every name of it: a link, and a second name', async () => {
    symlinkSync('leaf.qcow2', at('link'));
    linkSync(at('leaf.qcow2'), at('second'));
    await hold('-f', 'qcow2', 'second');
    for (const name of ['leaf.qcow2', 'link', 'second']) assert.equal(await state(name), 'written', name);
  });

  it('is free again once the VM is gone, however that went', async () => {
    const child = await hold('-f', 'qcow2', 'leaf.qcow2');
    assert.equal(await state('leaf.qcow2'), 'written');
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.equal(await state('leaf.qcow2'), 'free');
  });

  it('is written while it changes, though nobody has a lock on it', async () => {
    const file = at('other.qcow2');
    const writing = setInterval(() => writeFileSync(file, String(Date.now())), 100);
    try {
      await setTimeout(150);
      const use = await useOf(file);
      assert.equal(use.state, 'written');
      assert.equal(use.changedAgo, 0);
    } finally {
      clearInterval(writing);
    }
  });

  it('is not in use by us, who have it open to read', async () => {
    const descriptor = openSync(at('leaf.qcow2'), 'r');
    try {
      assert.equal(await state('leaf.qcow2'), 'free');
    } finally {
      closeSync(descriptor);
    }
  });

  it('is not known of a file that is not there, or is none', async () => {
    assert.equal(await state('gone'), 'unknown');
    assert.equal(await state('.'), 'unknown');
  });
});
