import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { findTool } from '../../../src/node/tools';
import { ON_WINDOWS } from '../../support/specialFiles';
import { makeTempFolder, removeFolder } from '../../support/temp';

describe('a program on PATH', () => {
  const start = process.cwd();
  const path = process.env['PATH'];
  let folder: string;
  beforeEach(() => {
    folder = makeTempFolder('tools');
    process.chdir(folder);
  });
  afterEach(() => {
    process.chdir(start);
    process.env['PATH'] = path;
    removeFolder(folder);
  });

  const put = (where: string): string => {
    mkdirSync(join(folder, where), { recursive: true });
    const file = join(folder, where, ON_WINDOWS ? 'vmtool.exe' : 'vmtool');
    writeFileSync(file, '', { mode: 0o755 });
    return file;
  };
  const find = (...entries: readonly string[]): string | undefined => {
    process.env['PATH'] = entries.join(delimiter);
    return findTool('vmtool');
  };

  it('is the first one there is', () => {
    const one = put('one');
    const two = put('two');
    const [a, b] = [join(folder, 'one'), join(folder, 'two')];
    assert.equal(find(a, b), one);
    assert.equal(find(join(folder, 'gone'), b, a), two);
    assert.equal(find(join(folder, 'gone')), undefined);
  });

  it('is not taken from the folder that is looked at', () => {
    put('.');
    put('bin');
    for (const entry of ['', '.', 'bin', './bin', '../']) assert.equal(find(entry), undefined, `"${entry}"`);
    const real = put('real');
    assert.equal(find('.', 'bin', '', join(folder, 'real')), real);
  });

  it('is neither a folder nor a file that can’t be run', function () {
    if (ON_WINDOWS) this.skip();
    mkdirSync(join(folder, 'one', 'vmtool'), { recursive: true });
    chmodSync(put('two'), 0o644);
    const three = put('three');
    assert.equal(find(join(folder, 'one'), join(folder, 'two')), undefined);
    assert.equal(find(join(folder, 'one'), join(folder, 'two'), join(folder, 'three')), three);
  });

  it('is none where there is no PATH', () => {
    put('.');
    delete process.env['PATH'];
    assert.equal(findTool('vmtool'), undefined);
  });
});
