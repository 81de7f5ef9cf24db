/** `vmdisk snapshot …` as a person or a script runs it: streams, exit codes, JSON. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { join } from 'node:path';
import { noise } from '../fixtures/build/index';
import type { CliResult } from '../support/cli';
import { runCli } from '../support/cli';
import { lacksQemu, qemuCheck, qemuImg, qemuInfo } from '../support/qemu';
import { makeTempFolder, removeFolder } from '../support/temp';

const LONG_AGO = new Date('2021-03-04T05:06:07Z');
type Json = Record<string, unknown>;

describe('vmdisk snapshot', () => {
  if (lacksQemu()) return;
  let folder: string;
  const at = (name: string): string => join(folder, name);
  const names = (): string[] => fs.readdirSync(folder).sort();

  beforeEach(() => {
    folder = makeTempFolder('snapshot-cli');
    fs.writeFileSync(at('disk.raw'), noise(8, 1 << 20));
    settle();
  });
  afterEach(() => {
    removeFolder(folder);
  });

  /** What changed a moment ago is looked at twice. */
  function settle(): void {
    for (const name of names()) fs.utimesSync(at(name), LONG_AGO, LONG_AGO);
  }

  function run(...args: readonly string[]): CliResult {
    const result = runCli(['snapshot', ...args], { cwd: folder });
    settle();
    return result;
  }

  function fine(...args: readonly string[]): string {
    const { code, stdout, stderr } = run(...args);
    assert.equal(code, 0, stderr);
    return stdout;
  }

  const json = (...args: readonly string[]): Json => JSON.parse(fine(...args, '--output', 'json')) as Json;

  function refused(code: number, words: RegExp, ...args: readonly string[]): void {
    const before = names();
    const result = run(...args);
    assert.equal(result.code, code, result.stderr);
    assert.match(result.stderr, words);
    assert.equal(result.stderr.trimEnd().split('\n').length, 1, result.stderr);
    assert.equal(result.stdout, '');
    assert.deepEqual(names(), before);
  }

  it('create makes what it says that it makes', () => {
    const made = json('create', '--cluster-size', '32K', '--extended-l2', 'disk.raw', 'one.qcow2');
    const { findings, ...rest } = made;
    assert.deepEqual(rest, {
      filename: at('one.qcow2'),
      base: at('disk.raw'),
      backing: 'disk.raw',
      backingFormat: 'raw',
      guestSize: 1 << 20,
      fileSize: fs.statSync(at('one.qcow2')).size,
      clusterSize: 32768,
      extendedL2: true,
      compat: '1.1',
    });
    assert.deepEqual(
      (findings as Json[]).map(({ code }) => code),
      ['base-frozen'],
    );
    assert.equal(qemuInfo(folder, 'one.qcow2')['cluster-size'], 32768);

    const text = fine('create', '--compat', '0.10', '--absolute', '--format', 'qcow2', 'one.qcow2', 'two.qcow2');
    assert.match(text, /two\.qcow2: a disk of 1 MiB on \/.*one\.qcow2 \(qcow2\), in a file of/);
    assert.match(text, /nothing may write to .*one\.qcow2/);
    assert.equal(qemuInfo(folder, 'two.qcow2')['backing-filename'], at('one.qcow2'));
    assert.equal(qemuCheck(folder, 'two.qcow2').code, 0);
  });

  it('create refuses in one line', () => {
    refused(
      2,
      /--cluster-size is a power of two from 512 to 2M, not "3000"/,
      'create',
      '--cluster-size',
      '3000',
      'disk.raw',
      'a',
    );
    refused(2, /--compat is 1\.1 or 0\.10, not "2"/, 'create', '--compat', '2', 'disk.raw', 'a');
    refused(2, /takes BASE and OVERLAY, 1 is given\. See: vmdisk snapshot create --help/, 'create', 'disk.raw');
    refused(1, /there is no such file/, 'create', 'gone.raw', 'a');
    refused(1, /disk\.raw: there is a file of this name already/, 'create', 'disk.raw', 'disk.raw');
  });

  it('list shows the family, its internal snapshots and its previews', () => {
    fine('create', 'disk.raw', 'one.qcow2');
    fine('create', 'one.qcow2', 'two.qcow2');
    fine('create', 'one.qcow2', 'side.qcow2');
    qemuImg(folder, 'snapshot', '-c', 'inner', 'two.qcow2');
    settle();
    fine('preview', 'two.qcow2', 'disk.raw', '--overlay', 'look.qcow2');
    const listing = json('list', 'two.qcow2');
    const images = listing['images'] as Json[];
    assert.deepEqual(
      images.map(({ filename, parent, parentState, inChain, leaf }) => [filename, parent, parentState, inChain, leaf]),
      [
        [at('disk.raw'), null, 'base', true, false],
        [at('look.qcow2'), at('disk.raw'), 'found', false, true],
        [at('one.qcow2'), at('disk.raw'), 'found', true, false],
        [at('side.qcow2'), at('one.qcow2'), 'found', false, true],
        [at('two.qcow2'), at('one.qcow2'), 'found', true, true],
      ],
    );
    assert.deepEqual(listing['folders'], [folder]);
    const preview = images[1]?.['preview'] as Json;
    assert.deepEqual([preview['of'], preview['leaf']], [at('disk.raw'), at('two.qcow2')]);
    const [inner, ...others] = images[4]?.['snapshots'] as Json[];
    assert.deepEqual([inner?.['id'], inner?.['name'], others], ['1', 'inner', []]);

    const lines = fine('list', 'two.qcow2').split('\n');
    assert.deepEqual(
      lines.slice(0, 6).map((line) => line.replace(/^( *\S+(?: \S+)?) .*?(\(.*\))?$/, '$1 $2')),
      [
        'disk.raw (base)',
        '  look.qcow2 (newest, preview of disk.raw)',
        '  one.qcow2 ',
        '    side.qcow2 (newest)',
        '    two.qcow2 (newest, asked for)',
        '      · inner ',
      ],
    );
    assert.match(lines[5] ?? '', /internal snapshot 1, \d+ \w+ \d{4} \d\d:\d\d$/);
    refused(1, /there is no such file/, 'list', 'gone');
    fs.writeFileSync(at('notes.txt'), 'words\n');
    refused(1, /notes\.txt: nothing in it tells that it is a disk image/, 'list', 'notes.txt');
  });

  it('list tells where a chain breaks', () => {
    fine('create', 'disk.raw', 'one.qcow2');
    fs.rmSync(at('disk.raw'));
    const [one] = json('list', 'one.qcow2')['images'] as Json[];
    assert.deepEqual([one?.['parent'], one?.['parentState']], [at('disk.raw'), 'missing']);
    assert.match(fine('list', 'one.qcow2'), /! the parent .*disk\.raw is not there/);
  });

  it('preview, commit and undo tell first what goes', () => {
    fine('create', 'disk.raw', 'one.qcow2');
    fine('create', 'one.qcow2', 'two.qcow2');
    const text = fine('preview', 'two.qcow2', 'one.qcow2');
    assert.match(text, /one\.preview: a preview of .*one\.qcow2\. Let the VM use it/);
    const before = names();
    const dry = json('commit', '--dry-run', 'one.preview');
    assert.deepEqual(
      [dry['done'], dry['keeps'], (dry['removes'] as Json[]).map(({ filename }) => filename)],
      [false, at('one.preview'), [at('two.qcow2')]],
    );
    assert.match(fine('undo', '--dry-run', 'one.preview'), /one\.preview: would be removed/);
    assert.deepEqual(names(), before);
    assert.match(
      fine('undo', 'one.preview'),
      /one\.preview: removed .*\n(?:.*\n)*.*two\.qcow2 is what the VM is to use\./,
    );
    assert.deepEqual(names(), ['disk.raw', 'one.qcow2', 'two.qcow2']);
    refused(1, /one\.qcow2 is no preview/, 'commit', 'one.qcow2');

    fine('preview', 'two.qcow2', 'one.qcow2');
    fs.renameSync(at('two.qcow2'), at('moved.qcow2'));
    const { code, stdout } = run('undo', '--dry-run', 'one.preview');
    assert.equal(code, 1);
    assert.match(stdout, /error +.*two\.qcow2 is not there, which undoing goes back to/);
    fs.renameSync(at('moved.qcow2'), at('two.qcow2'));
    assert.equal(json('commit', 'one.preview')['done'], true);
    assert.deepEqual(names(), ['disk.raw', 'one.preview', 'one.qcow2']);
  });

  it('has qemu-img keep and bring back states, and tells the command', () => {
    fine('create', 'disk.raw', 'one.qcow2');
    assert.match(
      fine('create-internal', '--dry-run', 'one.qcow2', 'clean'),
      /^qemu-img snapshot -c clean \/.*one\.qcow2\n/,
    );
    assert.equal(qemuInfo(folder, 'one.qcow2')['snapshots'], undefined);
    const { code, stdout, stderr } = run('create-internal', 'one.qcow2', 'clean');
    assert.deepEqual([code, stdout], [0, 'one.qcow2: kept as "clean". The snapshot was read and is as the disk.\n']);
    assert.match(stderr, /^vmdisk: running \/.*qemu-img snapshot -c clean \/.*one\.qcow2\n$/);
    assert.deepEqual(json('apply', 'one.qcow2', 'clean'), {
      done: true,
      image: 'one.qcow2',
      action: 'apply',
      name: 'clean',
    });
    refused(1, /has no internal snapshot "other"\. It has: clean/, 'apply', 'one.qcow2', 'other');
    refused(1, /there is no qemu-img/, 'apply', '--qemu-img', at('disk.raw.gone'), 'one.qcow2', 'clean');
    fine('delete', '--snapshot', 'clean', 'one.qcow2');
    assert.equal(qemuInfo(folder, 'one.qcow2')['snapshots'], undefined);
  });
});
