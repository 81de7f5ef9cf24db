/** Internal snapshots: what qemu-img lists and reads afterwards, and what is not done. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { join } from 'node:path';
import type { InternalRequest } from '../../src/core';
import { DiskError } from '../../src/core';
import { TRUST_ALL } from '../../src/node/gate';
import type { QemuImg } from '../../src/node/qemuImg';
import { findQemuImg } from '../../src/node/qemuImg';
import { internalSnapshot, planInternal } from '../../src/node/snapshots/internal';
import { noise } from '../fixtures/build/index';
import { holdOpen, lacksQemu, qemuCheck, qemuImg, qemuInfo, qemuIo } from '../support/qemu';
import { ON_WINDOWS } from '../support/specialFiles';
import { makeTempFolder, removeFolder } from '../support/temp';

const LONG_AGO = new Date('2021-03-04T05:06:07Z');
const IMAGE = 'disk.qcow2';

describe('an internal snapshot', () => {
  if (lacksQemu()) return;
  let folder: string;
  let tool: QemuImg;
  const at = (name: string): string => join(folder, name);

  before(async () => {
    tool = await findQemuImg(process.env['VMDISK_QEMU_IMG']);
  });
  beforeEach(() => {
    folder = makeTempFolder('internal');
    fs.writeFileSync(at('base.raw'), noise(5, 1 << 20));
    qemuImg(folder, 'create', '-q', '-f', 'qcow2', '-b', 'base.raw', '-F', 'raw', IMAGE);
    write('write -P 1 0 128k', 'write -z 256k 64k');
  });
  afterEach(() => {
    removeFolder(folder);
  });

  /** What changed a moment ago is looked at twice. */
  function settle(): void {
    for (const name of fs.readdirSync(folder)) fs.utimesSync(at(name), LONG_AGO, LONG_AGO);
  }

  function write(...commands: readonly string[]): void {
    qemuIo(folder, ['-f', 'qcow2', IMAGE], commands);
    settle();
  }

  async function act(action: InternalRequest['action'], name: string, image = IMAGE): Promise<string[]> {
    const commands: string[] = [];
    const running = (command: string): void => {
      commands.push(command);
    };
    await internalSnapshot({ image: at(image), action, name }, tool, TRUST_ALL, { running });
    settle();
    return commands;
  }

  const listed = (): string[] => {
    const { snapshots = [] } = qemuInfo(folder, IMAGE) as { snapshots?: { id: string; name: string }[] };
    return snapshots.map(({ id, name }) => `${id} ${name}`);
  };

  function content(snapshot?: string): Buffer {
    const of = snapshot === undefined ? [] : ['-l', `snapshot.name=${snapshot}`];
    qemuImg(folder, 'convert', '-q', '-O', 'raw', ...of, IMAGE, 'content.out');
    const bytes = fs.readFileSync(at('content.out'));
    fs.rmSync(at('content.out'));
    return bytes;
  }

  /** Refused with these words, the image untouched. */
  async function refused(words: RegExp, action: InternalRequest['action'], name: string, image = IMAGE): Promise<void> {
    const before = fs.readFileSync(at(image));
    for (const attempt of [
      () => planInternal({ image: at(image), action, name }, TRUST_ALL),
      () => act(action, name, image),
    ]) {
      await assert.rejects(attempt, (error) => {
        assert(error instanceof DiskError, String(error));
        assert.match(`${error.message}. ${error.advice ?? ''}`, words);
        return true;
      });
    }
    assert.deepEqual(fs.readFileSync(at(image)), before);
  }

  it('is created, applied and deleted, as qemu-img lists and reads it', async () => {
    const first = content();
    const commands = await act('create', 'before upgrade');
    assert.equal(commands.length, 1);
    assert.match(commands[0] ?? '', /snapshot -c ['"]before upgrade['"] .*disk\.qcow2$/);
    write('write -P 2 64k 128k');
    const second = content();
    await act('create', '-l');
    write('write -P 3 0 64k');
    assert.deepEqual(listed(), ['1 before upgrade', '2 -l']);
    assert.deepEqual([content('before upgrade'), content('-l')], [first, second]);

    await act('apply', 'before upgrade');
    assert.deepEqual(content(), first);
    await act('apply', '2');
    assert.deepEqual(content(), second);

    await act('delete', '1');
    assert.deepEqual(listed(), ['2 -l']);
    assert.deepEqual([content(), content('-l')], [second, second]);
    assert.equal(qemuCheck(folder, IMAGE).code, 0);
  });

  it('brings the size of the disk back', async () => {
    await act('create', 'small');
    qemuImg(folder, 'resize', '-q', IMAGE, '3M');
    settle();
    await act('apply', 'small');
    assert.equal(qemuInfo(folder, IMAGE)['virtual-size'], 1 << 20);
  });

  it('gets no name that QEMU could take for another', async () => {
    await act('create', 'one');
    await refused(/"one" already. Choose another name/, 'create', 'one');
    await refused(/"1" could be taken for the number/, 'create', '1');
    await refused(/"20241125" could be taken for the number/, 'create', '20241125');
    await refused(/needs a name/, 'create', ' ');
    await refused(/plain text on one line/, 'create', 'two\nlines');
    await refused(/has 256 bytes: QEMU keeps 255/, 'create', 'é'.repeat(128));
    await act('create', 'é'.repeat(127));
    assert.deepEqual(listed(), ['1 one', `2 ${'é'.repeat(127)}`]);
  });

  it('is one that the name means, and no other', async () => {
    // QEMU gives the ids 1, 2 and 3.
    for (const name of ['2', 'twin', 'twin']) qemuImg(folder, 'snapshot', '-c', name, IMAGE);
    settle();
    await refused(/"2" can mean 1 \("2"\) or 2 \("twin"\)/, 'apply', '2');
    await refused(/"twin" can mean 2 .* or 3/, 'delete', 'twin');
    await refused(/are called "twin": qemu-img deletes by name alone/, 'delete', '3');
    await refused(/no internal snapshot "four". It has: 2, twin, twin/, 'apply', 'four');
    await act('apply', '3');
    await act('delete', '1');
    assert.deepEqual(listed(), ['2 twin', '3 twin']);
  });

  it('is not applied under what stands on the image, but may be created and deleted', async () => {
    await act('create', 'one');
    qemuImg(folder, 'create', '-q', '-f', 'qcow2', '-b', IMAGE, '-F', 'qcow2', 'over.qcow2');
    settle();
    await refused(/over\.qcow2 stands on .*disk\.qcow2, and would read otherwise/, 'apply', 'one');
    await act('create', 'two');
    await act('delete', 'one');
    assert.deepEqual(listed(), ['2 two']);
  });

  it('is nothing for other formats, or for an image that must be mended first', async () => {
    await refused(/is raw: only qcow2 images/, 'create', 'one', 'base.raw');
    qemuImg(folder, 'create', '-q', '-f', 'qcow2', '-o', 'data_file=data.raw', 'data.qcow2', '1M');
    settle();
    await refused(/keeps its data in another file/, 'create', 'one', 'data.qcow2');
    for (const [bit, words] of [
      [1, /is marked as dirty/],
      [2, /is marked as corrupt/],
    ] as const) {
      const bytes = fs.readFileSync(at(IMAGE));
      bytes[79] = bit;
      fs.writeFileSync(at('marked.qcow2'), bytes);
      settle();
      await refused(words, 'create', 'one', 'marked.qcow2');
    }
    fs.renameSync(at('base.raw'), at('moved.raw'));
    await refused(/the chain below .* is broken/, 'create', 'one');
  });

  it('is not made while a QEMU has the image open', async function () {
    if (ON_WINDOWS || !fs.existsSync('/proc/locks')) this.skip();
    const held = await holdOpen(folder, IMAGE);
    try {
      settle();
      await refused(/disk\.qcow2 is open for writing by/, 'create', 'one');
    } finally {
      await held();
    }
    await act('create', 'one');
    assert.deepEqual(listed(), ['1 one']);
  });
});
