/**
 * What `vmdisk snapshot plan` and `snapshot delete` refuse, shown to be right by doing it by hand; and what they do with
 * names, with too little room and when they are stopped.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DiskError } from '../../src/core';
import { TRUST_ALL } from '../../src/node/gate';
import { findQemuImg } from '../../src/node/qemuImg';
import { deleteLayer } from '../../src/node/snapshots/delete';
import { notePath } from '../../src/node/snapshots/notes';
import type { CliResult } from '../support/cli';
import { cliPath, runCli } from '../support/cli';
import { qemuImg, qemuInfo, qemuIo, qemuVersion } from '../support/qemu';
import { makeTempFolder, removeFolder } from '../support/temp';

const AN_HOUR_AGO = Date.now() / 1000 - 3600;

interface Plan {
  readonly direction: string | null;
  readonly refusals: readonly { readonly code: string; readonly message: string }[];
  readonly cautions: readonly { readonly code: string; readonly message: string }[];
  readonly why: readonly string[];
  readonly moves: readonly { readonly into: string; readonly bytes: number; readonly growth: number }[];
  readonly freed: number;
  readonly exact: boolean;
  readonly leaves: readonly string[];
}

describe('vmdisk snapshot plan and delete', () => {
  if (qemuVersion() === undefined) {
    if ((process.env['VMDISK_REQUIRE_QEMU'] ?? '') !== '') it('has qemu-img', () => assert.fail('install qemu-utils'));
    else it('are not tried: there is no qemu-img on PATH; install qemu-utils');
    return;
  }

  let folder: string;
  beforeEach(() => {
    folder = makeTempFolder('snapshot-delete');
  });
  afterEach(() => {
    removeFolder(folder);
  });

  const at = (name: string): string => join(folder, name);
  /** What changed a moment ago is looked at twice, which takes its time. */
  const age = (): void => {
    for (const name of readdirSync(folder)) if (name.endsWith('.qcow2')) utimesSync(at(name), AN_HOUR_AGO, AN_HOUR_AGO);
  };
  const run = (...args: readonly string[]): CliResult => {
    age();
    return runCli(args, { cwd: folder, timeout: 300_000 });
  };
  const plan = (...args: readonly string[]): Plan =>
    JSON.parse(run('snapshot', 'plan', '--output', 'json', ...args).stdout) as Plan;
  const codes = ({ refusals }: Plan): string[] => refusals.map(({ code }) => code);
  const formatOf = (image: string): string => (image.endsWith('.raw') ? 'raw' : 'qcow2');
  const io = (image: string, ...commands: readonly string[]): void => {
    qemuIo(folder, ['-f', formatOf(image), `./${image}`], commands);
  };
  const make = (image: string, size: string | undefined, on?: string, ...options: readonly string[]): void => {
    const backing = on === undefined ? [] : ['-b', on, '-F', formatOf(on)];
    const sized = size === undefined ? [] : [size];
    qemuImg(folder, 'create', '-q', '-f', formatOf(image), ...options, ...backing, `./${image}`, ...sized);
  };
  const hash = (image: string): string => {
    qemuImg(folder, 'convert', '-q', '-f', formatOf(image), '-O', 'raw', `./${image}`, 'truth.out');
    const bytes = readFileSync(at('truth.out'));
    rmSync(at('truth.out'));
    return createHash('sha256').update(bytes).digest('hex');
  };
  const backingOf = (image: string): unknown => qemuInfo(folder, '-U', `./${image}`)['backing-filename'];

  it('refuses to commit under a sibling, which would read otherwise', () => {
    make('base.qcow2', '4M');
    io('base.qcow2', 'write -P 1 0 4M');
    make('layer.qcow2', undefined, 'base.qcow2');
    io('layer.qcow2', 'write -P 2 1M 1M');
    make('child.qcow2', undefined, 'layer.qcow2');
    make('sibling.qcow2', undefined, 'base.qcow2');
    const refused = plan('--direction', 'commit', 'layer.qcow2');
    assert.equal(refused.direction, null);
    assert.deepEqual(codes(refused), ['siblings']);
    assert.match(refused.refusals[0]?.message ?? '', /sibling\.qcow2 stands on/);
    assert.equal(plan('layer.qcow2').direction, 'pull');

    const { code, stderr } = run('snapshot', 'delete', '--direction', 'commit', 'layer.qcow2');
    assert.equal(code, 1);
    assert.match(stderr, /sibling\.qcow2/);
    const before = hash('sibling.qcow2');
    qemuImg(folder, 'commit', '-q', '-d', '-f', 'qcow2', 'layer.qcow2');
    assert.notEqual(hash('sibling.qcow2'), before, 'by hand it does break');
  });

  it('refuses to commit a newest layer beside others, and to delete all there is', () => {
    make('base.qcow2', '1M');
    make('one.qcow2', undefined, 'base.qcow2');
    make('two.qcow2', undefined, 'base.qcow2');
    assert.deepEqual(codes(plan('one.qcow2')), ['siblings']);
    rmSync(at('two.qcow2'));
    assert.equal(plan('one.qcow2').direction, 'commit');
    rmSync(at('one.qcow2'));
    assert.deepEqual(codes(plan('base.qcow2')), ['only-copy', 'no-children']);
    assert.equal(run('snapshot', 'plan', 'base.qcow2').code, 1);
  });

  it('puts a newest layer into its parent, and says which file the VM has to use then', () => {
    make('base.qcow2', '4M');
    make('top.qcow2', undefined, 'base.qcow2');
    io('top.qcow2', 'write -P 2 1M 1M');
    const before = hash('top.qcow2');
    const { code, stdout, stderr } = run('snapshot', 'delete', 'top.qcow2');
    assert.equal(code, 0, stderr);
    assert.equal(hash('base.qcow2'), before);
    assert(!existsSync(at('top.qcow2')));
    assert.match(stderr, /has to use base\.qcow2 from then on/);
    assert.match(stdout, /base\.qcow2 reads as it did: let the VM use that one/);
  });

  it('refuses to commit into a larger disk under a larger one', () => {
    make('base.qcow2', '8M');
    io('base.qcow2', 'write -P 1 0 8M');
    make('layer.qcow2', '4M', 'base.qcow2');
    make('child.qcow2', '8M', 'layer.qcow2');
    assert.deepEqual(codes(plan('--direction', 'commit', 'layer.qcow2')), ['parent-larger']);

    const before = hash('child.qcow2');
    qemuImg(folder, 'commit', '-q', '-d', '-f', 'qcow2', 'layer.qcow2');
    const byHand = ['rebase', '-q', '-u', '-f', 'qcow2', '-F', 'qcow2', '-b'];
    qemuImg(folder, ...byHand, 'base.qcow2', 'child.qcow2');
    assert.notEqual(hash('child.qcow2'), before, 'by hand it does break');
    qemuImg(folder, ...byHand, 'layer.qcow2', 'child.qcow2');

    assert.equal(run('snapshot', 'delete', 'layer.qcow2').code, 0);
    assert.equal(hash('child.qcow2'), before, 'upwards it can go');
  });

  it('refuses to commit into a disk that would show what it had before it became smaller', () => {
    make('base.qcow2', '96K');
    io('base.qcow2', 'write -P 1 0 96K');
    qemuImg(folder, 'resize', '-q', '--shrink', '-f', 'qcow2', 'base.qcow2', '72K');
    make('layer.qcow2', '128K', 'base.qcow2');
    make('child.qcow2', '128K', 'layer.qcow2');
    assert.deepEqual(codes(plan('--direction', 'commit', 'layer.qcow2')), ['stale-tail']);

    const before = hash('child.qcow2');
    qemuImg(folder, 'commit', '-q', '-d', '-f', 'qcow2', 'layer.qcow2');
    qemuImg(folder, 'rebase', '-q', '-u', '-f', 'qcow2', '-F', 'qcow2', '-b', 'base.qcow2', 'child.qcow2');
    assert.notEqual(hash('child.qcow2'), before, 'by hand it does break');
  });

  it('refuses what it would lose, and what it can not be sure of', () => {
    make('base.qcow2', '1M');
    make('layer.qcow2', undefined, 'base.qcow2');
    make('child.qcow2', undefined, 'layer.qcow2');
    qemuImg(folder, 'snapshot', '-c', 'kept', 'layer.qcow2');
    assert.deepEqual(codes(plan('layer.qcow2')), ['internal-snapshots']);
    qemuImg(folder, 'snapshot', '-d', 'kept', 'layer.qcow2');
    qemuImg(folder, 'bitmap', '--add', 'layer.qcow2', 'backup');
    assert(
      plan('layer.qcow2').cautions.some(({ code, message }) => code === 'bitmaps-lost' && message.includes('backup')),
    );
    rmSync(at('base.qcow2'));
    assert(codes(plan('layer.qcow2')).includes('broken-below'));
  });

  it('keeps what internal snapshots of an overlay read through the layer', () => {
    make('base.qcow2', '4M');
    io('base.qcow2', 'write -P 1 0 4M');
    make('layer.qcow2', undefined, 'base.qcow2');
    io('layer.qcow2', 'write -P 2 1M 1M');
    make('child.qcow2', undefined, 'layer.qcow2');
    qemuImg(folder, 'snapshot', '-c', 'old', 'child.qcow2');
    io('child.qcow2', 'write -P 3 1M 1M');
    const old = (): Buffer => {
      qemuImg(folder, 'convert', '-q', '-f', 'qcow2', '-l', 'old', '-O', 'raw', 'child.qcow2', 'truth.out');
      return readFileSync(at('truth.out'));
    };
    const before = [hash('child.qcow2'), old()];
    assert.deepEqual(codes(plan('--direction', 'pull', 'layer.qcow2')), ['child-snapshots']);
    const { code, stderr } = run('snapshot', 'delete', 'layer.qcow2');
    assert.equal(code, 0, stderr);
    assert.equal(backingOf('child.qcow2'), 'base.qcow2');
    assert.deepEqual([hash('child.qcow2'), old()], before);
  });

  it('refuses an image that is in use', async () => {
    make('base.qcow2', '1M');
    make('layer.qcow2', undefined, 'base.qcow2');
    make('child.qcow2', undefined, 'layer.qcow2');
    const user = spawn('qemu-io', ['-f', 'qcow2', at('child.qcow2')], { stdio: ['pipe', 'pipe', 'ignore'] });
    await once(user.stdout, 'data');
    try {
      if (process.platform === 'linux') assert(codes(plan('layer.qcow2')).includes('in-use'));
      assert.equal(run('snapshot', 'delete', 'layer.qcow2').code, 1);
    } finally {
      user.stdin.end('quit\n');
      await once(user, 'close');
    }
    assert(existsSync(at('layer.qcow2')));
  });

  it('names the parent in the style of before: whole, from the folder, and with a colon', () => {
    make('a:base.qcow2', '1M');
    io('a:base.qcow2', 'write -P 1 0 64K');
    make('layer.qcow2', undefined, './a:base.qcow2');
    io('layer.qcow2', 'write -P 2 64K 64K');
    make('near.qcow2', undefined, 'layer.qcow2');
    make('whole.qcow2', undefined, at('layer.qcow2'));
    mkdirSync(at('far'));
    make('far/far.qcow2', undefined, '../layer.qcow2');
    const images = ['near.qcow2', 'whole.qcow2', 'far/far.qcow2'];
    const before = images.map(hash);
    assert.equal(plan('layer.qcow2').leaves.length, 2, 'other folders are not looked through unasked');
    assert.deepEqual(plan('--look-in', 'far', 'layer.qcow2').leaves.length, 3);

    const { code, stderr } = run('snapshot', 'delete', '--look-in', 'far', '--direction', 'commit', 'layer.qcow2');
    assert.equal(code, 0, stderr);
    assert.deepEqual(images.map(backingOf), ['./a:base.qcow2', at('a:base.qcow2'), '../a:base.qcow2']);
    assert.deepEqual(images.map(hash), before);
  });

  it('deletes a base that looks like nothing: what stands on it takes what it reads', () => {
    writeFileSync(at('disk'), new Uint8Array(2 ** 20).fill(7));
    qemuImg(folder, 'create', '-q', '-f', 'qcow2', '-b', 'disk', '-F', 'raw', 'child.qcow2');
    const before = hash('child.qcow2');
    const told = plan('disk');
    assert.equal(told.direction, 'pull');
    assert.deepEqual(told.moves, [{ into: at('child.qcow2'), bytes: 2 ** 20, growth: 2 ** 20 + 65_536 }]);
    assert(
      told.why.some((sentence) => sentence.startsWith('nothing comes free')),
      told.why.join('\n'),
    );
    assert.equal(run('snapshot', 'delete', 'disk').code, 0);
    assert.equal(hash('child.qcow2'), before);
    assert.equal(backingOf('child.qcow2'), undefined);
  });

  it('sees that qemu-img did not do what it should have, and removes nothing', function () {
    if (process.platform === 'win32') this.skip();
    make('base.qcow2', '4M');
    make('layer.qcow2', undefined, 'base.qcow2');
    io('layer.qcow2', 'write -P 2 1M 1M');
    make('child.qcow2', undefined, 'layer.qcow2');
    const before = hash('child.qcow2');
    // It says that all went well. And it only names another parent, where it should have copied before.
    const lies = { commit: 'commit) exit 0 ;;', pull: 'rebase) shift; set -- rebase -u "$@" ;;' };
    for (const [direction, lie] of Object.entries(lies)) {
      writeFileSync(at('liar'), `#!/bin/sh\ncase "$1" in ${lie} esac\nexec qemu-img "$@"\n`);
      chmodSync(at('liar'), 0o755);
      const args = ['snapshot', 'delete', '--direction', direction, '--qemu-img', at('liar'), 'layer.qcow2'];
      const { code, stderr } = run(...args);
      assert.equal(code, 1, stderr);
      assert.match(stderr, direction === 'commit' ? /does not read as this layer does/ : /would not read as before/);
      assert(existsSync(at('layer.qcow2')));
      if (direction === 'pull') {
        const [, way] = /through it: \S+ (.*)$/m.exec(stderr) ?? [];
        qemuImg(folder, ...(way ?? '').split(' '));
      }
      assert.equal(hash('child.qcow2'), before, direction);
    }
    const { code, stderr } = run('snapshot', 'delete', 'layer.qcow2');
    assert.equal(code, 0, stderr);
    assert.equal(hash('child.qcow2'), before);
  });

  it('does not believe a note about what it was not told', () => {
    make('base.qcow2', '4M');
    io('base.qcow2', 'write -P 1 0 4M');
    make('layer.qcow2', undefined, 'base.qcow2');
    io('layer.qcow2', 'write -P 2 1M 1M');
    make('other.qcow2', undefined, 'base.qcow2');
    make('child.qcow2', undefined, 'layer.qcow2');
    const images = ['other.qcow2', 'child.qcow2', 'layer.qcow2'];
    const before = images.map(hash);
    const note = { kind: 'delete', image: at('layer.qcow2'), parent: at('base.qcow2'), began: 0 };
    writeFileSync(
      notePath(at('layer.qcow2'), 'delete'),
      JSON.stringify({ ...note, direction: 'commit', children: [at('child.qcow2'), at('other.qcow2')] }),
    );
    const { code, stderr } = run('snapshot', 'delete', 'layer.qcow2');
    assert.equal(code, 1, stderr);
    assert.match(stderr, /base\.qcow2 does not read as this layer does/);
    assert.deepEqual(images.map(hash), before);
  });

  describe('through links', () => {
    beforeEach(function () {
      if (process.platform === 'win32') this.skip();
      for (const name of ['pool', 'deep', 'deep/vm']) mkdirSync(at(name));
    });

    it('sees who stands on a parent by its own name', () => {
      make('pool/base.qcow2', '4M');
      make('pool/other.qcow2', undefined, 'base.qcow2');
      symlinkSync('pool/base.qcow2', at('base.qcow2'));
      make('layer.qcow2', undefined, 'base.qcow2');
      assert.deepEqual(codes(plan('layer.qcow2')), ['siblings']);
    });

    it('deletes no link in place of a file', () => {
      make('base.qcow2', '4M');
      make('deep/layer.qcow2', undefined, '../base.qcow2');
      symlinkSync('layer.qcow2', at('deep/link.qcow2'));
      assert(codes(plan('deep/link.qcow2')).includes('link'));
    });

    it('names the parent from where a folder really is', () => {
      make('base.qcow2', '4M');
      make('layer.qcow2', undefined, 'base.qcow2');
      io('layer.qcow2', 'write -P 2 1M 1M');
      symlinkSync('deep/vm', at('vm'));
      qemuImg(folder, 'create', '-q', '-f', 'qcow2', '-b', '../../layer.qcow2', '-F', 'qcow2', 'vm/child.qcow2');
      const before = hash('vm/child.qcow2');
      for (const direction of ['commit', 'pull']) {
        const { code, stderr } = run('snapshot', 'delete', '--look-in', 'vm', '--direction', direction, 'layer.qcow2');
        assert.equal(code, 0, stderr);
        assert.equal(backingOf('vm/child.qcow2'), '../../base.qcow2');
        assert.equal(hash('vm/child.qcow2'), before);
        make('layer.qcow2', undefined, 'base.qcow2');
        io('layer.qcow2', 'write -P 2 1M 1M');
        qemuImg(folder, 'rebase', '-f', 'qcow2', '-u', '-F', 'qcow2', '-b', '../../layer.qcow2', 'vm/child.qcow2');
      }
    });

    it('knows an overlay that a link in a folder looked through first seems to be another', () => {
      mkdirSync(at('links'));
      make('base.qcow2', '4M');
      make('layer.qcow2', undefined, 'base.qcow2');
      make('child.qcow2', undefined, 'layer.qcow2');
      symlinkSync('../child.qcow2', at('links/alias.qcow2'));
      assert.deepEqual(plan('--look-in', 'links', 'layer.qcow2').leaves, [at('child.qcow2')]);
    });

    it('changes no file that has another name, which somebody may count on', () => {
      make('base.qcow2', '4M');
      make('layer.qcow2', undefined, 'base.qcow2');
      linkSync(at('base.qcow2'), at('pool/backup.qcow2'));
      assert.deepEqual(codes(plan('layer.qcow2')), ['hard-links']);
    });
  });

  it('refuses where not all could be seen that may stand there', function () {
    make('base.qcow2', '1M');
    make('layer.qcow2', undefined, 'base.qcow2');
    assert.deepEqual(codes(plan('layer.qcow2')), []);
    assert.deepEqual(codes(plan('--look-in', 'mistyped', 'layer.qcow2')), ['folder-too-large']);
    make('broken.qcow2', undefined, 'layer.qcow2');
    const bytes = readFileSync(at('broken.qcow2'));
    bytes.writeUInt32BE(99, 20);
    writeFileSync(at('broken.qcow2'), bytes);
    assert.deepEqual(codes(plan('layer.qcow2')), ['unreadable-neighbour']);
    rmSync(at('broken.qcow2'));
    if (process.platform !== 'linux') this.skip();
    make('child.qcow2', undefined, 'layer.qcow2');
    renameSync(at('child.qcow2'), Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0x6b, 0xff])]));
    symlinkSync('nowhere', at('dangling'));
    assert.deepEqual(codes(plan('layer.qcow2')), ['unreadable-neighbour']);
  });

  it('removes no file, and writes into none, that another image keeps its data in', () => {
    qemuImg(folder, 'create', '-q', '-f', 'qcow2', '-o', 'data_file=disk.raw,data_file_raw=on', 'holder.qcow2', '1M');
    make('layer.qcow2', undefined, 'disk.raw');
    assert.deepEqual(codes(plan('disk.raw')), ['holds-data']);
    assert.deepEqual(codes(plan('layer.qcow2')), ['holds-data']);
  });

  it('takes no snapshot for what a repair has kept, whatever it is called', () => {
    make('base.qcow2', '1M');
    make('layer.qcow2', undefined, 'base.qcow2');
    io('layer.qcow2', 'write -P 2 0 64K');
    const made = run('snapshot', 'create', 'layer.qcow2', 'web01.before-repair');
    assert.match(made.stderr, /names like this/);
    qemuImg(folder, 'create', '-q', '-f', 'qcow2', '-b', 'layer.qcow2', '-F', 'qcow2', 'web01.before-repair');
    assert.deepEqual(plan('layer.qcow2').leaves, [at('web01.before-repair')]);
  });

  it('looks again right before it begins: who stands there, who uses it, which file it is', async function () {
    if (process.platform === 'win32') this.skip();
    // Large enough that reading it is told.
    make('base.qcow2', '96M');
    io('base.qcow2', 'write -P 1 0 96M');
    make('layer.qcow2', undefined, 'base.qcow2');
    io('layer.qcow2', 'write -P 2 1M 4M');
    make('child.qcow2', undefined, 'layer.qcow2');
    const before = hash('child.qcow2');
    const base = readFileSync(at('base.qcow2'));
    age();
    const request = { image: at('layer.qcow2'), direction: 'commit' } as const;
    const tool = await findQemuImg();
    const running: string[] = [];
    /** Does something once all was planned and is being read. */
    const disturbed = async (disturb: () => void): Promise<void> => {
      let done = false;
      const progress = (what: string): void => {
        if (done || !what.startsWith('reading ')) return;
        done = true;
        disturb();
        age();
      };
      const run = { progress, running: (command: string) => running.push(command) };
      await assert.rejects(deleteLayer(request, tool, TRUST_ALL, run), DiskError);
      assert(done);
    };
    await disturbed(() => {
      make('sibling.qcow2', undefined, 'base.qcow2');
    });
    rmSync(at('sibling.qcow2'));
    await disturbed(() => {
      make('second.qcow2', undefined, 'layer.qcow2');
    });
    rmSync(at('second.qcow2'));
    await disturbed(() => {
      qemuImg(folder, 'convert', '-f', 'qcow2', '-O', 'qcow2', 'base.qcow2', 'copy.qcow2');
      renameSync(at('copy.qcow2'), at('base.qcow2'));
    });
    writeFileSync(at('base.qcow2'), base);
    await disturbed(() => {
      linkSync(at('base.qcow2'), at('other'));
    });
    rmSync(at('other'));
    assert.deepEqual(running, []);
    assert.equal(hash('child.qcow2'), before);
    assert(!existsSync(notePath(at('layer.qcow2'), 'delete')));
  });

  it('removes nothing for a note that says that all was pulled up', () => {
    make('base.qcow2', '4M');
    make('layer.qcow2', undefined, 'base.qcow2');
    io('layer.qcow2', 'write -P 2 1M 1M');
    make('sibling.qcow2', undefined, 'base.qcow2');
    const before = ['base.qcow2', 'layer.qcow2', 'sibling.qcow2'].map(hash);
    const noted = (image: string, children: readonly string[]): void => {
      const note = { kind: 'delete', image: at(image), parent: null, direction: 'pull', began: 0 };
      writeFileSync(notePath(at(image), 'delete'), JSON.stringify({ ...note, children: children.map(at) }));
    };
    for (const children of [[], ['sibling.qcow2'], ['gone.qcow2'], ['layer.qcow2'], ['base.qcow2']]) {
      noted('layer.qcow2', children);
      for (const way of [[], ['--direction', 'pull'], ['--direction', 'commit']]) {
        const { code, stdout } = run('snapshot', 'delete', ...way, 'layer.qcow2');
        assert.equal(code, 1, `${children.join()} ${way.join()}: ${stdout}`);
      }
    }
    make('alone.qcow2', '4M');
    noted('alone.qcow2', ['base.qcow2']);
    io('alone.qcow2', 'write -P 5 2M 1M');
    assert.equal(run('snapshot', 'delete', 'alone.qcow2').code, 1);
    assert(existsSync(at('alone.qcow2')));
    assert.deepEqual(['base.qcow2', 'layer.qcow2', 'sibling.qcow2'].map(hash), before);

    // What was really pulled: the same note is enough, but not for the other way.
    rmSync(notePath(at('layer.qcow2'), 'delete'));
    make('child.qcow2', undefined, 'layer.qcow2');
    const read = hash('child.qcow2');
    qemuImg(folder, 'rebase', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', 'base.qcow2', 'child.qcow2');
    noted('layer.qcow2', ['child.qcow2']);
    assert.equal(run('snapshot', 'delete', '--direction', 'commit', 'layer.qcow2').code, 1);
    assert.deepEqual(['sibling.qcow2', 'child.qcow2'].map(hash), [before[2], read]);
    const { code, stderr } = run('snapshot', 'delete', 'layer.qcow2');
    assert.equal(code, 0, stderr);
    assert(!existsSync(at('layer.qcow2')));
    assert.deepEqual(['sibling.qcow2', 'child.qcow2'].map(hash), [before[2], read]);
  }).timeout(240_000);

  it('survives that there is no more room, and goes on when there is', function () {
    if (process.platform === 'win32') this.skip();
    make('base.qcow2', '16M');
    make('layer.qcow2', undefined, 'base.qcow2');
    io('layer.qcow2', 'write -P 2 0 12M');
    make('child.qcow2', undefined, 'layer.qcow2');
    io('child.qcow2', 'write -P 3 0 1M');
    const before = ['layer.qcow2', 'child.qcow2'].map(hash);
    // A file may not become larger than 4 MiB: what the system says then is another word for no room.
    writeFileSync(
      at('cramped'),
      `#!/bin/sh\ncase "$1" in --version) ;; *) trap '' XFSZ; ulimit -f 8192 ;; esac\nexec qemu-img "$@"\n`,
    );
    chmodSync(at('cramped'), 0o755);
    for (const direction of ['commit', 'pull']) {
      const { code, stderr } = run(
        'snapshot',
        'delete',
        '--direction',
        direction,
        '--qemu-img',
        at('cramped'),
        'layer.qcow2',
      );
      assert.equal(code, 1, stderr);
      assert.match(stderr, /Nothing was removed, and every image reads as it did/);
      assert.deepEqual(['layer.qcow2', 'child.qcow2'].map(hash), before, direction);
      assert(existsSync(notePath(at('layer.qcow2'), 'delete')));
      assert.equal(backingOf('child.qcow2'), 'layer.qcow2');
    }
    const { code, stderr } = run('snapshot', 'delete', 'layer.qcow2');
    assert.equal(code, 0, stderr);
    assert.equal(hash('child.qcow2'), before[1]);
    assert(!existsSync(notePath(at('layer.qcow2'), 'delete')));
  });

  it('tells before that there is no room', () => {
    const { bavail, bsize } = statfsSync(folder);
    const size = String(2 ** Math.ceil(Math.log2(bavail * bsize + 1) + 0.5));
    make('base.qcow2', size, undefined, '-o', 'cluster_size=2M');
    make('layer.qcow2', size, undefined, '-o', 'cluster_size=2M,preallocation=metadata');
    qemuImg(folder, 'rebase', '-q', '-u', '-f', 'qcow2', '-F', 'qcow2', '-b', 'base.qcow2', 'layer.qcow2');
    make('child.qcow2', undefined, 'layer.qcow2', '-o', 'cluster_size=2M');
    const refused = plan('--direction', 'commit', 'layer.qcow2');
    const began = statSync(at('base.qcow2')).mtimeMs;
    assert.deepEqual(codes(refused), ['no-space']);
    assert.equal(run('snapshot', 'delete', '--direction', 'commit', 'layer.qcow2').code, 1);
    assert.equal(statSync(at('base.qcow2')).mtimeMs, began);
  }).timeout(300_000);

  it('is stopped by a signal: every image reads as it did', async function () {
    if (process.platform === 'win32') this.skip();
    make('base.qcow2', '64M');
    io('base.qcow2', 'write -P 1 0 48M');
    make('layer.qcow2', undefined, 'base.qcow2');
    io('layer.qcow2', 'write -P 2 0 48M');
    make('child.qcow2', undefined, 'layer.qcow2');
    const before = hash('child.qcow2');
    age();
    const args = ['snapshot', 'delete', '--direction', 'commit', at('layer.qcow2')];
    // One that waits, so that it is hit.
    writeFileSync(at('slow'), `#!/bin/sh\ncase "$1" in commit) exec sleep 30 ;; esac\nexec qemu-img "$@"\n`);
    chmodSync(at('slow'), 0o755);
    const child = spawn(process.execPath, [cliPath(), ...args, '--qemu-img', at('slow')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (text.includes('running')) child.kill('SIGINT');
    });
    const [code] = (await once(child, 'close')) as [number | null];
    assert.equal(code, 130, said);
    assert.match(said, /every image reads as it did/);
    assert.equal(hash('child.qcow2'), before);
    assert.equal(run('snapshot', 'delete', 'layer.qcow2').code, 0);
    assert.equal(hash('child.qcow2'), before);
  });
});
