import assert from 'node:assert/strict';
import fs from 'node:fs';
import { join, relative } from 'node:path';
import type { OpenedSource } from '../../../src/core';
import { DiskError, ReadCache } from '../../../src/core';
import { deviceSize, openFile } from '../../../src/node/files';
import { ReadCounter, readsAt } from '../../support/countingSource';
import { beforeOpening, makePipe, makeSocket, ON_WINDOWS, openDescriptors } from '../../support/specialFiles';
import { makeTempFolder, removeFolder } from '../../support/temp';

const NO_TOOLS = { platformTools: false };
const ON_LINUX = process.platform === 'linux';

describe('a file', () => {
  let folder: string;
  const opened: OpenedSource[] = [];
  beforeEach(() => {
    folder = makeTempFolder('files');
  });
  afterEach(() => {
    for (const { source } of opened.splice(0)) source.close();
    removeFolder(folder);
  });
  const at = (name: string): string => join(folder, name);
  const write = (name: string, text: string): string => {
    fs.writeFileSync(at(name), text);
    return at(name);
  };
  const open = (file: string): OpenedSource => {
    const one = openFile(file, NO_TOOLS);
    opened.push(one);
    return one;
  };
  const read = ({ source }: OpenedSource, position: number, length: number): string => {
    const target = new Uint8Array(length);
    source.readInto(target, position);
    return new TextDecoder().decode(target);
  };

  it('has its size and its bytes', () => {
    const file = open(write('disk', '0123456789'));
    assert.equal(file.source.size, 10);
    assert.equal(read(file, 0, 10), '0123456789');
    assert.equal(read(file, 3, 4), '3456');
    assert.equal(read(file, 10, 0), '');
  });

  it('is read in many places at once, and says where it ends too soon', () => {
    const { source } = open(write('disk', '0123456789'));
    const target = new Uint8Array(6);
    source.readEach?.(target, [8, 0, 5]);
    assert.equal(new TextDecoder().decode(target), '890156');
    assert.throws(
      () => source.readEach?.(target, [0, 9, 2]),
      (error) => error instanceof DiskError && error.code === 'short-read' && error.offset === 10,
    );
  });

  it('has the time of its last change, and the space that it takes', () => {
    const path = write('disk', '');
    fs.truncateSync(path, 2 ** 30);
    fs.utimesSync(path, new Date(2_000), new Date(1_234_567_890_000));
    const { source } = open(path);
    assert.equal(source.modified, 1_234_567_890_000);
    assert.equal(source.size, 2 ** 30);
    // One block of nothing at most, where the file system makes holes.
    if (ON_LINUX) assert((source.diskUsage ?? NaN) < 2 ** 20, `${source.diskUsage} bytes`);
  });

  it('tells how much space it takes in bytes', function () {
    if (!ON_LINUX) this.skip();
    const path = at('disk');
    fs.writeFileSync(path, 'x'.repeat(2 ** 20), { flush: true });
    const usage = open(path).source.diskUsage ?? NaN;
    assert(usage >= 2 ** 20 && usage < 2 ** 21, `${usage} bytes`);
  });

  it('tells whether it was written to since it was asked, once its last change is some time ago', () => {
    const path = write('disk', 'before');
    fs.utimesSync(path, new Date(), new Date(1000));
    const { source } = open(path);
    const asked = (): boolean | undefined => source.changed?.();
    assert.deepEqual([asked(), asked()], [false, false]);
    fs.writeFileSync(path, 'behind');
    // Written to just now: once more might not be told from it.
    assert.deepEqual([asked(), asked()], [true, true]);
    fs.utimesSync(path, new Date(), new Date(2000));
    assert.deepEqual([asked(), asked()], [true, false]);
    // The time of writing can be set back, and the size be the same: then the time of that tells.
    fs.writeFileSync(path, 'beyond');
    fs.utimesSync(path, new Date(), new Date(2000));
    assert.deepEqual([asked(), asked()], [true, false]);
    fs.appendFileSync(path, '!');
    fs.utimesSync(path, new Date(), new Date(2000));
    assert.equal(asked(), true);
  });

  it('is read through a cache once, and again when it was written to', () => {
    const path = write('disk', 'x'.repeat(100_000));
    fs.utimesSync(path, new Date(), new Date(1000));
    const counter = new ReadCounter();
    let now = 0;
    const { identity, source } = counter.opened(open(path));
    const cached = { identity, source: new ReadCache({ now: () => now }).of(source) };
    assert.equal(read(cached, 90_000, 3), 'xxx');
    now += 1000;
    assert.equal(read(cached, 90_001, 3), 'xxx');
    assert.deepEqual(counter.take(path), readsAt([81_920, 16_384]));
    fs.writeFileSync(path, 'y'.repeat(100_000));
    assert.equal(read(cached, 90_000, 3), 'xxx');
    now += 1000;
    assert.equal(read(cached, 90_000, 3), 'yyy');
    assert.deepEqual(counter.take(), readsAt([81_920, 16_384]));
  });

  it('that ends too early says where', () => {
    const path = write('disk', '0123456789');
    const file = open(path);
    for (const [position, length] of [
      [8, 3],
      [10, 1],
      [0, 11],
    ] as const) {
      assert.throws(() => read(file, position, length), { code: 'short-read', file: path, offset: 10 });
    }
    assert.throws(() => read(file, 12, 1), { code: 'short-read', file: path, offset: 12 });
  });

  it('that is cut while it is open says so, and keeps the size that it was opened with', () => {
    const path = write('disk', '0123456789');
    const file = open(path);
    fs.truncateSync(path, 4);
    assert.equal(file.source.size, 10);
    assert.throws(() => read(file, 0, 10), { code: 'short-read', offset: 4 });
  });

  it('has one identity under all its names', () => {
    const path = write('disk', 'one');
    const other = write('other', 'one');
    fs.linkSync(path, at('hard'));
    const { identity } = open(path);
    assert.equal(open(at('hard')).identity.id, identity.id);
    assert.notEqual(open(other).identity.id, identity.id);
    assert.equal(identity.path, path);
    assert.equal(open(at('hard')).identity.path, at('hard'));
    if (ON_WINDOWS) return;
    fs.symlinkSync('disk', at('soft'));
    assert.equal(open(at('soft')).identity.id, identity.id);
    assert.equal(open(at('soft')).identity.path, at('soft'));
  });

  it('by a relative name is found from the working directory', () => {
    const path = write('disk', 'here');
    assert.equal(open(relative(process.cwd(), path)).identity.path, path);
  });

  it('may be closed more than once, without closing what was opened since', function () {
    if (!ON_LINUX) this.skip();
    const first = open(write('first', 'first'));
    const [descriptor] = [...openDescriptors()].find(([, path]) => path === at('first')) ?? [];
    first.source.close();
    assert(![...openDescriptors().values()].includes(at('first')), 'it is still open');
    const second = open(write('second', 'second'));
    // The lowest free number is given anew.
    assert.equal(openDescriptors().get(descriptor ?? -1), at('second'));
    first.source.close();
    assert.equal(read(second, 0, 6), 'second');
  });

  it('is opened for reading only', function () {
    if (!ON_LINUX) this.skip();
    open(write('disk', 'x'));
    const [descriptor] = [...openDescriptors()].find(([, path]) => path === at('disk')) ?? [];
    const flags = /^flags:\s*([0-7]+)$/m.exec(fs.readFileSync(`/proc/self/fdinfo/${descriptor}`, 'latin1'))?.[1];
    assert.equal(parseInt(flags ?? '', 8) & 0o3, fs.constants.O_RDONLY);
  });

  it('that may only be read is opened, and is left as it was', () => {
    const path = write('disk', 'keep');
    fs.utimesSync(path, new Date(5_000), new Date(5_000));
    fs.chmodSync(path, 0o444);
    const file = open(path);
    assert.equal(read(file, 0, 4), 'keep');
    file.source.close();
    assert.equal(fs.statSync(path).mtimeMs, 5_000);
    assert.equal(fs.readFileSync(path, 'utf8'), 'keep');
    fs.chmodSync(path, 0o644);
  });

  describe('that can’t be opened', () => {
    /** Refused with that code and sentence, naming the file, and nothing left open. */
    const fails = (file: string, code: string, message: string | RegExp): void => {
      const before = count(file);
      assert.throws(
        () => open(file),
        (error) => {
          assert(error instanceof DiskError, String(error));
          assert.deepEqual([error.code, error.file], [code, file], error.message);
          if (typeof message === 'string') assert.equal(error.message, message);
          else assert.match(error.message, message);
          return true;
        },
      );
      assert.equal(count(file), before, 'it is left open');
    };
    const count = (file: string): number =>
      ON_LINUX ? [...openDescriptors().values()].filter((path) => path === file).length : 0;

    it('is not there', () => {
      fails(at('gone'), 'not-found', 'there is no such file');
      fails(join(write('disk', 'x'), 'below'), 'not-found', 'there is no such file');
    });

    it('is a folder', () => {
      fails(folder, 'refused', 'this is a folder, not a disk image');
    });

    it('is a pipe', function () {
      if (ON_WINDOWS) this.skip();
      makePipe(at('pipe'));
      fails(at('pipe'), 'refused', 'this is a pipe, not a disk image');
    });

    it('is a socket', async function () {
      if (ON_WINDOWS) this.skip();
      const server = await makeSocket(at('s'));
      try {
        fails(at('s'), 'refused', 'this is a socket, not a disk image');
      } finally {
        server.close();
      }
    });

    it('is a character device', function () {
      if (ON_WINDOWS) this.skip();
      fails('/dev/null', 'refused', 'this is a character device, not a disk image');
    });

    it('is a ring of links', function () {
      if (ON_WINDOWS) this.skip();
      fs.symlinkSync('ring', at('ring'));
      fails(at('ring'), 'io', 'the name is a loop of symbolic links');
    });

    it('has a name that is too long', function () {
      if (ON_WINDOWS) this.skip();
      fails(at('x'.repeat(5000)), 'io', 'the name is longer than a file name can be');
    });

    it('may not be read', function () {
      if (ON_WINDOWS || process.getuid?.() === 0) this.skip();
      fs.chmodSync(write('disk', 'x'), 0);
      fails(at('disk'), 'io', 'no permission to read this file');
    });

    it('becomes another file while it is opened', () => {
      write('disk', 'one');
      write('other', 'two');
      beforeOpening(
        (file) => {
          fs.renameSync(at('other'), file);
        },
        () => {
          fails(at('disk'), 'io', 'the file was replaced while it was being opened');
        },
      );
    });

    it('becomes a pipe while it is opened', function () {
      if (ON_WINDOWS) this.skip();
      write('disk', 'one');
      makePipe(at('pipe'));
      const count = beforeOpening(
        (file, flags) => {
          // Without this flag, opening a pipe that nobody writes to would never return.
          assert(flags & fs.constants.O_NONBLOCK, 'opened so that it may wait');
          fs.renameSync(at('pipe'), file);
        },
        () => {
          fails(at('disk'), 'io', 'the file was replaced while it was being opened');
        },
      );
      assert.equal(count, 1);
    });
  });
});

