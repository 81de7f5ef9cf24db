import assert from 'node:assert/strict';
import fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { NewFile } from '../../../src/node/newFile';
import { makePipe } from '../../support/specialFiles';
import { makeTempFolder, removeFolder } from '../../support/temp';

describe('a file in the making', () => {
  let folder: string;
  let target: string;
  beforeEach(() => {
    folder = makeTempFolder('new-file');
    target = join(folder, 'map.json');
  });
  afterEach(() => {
    removeFolder(folder);
  });

  const names = (): string[] => fs.readdirSync(folder).sort();
  const content = (): string => fs.readFileSync(target, 'utf8');

  it('has its name once it is complete, and is alone then', () => {
    const file = new NewFile(target, { replace: true });
    file.append('[1,');
    file.append('“2”]\n');
    assert(!fs.existsSync(target), 'it has its name before it is complete');
    file.commit();
    assert.equal(content(), '[1,“2”]\n');
    assert.deepEqual(names(), ['map.json']);
  });

  it('is brought to the disk while it is still being written, again once that is done', async () => {
    const real = fs.fdatasync;
    const held: (() => Promise<void>)[] = [];
    const hold = (descriptor: number, done: () => void): void => {
      held.push(async () => {
        await promisify(real)(descriptor);
        done();
      });
    };
    Object.assign(fs, { fdatasync: hold });
    try {
      const file = new NewFile(target, { replace: false });
      const piece = Buffer.alloc(8 << 20, 'x');
      const write = (pieces: number): void => {
        for (let i = 0; i < pieces; i += 1) file.writeAt(piece, 0);
      };
      const reached = async (count: number): Promise<void> => {
        while (held.length < count) {
          await setTimeout(1);
          write(1);
        }
      };
      write(7);
      await setTimeout(20);
      assert.equal(held.length, 0);
      await reached(1);
      write(16);
      await setTimeout(20);
      assert.equal(held.length, 1, 'not twice at a time');
      await held[0]?.();
      await reached(2);
      // Complete it is without.
      file.commit();
      assert.deepEqual([names(), fs.statSync(target).size], [['map.json'], piece.length]);
      await held[1]?.();
    } finally {
      Object.assign(fs, { fdatasync: real });
    }
  });

  it('may be empty', () => {
    new NewFile(target, { replace: true }).commit();
    assert.equal(content(), '');
  });

  it('is gone when it is abandoned', () => {
    const file = new NewFile(target, { replace: true });
    file.append('half');
    file.abandon();
    assert.deepEqual(names(), []);
    file.abandon();
    assert.deepEqual(names(), []);
  });

  it('stays when it is abandoned after it was completed', () => {
    const file = new NewFile(target, { replace: true });
    file.append('whole');
    file.commit();
    file.abandon();
    assert.equal(content(), 'whole');
    assert.deepEqual(names(), ['map.json']);
  });

  it('replaces a file only when it is complete', () => {
    fs.writeFileSync(target, 'old, and longer than the new');
    const dropped = new NewFile(target, { replace: true });
    dropped.append('new');
    assert.equal(content(), 'old, and longer than the new');
    dropped.abandon();
    assert.equal(content(), 'old, and longer than the new');
    const kept = new NewFile(target, { replace: true });
    kept.append('new');
    kept.commit();
    assert.equal(content(), 'new');
    assert.deepEqual(names(), ['map.json']);
  });

  it('takes no more once it is finished', () => {
    const file = new NewFile(target, { replace: true });
    file.commit();
    assert.throws(() => {
      file.append('more');
    }, /finished/);
    assert.throws(() => {
      file.commit();
    }, /finished/);
    assert.equal(content(), '');
  });

  it('in a folder that is not there fails, naming the file, and makes no folder', () => {
    const nowhere = join(folder, 'gone', 'map.json');
    assert.throws(() => new NewFile(nowhere, { replace: true }), { name: 'DiskError', code: 'io', file: nowhere });
    assert.deepEqual(names(), []);
  });

  it('in a folder that may not be written to fails', function () {
    if (process.platform === 'win32' || process.getuid?.() === 0) this.skip();
    fs.chmodSync(folder, 0o555);
    try {
      assert.throws(() => new NewFile(target, { replace: true }), { name: 'DiskError', code: 'io', file: target });
    } finally {
      fs.chmodSync(folder, 0o755);
    }
    assert.deepEqual(names(), []);
  });

  it('is written at positions, what is never written being zeros', () => {
    const file = new NewFile(target, { replace: false });
    file.writeAt(Uint8Array.of(3, 4), 5);
    file.writeAt(Uint8Array.of(1), 0);
    file.writeAt(new Uint8Array(), 100);
    file.setSize(9);
    const { size, diskUsage } = file.commit();
    assert.equal(size, 9);
    if (process.platform !== 'win32') assert.equal(diskUsage, fs.statSync(target).blocks * 512);
    assert.deepEqual([...fs.readFileSync(target)], [1, 0, 0, 0, 0, 3, 4, 0, 0]);
  });

  it('tells by its other name whose it is', () => {
    const file = new NewFile(target, { replace: false });
    assert.match(names().join(' '), new RegExp(`^\\.map\\.json\\.${process.pid}\\.\\d+\\.tmp$`));
    assert.equal(file.temporary, join(folder, names()[0] ?? ''));
    file.abandon();
  });

  const refusal = (): object => ({ name: 'DiskError', code: 'refused', file: target });

  it('takes no name that is taken, unless it is to replace', () => {
    fs.writeFileSync(target, 'old');
    assert.throws(() => new NewFile(target, { replace: false }), refusal());
    assert.equal(content(), 'old');
    assert.deepEqual(names(), ['map.json']);
  });

  /** Runs `use` with a file system that has no links. */
  const withoutLinks = (use: () => void): void => {
    const real = fs.linkSync;
    fs.linkSync = () => {
      throw Object.assign(new Error('EPERM: operation not permitted'), { code: 'EPERM' });
    };
    try {
      use();
    } finally {
      fs.linkSync = real;
    }
  };

  for (const [where, run] of [
    ['', (use: () => void) => use()],
    [' where there are no links', withoutLinks],
  ] as const) {
    it(`gets its name without a file to replace${where}`, () => {
      const file = new NewFile(target, { replace: false });
      file.append('new');
      run(() => file.commit());
      assert.equal(content(), 'new');
      assert.deepEqual(names(), ['map.json']);
    });

    it(`does not replace a file that came meanwhile${where}`, () => {
      const file = new NewFile(target, { replace: false });
      file.append('new');
      fs.writeFileSync(target, 'theirs');
      run(() => {
        assert.throws(() => file.commit(), refusal());
      });
      assert.equal(content(), 'theirs');
      assert.deepEqual(names(), ['map.json']);
    });
  }

  it('is gone when closing it fails, as a full disk on a network may say only then', () => {
    const file = new NewFile(target, { replace: true });
    file.append('new');
    const real = fs.closeSync;
    let failures = 0;
    fs.closeSync = (descriptor) => {
      real(descriptor);
      failures += 1;
      throw new Error('ENOSPC: no space left on device');
    };
    try {
      assert.throws(() => file.commit(), { name: 'DiskError', code: 'io', file: target });
    } finally {
      fs.closeSync = real;
    }
    assert.equal(failures, 1, 'closed twice: the number may by then be that of another file');
    assert.deepEqual(names(), []);
  });

  it('replaces the file that a link leads to, and not the link', function () {
    if (process.platform === 'win32') this.skip();
    fs.writeFileSync(target, 'old');
    fs.mkdirSync(join(folder, 'links'));
    const link = join(folder, 'links', 'link');
    fs.symlinkSync('../map.json', link);
    const file = new NewFile(link, { replace: true });
    file.append('new');
    file.commit();
    assert.equal(content(), 'new');
    assert(fs.lstatSync(link).isSymbolicLink());
    assert.deepEqual(fs.readdirSync(join(folder, 'links')), ['link']);
  });

  it('takes no name of a link that leads nowhere, unless it is to replace', function () {
    if (process.platform === 'win32') this.skip();
    fs.symlinkSync('nowhere', target);
    assert.throws(() => new NewFile(target, { replace: false }), refusal());
    assert.equal(fs.readlinkSync(target), 'nowhere');
  });

  it('whose name is a folder’s or a pipe’s is refused, and leaves nothing', function () {
    fs.mkdirSync(target);
    assert.throws(() => new NewFile(target, { replace: true }), refusal());
    assert.deepEqual(names(), ['map.json']);
    assert.deepEqual(fs.readdirSync(target), []);
    if (process.platform === 'win32') return;
    fs.rmdirSync(target);
    makePipe(target);
    assert.throws(() => new NewFile(target, { replace: true }), refusal());
    assert.deepEqual(names(), ['map.json']);
  });

  it('is brought to the disk before it gets its name, and its name after', function () {
    if (process.platform === 'win32') this.skip();
    const synced: (readonly [folder: boolean, named: boolean])[] = [];
    const real = fs.fsyncSync;
    fs.fsyncSync = (descriptor) => {
      synced.push([fs.fstatSync(descriptor).isDirectory(), fs.existsSync(target)]);
      real(descriptor);
    };
    try {
      new NewFile(target, { replace: false }).commit();
    } finally {
      fs.fsyncSync = real;
    }
    assert.deepEqual(synced, [
      [false, false],
      [true, true],
    ]);
  });

  for (const call of ['writeSync', 'fsyncSync'] as const) {
    it(`on a disk that is full leaves nothing: ${call}`, () => {
      fs.writeFileSync(target, 'old');
      const file = new NewFile(target, { replace: true });
      const real = fs[call];
      fs[call] = () => {
        throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
      };
      try {
        assert.throws(
          () => {
            file.append('text');
            file.commit();
          },
          { name: 'DiskError', code: 'io', file: target, message: /no room left/ },
        );
      } finally {
        Object.assign(fs, { [call]: real });
      }
      assert.deepEqual(names(), ['map.json']);
      assert.equal(content(), 'old');
    });
  }
});
