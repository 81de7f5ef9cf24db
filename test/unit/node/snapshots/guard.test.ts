import assert from 'node:assert/strict';
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freeSpace, lateChanges, mayChange, noRoom, useFinding } from '../../../../src/node/snapshots/guard';
import { makeTempFolder, removeFolder } from '../../../support/temp';

describe('the guard before images are changed', () => {
  let folder: string;
  beforeEach(() => {
    folder = makeTempFolder('guard');
  });
  afterEach(() => {
    removeFolder(folder);
  });

  it('lets a plain file be that nobody uses', async () => {
    const file = join(folder, 'disk.qcow2');
    writeFileSync(file, 'x');
    utimesSync(file, 1000, 1000);
    assert.deepEqual(await mayChange(file), []);
  });

  it('refuses what is no file', async () => {
    mkdirSync(join(folder, 'sub'));
    assert.deepEqual(
      (await mayChange(join(folder, 'sub'))).map(({ code }) => code),
      ['device'],
    );
  });

  it('refuses a file that changes while it is looked at', async () => {
    const file = join(folder, 'disk.qcow2');
    writeFileSync(file, 'x');
    const writer = setInterval(() => {
      writeFileSync(file, 'y'.repeat((Date.now() % 1000) + 1));
    }, 50);
    try {
      const [finding] = await mayChange(file);
      assert.equal(finding?.code, 'in-use');
    } finally {
      clearInterval(writer);
    }
  });

  it('names who has it open, and refuses readers as well: their VM would see its disk change', () => {
    const use = (state: 'written' | 'read' | 'free' | 'unknown', by: string[] = []): string | undefined =>
      useFinding('/vm/a', { state, by })?.message;
    assert.equal(use('written', ['qemu-kvm (4711)']), '/vm/a is open for writing by qemu-kvm (4711)');
    assert.equal(use('read'), '/vm/a is open by another process');
    assert.equal(use('free'), undefined);
    assert.equal(use('unknown'), undefined);
  });

  it('tells of a change lately, which may be that of a VM on another machine', () => {
    const told = (...agos: readonly (number | undefined)[]): readonly string[] =>
      lateChanges(
        agos.map((changedAgo, index) => [`/vm/${'abcde'[index] ?? ''}`, { state: 'free', by: [], changedAgo }]),
      ).map(({ message }) => message);
    assert.deepEqual(told(undefined), []);
    assert.deepEqual(told(400), ['/vm/a changed 1 second ago']);
    assert.deepEqual(told(12_000), ['/vm/a changed 12 seconds ago']);
    assert.deepEqual(told(240_000), ['/vm/a changed 4 minutes ago']);
    const several = '/vm/a, c, d and 1 more changed lately, the last of them 9 seconds ago';
    assert.deepEqual(told(12_000, undefined, 9000, 9001, 50_000), [several]);
  });

  it('knows the room of a file system, and says how much is wanting', () => {
    assert((freeSpace(folder) ?? 0) > 0);
    assert.equal(freeSpace(join(folder, 'absent')), undefined);
    assert.equal(noRoom('/vm', 2 ** 30, 2 ** 20).message, 'it needs 1 GiB in /vm, where 1 MiB are free');
  });
});