describe('the size of a block device', () => {
  let sysfs: string;
  beforeEach(() => {
    sysfs = makeTempFolder('sysfs');
  });
  afterEach(() => {
    removeFolder(sysfs);
  });
  const tell = (number: string, size: string): void => {
    fs.mkdirSync(join(sysfs, 'dev', 'block', number), { recursive: true });
    fs.writeFileSync(join(sysfs, 'dev', 'block', number, 'size'), size);
  };

  it('is what /sys says, in sectors of 512 bytes', () => {
    tell('253:7', '2097152\n');
    assert.equal(deviceSize('/dev/vg/lv', 0xfd07n, sysfs), 2 ** 30);
    // gnu_dev_makedev: 12 bits of the major from bit 8, 8 bits of the minor from bit 0 and the rest from bit 20.
    tell('259:1048575', '8\n');
    assert.equal(deviceSize('/dev/nvme', (259n << 8n) | 0xffn | ((1048575n & ~0xffn) << 12n), sysfs), 4096);
  });

  it('is not guessed where it is not told', () => {
    const unknown = { code: 'io', file: '/dev/lv', message: /size of this device is not known/ };
    assert.throws(() => deviceSize('/dev/lv', 0xfd07n, sysfs), unknown);
    for (const text of ['', 'many\n', '-1\n', '1e3\n']) {
      tell('253:7', text);
      assert.throws(() => deviceSize('/dev/lv', 0xfd07n, sysfs), unknown);
    }
  });
});
