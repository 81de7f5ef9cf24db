import assert from 'node:assert/strict';
import fs from 'node:fs';
import { join } from 'node:path';
import { NewFile } from '../../../src/node/newFile';
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

  it('whose name is a folder’s fails at the end and leaves nothing', () => {
    fs.mkdirSync(target);
    const file = new NewFile(target, { replace: true });
    file.append('text');
    assert.throws(
      () => {
        file.commit();
      },
      { name: 'DiskError', code: 'io', file: target },
    );
    assert.deepEqual(names(), ['map.json']);
    assert.deepEqual(fs.readdirSync(target), []);
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
          { name: 'DiskError', code: 'io', file: target, message: /no space left/ },
        );
      } finally {
        Object.assign(fs, { [call]: real });
      }
      assert.deepEqual(names(), ['map.json']);
      assert.equal(content(), 'old');
    });
  }
});
