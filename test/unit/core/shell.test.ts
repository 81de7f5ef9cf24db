import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { commandLine, quoted } from '../../../src/core/shell';

const NASTY = ["it's.qcow2", 'a b', '$(touch x)', '`id`', '"', '\\', 'ü.img', '-f', '*', '~', 'a;b', '#x', '!!', ''];

describe('a command line for a person to copy', () => {
  it('gives a shell back every word as it was', function () {
    if (process.platform === 'win32') this.skip();
    const line = commandLine(['printf', '%s\\0', ...NASTY], false);
    const { stdout } = spawnSync('/bin/sh', ['-c', line], { encoding: 'utf8' });
    assert.deepEqual(stdout.split('\0').slice(0, -1), NASTY);
  });

  it('leaves plain words alone', () => {
    assert.equal(
      commandLine(['qemu-img', 'commit', '-f', 'qcow2', '/vm/a.b_c-1.qcow2'], false),
      'qemu-img commit -f qcow2 /vm/a.b_c-1.qcow2',
    );
  });

  it('never quotes what a terminal acts on, or what Windows’ shells act on within quotes', () => {
    assert.equal(quoted('a\nrm -r b', false), undefined);
    assert.equal(quoted('a\u202eb', false), undefined);
    assert.equal(quoted('%PATH%', true), undefined);
    assert.equal(quoted('a b', true), '"a b"');
    assert.equal(commandLine(['x', 'a\nb'], false), 'x «a?b»');
  });
});
