import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { candidateTest, imageNames, likelihood, walkCandidates } from '../../../src/extension/tree/candidates';
import { matchAny } from '../../../src/extension/tree/globs';
import { makeTempFolder, removeFolder } from '../../support/temp';

describe('glob patterns', () => {
  const cases: readonly [string, string, boolean][] = [
    ['**/node_modules', 'node_modules', true],
    ['**/node_modules', 'a/b/node_modules', true],
    ['**/node_modules', 'a/node_modules/c/d', true],
    ['**/node_modules', 'a/my_node_modules', false],
    ['*.qcow2', 'a.qcow2', true],
    ['*.qcow2', 'a.qcow2.bak', false],
    ['*.qcow2', 'd/a.qcow2', false],
    ['**/*.{iso,img}', 'x/y.iso', true],
    ['**/*.{iso,img}', 'x/y.raw', false],
    ['a/**/b', 'a/b', true],
    ['a/**/b', 'a/x/y/b', true],
    ['backup/', 'backup/x', true],
    ['backup/**', 'backup/x/y', true],
    ['disk?', 'disk1', true],
    ['disk?', 'disk', false],
    ['disk[0-3]', 'disk4', false],
    ['disk[!0-3]', 'disk4', true],
    ['a.c', 'abc', false],
    ['{', '{', false],
    ['a}', 'a}', true],
    ['a,b', 'a,b', true],
    ['{a,b/{c,d*}}.img', 'b/dog.img', true],
    ['{a,b/{c,d*}}.img', 'b/a.img', false],
    ['{*,a/b}', 'x/y', true],
    ['{*x,a/b}z', 'a/bz', true],
    ['{*x,a/b}z', 'a/cz', false],
    ['**/*.img', 'deep.img/x', true],
    ['a/**/b/**/c', 'a/b/c', true],
    ['a/**/b/**/c', 'a/x/b/y/z/c', true],
    ['a/**/b/**/c', 'a/x/y/z/c', false],
    ['*', 'a/b', true],
    ['?b', '/b', false],
    ['[^a]b', 'cb', true],
    ['[!a]b', '/b', false],
    ['[a-]', '-', true],
    ['disk?', 'disk😀', true],
    ['disk[', 'disk[', true],
    ['', 'a', false],
    ['', '', true],
  ];
  for (const [pattern, path, expected] of cases) {
    it(`${pattern} ${expected ? 'matches' : 'does not match'} ${path}`, () => {
      assert.equal(matchAny([pattern])(path), expected);
    });
  }
});

describe('glob patterns made to keep a matcher busy', () => {
  const patterns = [
    '*a'.repeat(30) + 'b',
    '**/'.repeat(30) + 'b',
    '**a'.repeat(30) + 'b',
    '{a,aa,*}'.repeat(30) + 'b',
    '{*a,'.repeat(30) + 'b' + '}'.repeat(30),
    '{'.repeat(20_000),
  ];
  for (const pattern of patterns) {
    it(`${pattern.slice(0, 24)}… comes to an end`, () => {
      for (const path of ['a'.repeat(200) + 'c', 'a/'.repeat(100) + 'c']) {
        assert.equal(matchAny([pattern])(path), pattern.startsWith('{*a,') && path.includes('/'));
      }
    });
  }
});

describe('single files', () => {
  const test = candidateTest([join('/', 'w'), join('/', 'v')], {
    isImage: imageNames(['*.qcow2']),
    exclude: ['**/node_modules', 'old/*.qcow2'],
  });
  const cases: readonly [string, ReturnType<typeof likelihood>][] = [
    ['/w/a.qcow2', 'image'],
    ['/v/deep/er/disk', 'maybe'],
    ['/v/a.odd', 'neighbour'],
    ['/w/..odd/a.qcow2', 'image'],
    ['/w/a.ts', undefined],
    ['/w/node_modules/x/a.qcow2', undefined],
    ['/w/old/a.qcow2', undefined],
    ['/else/a.qcow2', undefined],
    ['/web/a.qcow2', undefined],
  ];
  for (const [path, expected] of cases) {
    it(`${path}: ${expected ?? 'not looked at'}`, () => {
      assert.equal(test(join(path))?.likelihood, expected);
    });
  }
});

describe('files that may be images', () => {
  const isImage = imageNames(['*.qcow2', '*.qcow']);
  const cases: readonly [string, ReturnType<typeof likelihood>][] = [
    ['web01.qcow2', 'image'],
    ['WEB01.QCOW2', 'image'],
    ['disk.img', 'image'],
    ['disk.raw', 'image'],
    ['DiskDescriptor.xml', 'image'],
    ['other.xml', undefined],
    ['alu.vhd', 'maybe'],
    ['DiskDescriptor.xml', 'image'],
    ['pom.xml', undefined],
    ['web01.VHD', 'maybe'],
    ['7f0c2f4e-4c2c-4a56-9d6e-000000000000', 'maybe'],
    ['disk', 'maybe'],
    ['web01.before-upgrade', 'neighbour'],
    ['web01.qcow2.bak', 'neighbour'],
    ['LICENSE', undefined],
    ['.gitignore', undefined],
    ['main.ts', undefined],
    ['7f0c2f4e.meta', undefined],
  ];
  for (const [name, expected] of cases) {
    it(`${name}: ${expected ?? 'never read'}`, () => {
      assert.equal(likelihood(isImage, name), expected);
    });
  }
});

describe('the walk through a workspace', () => {
  let folder: string;
  beforeEach(() => {
    folder = makeTempFolder('walk');
    for (const path of ['a', 'a/deep', 'node_modules/x', 'b']) mkdirSync(join(folder, path), { recursive: true });
    for (const file of ['top.qcow2', 'a/one.img', 'a/deep/two.qcow2', 'node_modules/x/no.qcow2', 'b/notes.txt']) {
      writeFileSync(join(folder, file), '');
    }
  });
  afterEach(() => {
    removeFolder(folder);
  });

  async function walked(exclude: readonly string[], signal = new AbortController().signal): Promise<string[]> {
    const found: string[] = [];
    const isImage = imageNames(['*.qcow2']);
    for await (const group of walkCandidates({ folder, isImage, exclude, signal })) {
      found.push(...group.map(({ path }) => path.slice(folder.length + 1).replaceAll('\\', '/')));
    }
    return found.sort();
  }

  it('finds what is in folders and leaves out what is excluded', async () => {
    assert.deepEqual(await walked(['**/node_modules']), ['a/deep/two.qcow2', 'a/one.img', 'top.qcow2']);
    assert.deepEqual(await walked(['**/node_modules', 'a']), ['top.qcow2']);
  });

  it('follows no link to a folder, so that a ring of links ends', async function () {
    try {
      symlinkSync(folder, join(folder, 'a', 'ring'), 'dir');
    } catch {
      this.skip(); // Windows without the right to make links
    }
    assert.deepEqual(
      (await walked(['**/node_modules'])).filter((path) => path.endsWith('.qcow2')),
      ['a/deep/two.qcow2', 'top.qcow2'],
    );
  });

  it('ends when it is no longer wanted', async () => {
    assert.deepEqual(await walked([], AbortSignal.abort()), []);
  });

  it('passes over a folder that is not there', async () => {
    removeFolder(folder);
    assert.deepEqual(await walked([]), []);
  });
});
