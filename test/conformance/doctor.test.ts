/** The doctor on real images: each thing that goes wrong is made with qemu-img, found, and not found where all is well. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Diagnosis } from '../../src/core';
import { codecsReady } from '../../src/node/codecs';
import { diagnose, examine } from '../../src/node/doctor';
import { TRUST_ALL } from '../../src/node/gate';
import { useOf } from '../../src/node/inUse';
import { notePath, writeNote } from '../../src/node/snapshots/notes';
import { cliPath, runCli } from '../support/cli';
import { qemuImg, qemuIo, qemuVersion } from '../support/qemu';
import { Draw } from '../support/random';
import { ON_WINDOWS } from '../support/specialFiles';
import { makeTempFolder, removeFolder } from '../support/temp';

const version = qemuVersion();
const QEMU_IO = process.env['VMDISK_QEMU_IO'] ?? 'qemu-io';

describe(`the doctor on images of qemu-img ${version?.text ?? ''}`, () => {
  if (!version) {
    const required = (process.env['VMDISK_REQUIRE_QEMU'] ?? '') !== '';
    if (required) it('has qemu-img', () => assert.fail('there is no qemu-img and VMDISK_REQUIRE_QEMU is set'));
    else it('is not run: there is no qemu-img on PATH; install qemu-utils');
    return;
  }

  let temporary: string;
  /** Not directly in the system's: parents are looked for in the folders beside. */
  let folder: string;
  before(codecsReady);
  beforeEach(() => {
    temporary = makeTempFolder('doctor');
    folder = join(temporary, 'vms');
    mkdirSync(folder);
  });
  afterEach(() => {
    removeFolder(temporary);
  });

  const at = (name: string): string => join(folder, name);
  const img = (...args: readonly string[]): string => qemuImg(folder, ...args);
  const io = (name: string, ...commands: readonly string[]): void => {
    qemuIo(folder, [name], commands);
  };
  const create = (name: string, size = '4M', ...options: readonly string[]): void => {
    img('create', '-q', '-f', 'qcow2', ...options, name, size);
  };
  const overlay = (name: string, on: string, ...options: readonly string[]): void => {
    const format = on.endsWith('.img') ? 'raw' : 'qcow2';
    img('create', '-q', '-f', 'qcow2', '-b', on, '-F', format, ...options, name);
  };
  /** A base with data and two layers on it. */
  const family = (): void => {
    create('base.qcow2');
    io('base.qcow2', 'write -P 1 0 1M');
    overlay('mid.qcow2', 'base.qcow2');
    io('mid.qcow2', 'write -P 2 64k 64k');
    overlay('leaf.qcow2', 'mid.qcow2');
  };
  const patch = (name: string, change: (bytes: Buffer) => void): void => {
    const { mtime } = statSync(at(name));
    const bytes = readFileSync(at(name));
    change(bytes);
    writeFileSync(at(name), bytes);
    utimesSync(at(name), mtime, mtime);
  };
  const look = (...names: readonly string[]): Promise<readonly Diagnosis[]> => diagnose(names.map(at), TRUST_ALL);
  const word = ({ severity, certainty, code, path }: Diagnosis): string =>
    `${severity} ${certainty} ${code} ${basename(path)}`;
  const told = async (...names: readonly string[]): Promise<string[]> => (await look(...names)).map(word);
  const sorted = async (...names: readonly string[]): Promise<string[]> => (await told(...names)).sort();

  /** Runs the first remedy's command. */
  const mend = ({ remedies: [first] }: Diagnosis): void => {
    const { code, stderr } = runCli(first?.command?.split(' ').slice(1) ?? [], { cwd: folder });
    assert.equal(code, 0, stderr);
  };

  it('finds nothing wrong with ordinary families', async () => {
    family();
    overlay('twin.qcow2', 'base.qcow2');
    img('create', '-q', '-f', 'raw', 'disk.img', '4M');
    overlay('on-raw.qcow2', 'disk.img', '-o', 'extended_l2=on,cluster_size=128k');
    overlay('old.qcow2', 'disk.img', '-o', 'compat=0.10');
    create('snap.qcow2');
    img('snapshot', '-c', 'before', 'snap.qcow2');
    create('extern.qcow2', '4M', '-o', 'data_file=data.bin');
    create('bitmaps.qcow2');
    img('bitmap', '--add', 'bitmaps.qcow2', 'b');
    writeFileSync(at('readme.txt'), 'no image');
    mkdirSync(at('.git'));
    assert.deepEqual(await told('.'), []);
    // The data file is a raw image as well.
    const { images, families } = await examine([folder], TRUST_ALL);
    assert.deepEqual([images, families], [11, 6]);
  });

  it('looks at the whole family of an image, and not at others beside it', async () => {
    family();
    overlay('orphan.qcow2', 'base.qcow2');
    create('gone.qcow2');
    overlay('stranger.qcow2', 'gone.qcow2');
    rmSync(at('gone.qcow2'));
    patch('mid.qcow2', (bytes) => bytes.writeUInt32BE(1, 76));
    for (const name of ['base.qcow2', 'mid.qcow2', 'leaf.qcow2', 'orphan.qcow2']) {
      assert.deepEqual(await told(name), ['warning certain dirty mid.qcow2'], name);
    }
    assert.deepEqual(await told('stranger.qcow2'), ['error certain parent-missing stranger.qcow2']);
  });

  it('finds a parent that is missing, and the file of its name beside the image', async () => {
    create('base.qcow2');
    overlay('leaf.qcow2', 'base.qcow2');
    renameSync(at('base.qcow2'), at('renamed.qcow2'));
    assert.deepEqual(await told('leaf.qcow2'), ['error certain parent-missing leaf.qcow2']);
    renameSync(at('renamed.qcow2'), at('base.qcow2'));
    img('rebase', '-u', '-f', 'qcow2', '-b', '/no-such-root/vms/base.qcow2', '-F', 'qcow2', 'leaf.qcow2');
    const found = await look('leaf.qcow2');
    assert.deepEqual(found.map(word), [
      'error certain parent-missing leaf.qcow2',
      'warning likely path-of-another-machine leaf.qcow2',
    ]);
    for (const { remedies } of found) {
      assert.ok(remedies.some(({ remedy }) => remedy.kind === 'relocate' && remedy.parent === at('base.qcow2')));
    }
  });

  it('mends a chain whose base was renamed by the first of its remedies', async () => {
    family();
    renameSync(at('base.qcow2'), at('web01-old.qcow2'));
    create('decoy.qcow2', '8M');
    const [found] = await look('leaf.qcow2');
    assert.equal(found && word(found), 'error certain parent-missing mid.qcow2');
    const remedy = found?.remedies[0]?.remedy;
    assert.deepEqual(remedy, {
      kind: 'relocate',
      image: at('mid.qcow2'),
      parent: at('web01-old.qcow2'),
      parentFormat: 'qcow2',
    });
    if (found) mend(found);
    const after = await look('leaf.qcow2');
    // The header of the middle layer was written last.
    assert.deepEqual(after.map(word), ['info possible parent-newer leaf.qcow2']);
  });

  if (!ON_WINDOWS) {
    it('finds a path of Windows', async () => {
      create('base.qcow2');
      overlay('leaf.qcow2', 'base.qcow2');
      img('rebase', '-u', '-f', 'qcow2', '-b', 'C:\\vms\\base.qcow2', '-F', 'qcow2', 'leaf.qcow2');
      assert.deepEqual(await told('leaf.qcow2'), [
        'error certain parent-missing leaf.qcow2',
        'warning certain path-of-another-machine leaf.qcow2',
      ]);
    });
  }

  it('finds a wrong and an absent format of the parent', async () => {
    create('base.qcow2');
    img('create', '-q', '-f', 'raw', 'disk.img', '4M');
    overlay('as-raw.qcow2', 'base.qcow2');
    img('rebase', '-u', '-f', 'qcow2', '-b', 'base.qcow2', '-F', 'raw', 'as-raw.qcow2');
    overlay('as-qcow2.qcow2', 'disk.img');
    img('rebase', '-u', '-f', 'qcow2', '-b', 'disk.img', '-F', 'qcow2', 'as-qcow2.qcow2');
    overlay('absent.qcow2', 'base.qcow2');
    // The extension's type is what says that there is one: what QEMU does not know it passes over.
    patch('absent.qcow2', (bytes) => bytes.writeUInt32BE(0x12345678, bytes.indexOf(Buffer.from('e2792aca', 'hex'))));
    const found = (await look('.')).filter(({ code }) => code.startsWith('backing'));
    assert.deepEqual(found.map(word).sort(), [
      'error certain backing-format-wrong as-qcow2.qcow2',
      'error certain backing-format-wrong as-raw.qcow2',
      'warning certain backing-format-absent absent.qcow2',
    ]);
    const offered = Object.fromEntries(found.map(({ path, remedies }) => [basename(path), remedies[0]?.remedy]));
    const relocate = (name: string, parent: string, parentFormat: string): object => {
      return { kind: 'relocate', image: at(name), parent: at(parent), parentFormat };
    };
    assert.deepEqual(offered, {
      'as-raw.qcow2': relocate('as-raw.qcow2', 'base.qcow2', 'qcow2'),
      'as-qcow2.qcow2': relocate('as-qcow2.qcow2', 'disk.img', 'raw'),
      'absent.qcow2': relocate('absent.qcow2', 'base.qcow2', 'qcow2'),
    });
    found.forEach(mend);
    assert.deepEqual(await told('.'), []);
  });

  it('takes a raw disk on which a guest has written a qcow2 header for no qcow2', async () => {
    create('trap.qcow2', '64M');
    overlay('hook.qcow2', 'trap.qcow2');
    img('create', '-q', '-f', 'raw', 'disk.img', '4M');
    patch('disk.img', (bytes) => readFileSync(at('hook.qcow2')).copy(bytes, 0, 0, 65536));
    overlay('leaf.qcow2', 'disk.img');
    const [found, ...others] = await look('leaf.qcow2');
    assert.deepEqual([found && word(found), others.length], ['warning possible backing-format-wrong leaf.qcow2', 0]);
    assert.match(found?.meaning ?? '', /harm/);
  });

  it('finds loops, of one and of three', async () => {
    family();
    img('rebase', '-u', '-f', 'qcow2', '-b', 'leaf.qcow2', '-F', 'qcow2', 'base.qcow2');
    create('self.qcow2');
    img('rebase', '-u', '-f', 'qcow2', '-b', 'self.qcow2', '-F', 'qcow2', 'self.qcow2');
    overlay('above.qcow2', 'base.qcow2', '-u', '-o', 'size=4M');
    assert.deepEqual(await sorted('.'), [
      'error certain parent-cycle base.qcow2',
      'error certain parent-cycle self.qcow2',
    ]);
    assert.deepEqual(await told('above.qcow2'), ['error certain parent-cycle base.qcow2']);
  });

  it('finds a base that was written to after the snapshot', async () => {
    create('base.qcow2');
    overlay('leaf.qcow2', 'base.qcow2');
    io('base.qcow2', 'write -P 7 0 64k');
    assert.deepEqual(await told('leaf.qcow2'), ['warning likely parent-newer leaf.qcow2']);
    overlay('twin.qcow2', 'base.qcow2');
    assert.deepEqual(await sorted('leaf.qcow2'), [
      'warning likely parent-newer leaf.qcow2',
      'warning likely shared-base-written base.qcow2',
    ]);
  });

  it('is certain where an internal snapshot was taken in the parent since', async () => {
    create('base.qcow2');
    overlay('leaf.qcow2', 'base.qcow2');
    const hourAgo = Date.now() / 1000 - 3600;
    utimesSync(at('leaf.qcow2'), hourAgo, hourAgo);
    img('snapshot', '-c', 'live', 'base.qcow2');
    assert.deepEqual(await told('leaf.qcow2'), ['warning certain parent-newer leaf.qcow2']);
  });

  it('is not alarmed by a family that was merged by hand, or copied in any order', async () => {
    family();
    img('commit', '-q', '-f', 'qcow2', '-d', 'mid.qcow2');
    img('rebase', '-u', '-f', 'qcow2', '-b', 'base.qcow2', '-F', 'qcow2', 'leaf.qcow2');
    rmSync(at('mid.qcow2'));
    assert.deepEqual(await told('leaf.qcow2'), []);
    mkdirSync(at('copy'));
    for (const name of ['leaf.qcow2', 'base.qcow2']) copyFileSync(at(name), at(join('copy', name)));
    const copied = await told('copy');
    assert.ok(
      copied.every((line) => line.startsWith('info possible ')),
      copied.join('\n'),
    );
  });

  it('finds a parent that was cut short or made larger', async () => {
    img('create', '-q', '-f', 'raw', 'disk.img', '4M');
    overlay('leaf.qcow2', 'disk.img');
    truncateSync(at('disk.img'), 1_000_001);
    const cut = await sorted('leaf.qcow2');
    assert.ok(cut.includes('warning likely parent-smaller leaf.qcow2'), cut.join('\n'));
    img('resize', '-q', '-f', 'raw', 'disk.img', '8M');
    const grown = await sorted('leaf.qcow2');
    assert.ok(grown.includes('warning likely parent-larger leaf.qcow2'), grown.join('\n'));
  });

  it('takes an overlay that was made larger for what it is', async () => {
    create('base.qcow2');
    overlay('leaf.qcow2', 'base.qcow2');
    img('resize', '-q', 'leaf.qcow2', '8M');
    assert.deepEqual(await told('leaf.qcow2'), ['info possible parent-smaller leaf.qcow2']);
  });

  it('finds the dirty and the corrupt bit, and bitmaps that were not saved', async () => {
    create('disk.qcow2');
    img('bitmap', '--add', 'disk.qcow2', 'nightly');
    patch('disk.qcow2', (bytes) => {
      bytes.writeUInt32BE(3, 76);
      // docs/interop/qcow2.rst, "Bitmap directory": flags are 4 bytes in front of type, granularity and the name's size.
      const name = bytes.indexOf('nightly');
      bytes.writeUInt32BE(bytes.readUInt32BE(name - 12) | 1, name - 12);
    });
    assert.deepEqual(await told('disk.qcow2'), [
      'error certain marked-corrupt disk.qcow2',
      'warning certain dirty disk.qcow2',
      'warning certain bitmap-in-use disk.qcow2',
    ]);
  });

  it('finds what is reached by a protocol, and a data file that is gone', async () => {
    create('net.qcow2');
    img('rebase', '-u', '-f', 'qcow2', '-b', 'nbd:localhost:10809', '-F', 'raw', 'net.qcow2');
    create('extern.qcow2', '4M', '-o', 'data_file=data.bin');
    rmSync(at('data.bin'));
    assert.deepEqual(await sorted('.'), [
      'error certain data-file extern.qcow2',
      'warning certain parent-protocol net.qcow2',
    ]);
  });

  it('finds one file under two names', async () => {
    create('disk.qcow2');
    linkSync(at('disk.qcow2'), at('hard.qcow2'));
    symlinkSync('disk.qcow2', at('soft.qcow2'));
    const [found, ...others] = await look('.');
    assert.deepEqual([found && word(found), others.length], ['info certain two-names disk.qcow2', 0]);
    assert.match(found?.message ?? '', /hard\.qcow2.*soft\.qcow2/);
    assert.deepEqual(
      (await look('soft.qcow2')).map(({ code }) => code),
      ['two-names'],
    );
  });

  it('knows a raw base of unknown content by what stands on it, in whatever folder', async () => {
    mkdirSync(at('bases'));
    writeFileSync(at('bases/volume'), Buffer.alloc(1 << 20, 0x55));
    img('create', '-q', '-f', 'qcow2', '-b', 'bases/volume', '-F', 'raw', 'leaf.qcow2');
    assert.deepEqual(await told('leaf.qcow2'), []);
    writeFileSync(at('bases/volume'), Buffer.alloc(1 << 20, 0x56));
    assert.deepEqual(await told('leaf.qcow2'), ['warning likely parent-newer leaf.qcow2']);
    // Given by itself, it is an image where something beside it says so.
    renameSync(at('leaf.qcow2'), at('bases/leaf.qcow2'));
    img('rebase', '-u', '-f', 'qcow2', '-b', 'volume', '-F', 'raw', 'bases/leaf.qcow2');
    assert.deepEqual(await told('bases/volume'), []);
  });

  it('finds what can’t be read, and goes on', async () => {
    family();
    patch('base.qcow2', (bytes) => bytes.writeUInt32BE(99, 20));
    writeFileSync(at('empty.qcow2'), '');
    symlinkSync('nowhere', at('link.qcow2'));
    writeFileSync(at('text'), 'no image\n');
    const found = await sorted('.');
    assert.deepEqual(found, [
      'error certain parent-unreadable mid.qcow2',
      'error certain unreadable base.qcow2',
      'error certain unreadable link.qcow2',
      'error likely no-image empty.qcow2',
    ]);
    assert.deepEqual(await told('text'), ['error likely no-image text']);
    await assert.rejects(look('absent'), /no such file/);
  });

  it('checks each image only where it is asked to', async () => {
    create('leaky.qcow2');
    create('sound.qcow2');
    io('leaky.qcow2', 'write 0 64k');
    patch('leaky.qcow2', (bytes) => {
      // The L1 table of an image of 4 MiB has one entry: without it, its L2 table and the data cluster are nobody's.
      bytes.writeBigUInt64BE(0n, Number(bytes.readBigUInt64BE(40)));
    });
    assert.deepEqual(await told('.'), []);
    const checked = await diagnose([folder], TRUST_ALL, {}, { check: true });
    assert.deepEqual(checked.map(word), ['warning certain check-leaks leaky.qcow2']);
    assert.match(checked[0]?.message ?? '', /2 leaked clusters/);
    assert.deepEqual(checked[0]?.remedies[0]?.remedy, { kind: 'repair', image: at('leaky.qcow2'), mode: 'leaks' });
    checked.forEach(mend);
    const mended = await diagnose([folder], TRUST_ALL, {}, { check: true });
    assert.deepEqual(mended.map(word), ['info certain kept-before-repair leaky.qcow2.before-repair']);
    mended.forEach(mend);
    const again = await diagnose([folder], TRUST_ALL, {}, { check: true });
    assert.ok(again.map(word).includes('warning certain check-leaks leaky.qcow2'), again.map(word).join('\n'));
  });

  it('stops when it is told to', async () => {
    family();
    await assert.rejects(diagnose([folder], TRUST_ALL, { signal: AbortSignal.abort() }), { name: 'AbortError' });
  });

  if (process.platform === 'linux') {
    describe('an image in use', () => {
      let user: ChildProcess | undefined;
      afterEach(async () => {
        if (!user) return;
        user.kill();
        if (user.exitCode === null && user.signalCode === null) await once(user, 'exit');
        user = undefined;
      });
      const open = async (name: string): Promise<void> => {
        user = spawn(QEMU_IO, [name], { cwd: folder, stdio: ['pipe', 'pipe', 'ignore'] });
        // It answers once the image is open.
        user.stdin?.write('length\n');
        assert(user.stdout);
        await once(user.stdout, 'data');
        user.stdin?.write('length\n');
        await setTimeout(300);
      };

      it('is told with its process', async () => {
        family();
        await open('leaf.qcow2');
        const found = await look('leaf.qcow2');
        assert.deepEqual(found.map(word).sort(), [
          'info certain in-use base.qcow2',
          'info certain in-use leaf.qcow2',
          'info certain in-use mid.qcow2',
        ]);
        const leaf = found.find(({ path }) => path === at('leaf.qcow2'));
        assert.match(leaf?.message ?? '', new RegExp(`for writing by .*\\(${user?.pid}\\)`));
      });

      it('is an error below an overlay', async () => {
        family();
        await open('base.qcow2');
        assert.deepEqual(await told('leaf.qcow2'), ['error certain parent-in-use base.qcow2']);
      });
    });
  }

  describe('what is left over', () => {
    const ended = (): number => {
      // A number that no process has: the largest that Linux gives is 2^22.
      return 4_194_303 + 12;
    };

    it('of a file in the making is told, whether or not its process runs', async () => {
      create('disk.qcow2');
      writeFileSync(at(`.new.qcow2.${ended()}.1764081000000.tmp`), 'half');
      writeFileSync(at(`.more.qcow2.${process.pid}.${Date.now()}.tmp`), 'half');
      // Decoys: names that are only like it.
      writeFileSync(at('.new.qcow2.tmp'), 'other');
      writeFileSync(at('new.qcow2.1.1764081000000.tmp'), 'other');
      mkdirSync(at('.dir.1.1764081000000.tmp'));
      const found = await look('disk.qcow2');
      assert.deepEqual(
        found.map(({ severity, code }) => `${severity} ${code}`),
        ['warning half-made-file', 'info half-made-file'],
      );
      assert.deepEqual(found[0]?.remedies[0]?.remedy, {
        kind: 'remove-file',
        path: at(`.new.qcow2.${ended()}.1764081000000.tmp`),
      });
    });

    it('of a number that another process has got since is of no process that runs', async () => {
      create('disk.qcow2');
      writeFileSync(at(`.new.qcow2.${process.pid}.1264081000000.tmp`), 'half');
      const expected = process.platform === 'linux' ? 'warning' : 'info';
      assert.deepEqual(
        (await look('.')).map(({ severity }) => severity),
        [expected],
      );
    });

    it('of a deletion is told by who stands on whom', async () => {
      family();
      writeNote(at('mid.qcow2'), {
        kind: 'delete',
        image: at('mid.qcow2'),
        parent: at('base.qcow2'),
        direction: 'commit',
        children: [at('leaf.qcow2')],
        began: Date.now(),
      });
      const note = async (): Promise<Diagnosis> => {
        const found = (await look('leaf.qcow2')).filter(({ code }) => code.startsWith('delete-'));
        assert.equal(found.length, 1);
        return found[0] ?? assert.fail();
      };
      assert.match((await note()).message, /copied down into "base.qcow2"/);
      img('commit', '-q', '-f', 'qcow2', '-d', 'mid.qcow2');
      const between = await told('leaf.qcow2');
      assert.ok(!between.some((line) => line.startsWith('error')), between.join('\n'));
      assert.ok(between.includes('info possible parent-newer mid.qcow2'), between.join('\n'));
      img('rebase', '-u', '-f', 'qcow2', '-b', 'base.qcow2', '-F', 'qcow2', 'leaf.qcow2');
      assert.match((await note()).message, /only the file itself/);
      rmSync(at('mid.qcow2'));
      assert.equal((await note()).code, 'delete-finished');
    });

    it('of a preview and of a parent named anew is told', async () => {
      family();
      overlay('look.qcow2', 'base.qcow2');
      writeNote(at('look.qcow2'), {
        kind: 'preview',
        overlay: at('look.qcow2'),
        of: at('base.qcow2'),
        leaf: at('leaf.qcow2'),
        made: Date.now(),
      });
      writeFileSync(at('.mid.qcow2.vmdisk-header'), 'kept');
      writeNote(at('mid.qcow2'), {
        kind: 'relocate',
        image: at('mid.qcow2'),
        before: '/gone/base.qcow2',
        backing: 'base.qcow2',
        header: at('.mid.qcow2.vmdisk-header'),
        began: Date.now(),
      });
      assert.deepEqual(await told('leaf.qcow2'), [
        'warning certain relocate-interrupted .mid.qcow2.vmdisk-relocate.json',
        'info certain preview-open look.qcow2',
      ]);
    });

    it('in a note that somebody else wrote opens and removes nothing else', async () => {
      create('disk.qcow2');
      create('other.qcow2');
      const secret = makeTempFolder('secret');
      try {
        writeFileSync(join(secret, 'passwd'), 'secret');
        const notes: Record<string, unknown>[] = [
          { kind: 'delete', image: join(secret, 'passwd'), parent: null, direction: 'commit', children: [], began: 1 },
          { kind: 'relocate', image: at('disk.qcow2'), backing: '\u001b[2J', header: join(secret, 'passwd') },
          { kind: 'preview', overlay: at('disk.qcow2'), of: '/dev/zero', leaf: '/proc/self/mem', made: 1e300 },
        ];
        for (const note of notes) {
          writeFileSync(notePath(at('disk.qcow2'), note['kind'] as 'delete'), JSON.stringify(note));
        }
        writeFileSync(notePath(at('other.qcow2'), 'delete'), '{');
        const found = await look('.');
        assert.deepEqual(found.map(({ code }) => code).sort(), [
          'note-unreadable',
          'note-unreadable',
          'preview-open',
          'relocate-interrupted',
        ]);
        for (const { remedies } of found) {
          for (const { remedy, command } of remedies) {
            assert.doesNotMatch(JSON.stringify([remedy, command]), /passwd|\/dev|\/proc/);
          }
        }
        const { stdout } = runCli(['doctor', folder]);
        assert.doesNotMatch(stdout, /\u001b/);
      } finally {
        removeFolder(secret);
      }
    });
  });

  describe('after our own work', () => {
    /** base ← a ← b ← leaf, each with data of its own, and a twin of leaf. */
    const tall = (): void => {
      create('base.qcow2');
      io('base.qcow2', 'write -P 1 0 1M');
      ['a', 'b', 'leaf'].forEach((name, index, names) => {
        overlay(`${name}.qcow2`, `${names[index - 1] ?? 'base'}.qcow2`);
        io(`${name}.qcow2`, `write -P ${index + 2} ${index * 64}k 128k`);
      });
      overlay('twin.qcow2', 'b.qcow2');
    };
    const alarms = async (): Promise<string[]> =>
      (await look('.')).filter(({ severity }) => severity !== 'info').map(word);
    const vmdisk = (...args: readonly string[]): void => {
      const { code, stderr } = runCli(['snapshot', ...args], { cwd: folder });
      assert.equal(code, 0, stderr);
    };

    for (const image of ['a.qcow2', 'b.qcow2']) {
      for (const direction of ['commit', 'pull']) {
        it(`nothing is wrong: ${image} was deleted by ${direction}`, async () => {
          tall();
          vmdisk('delete', '--direction', direction, image);
          assert.ok(!readdirSync(folder).includes(image));
          assert.deepEqual(await alarms(), []);
        });
      }
    }

    it('nothing is wrong: a snapshot was made, and previewed, and that was ended', async () => {
      tall();
      vmdisk('create', 'leaf.qcow2', 'new.qcow2');
      assert.deepEqual(await told('.'), []);
      vmdisk('preview', '--overlay', 'look.qcow2', 'new.qcow2', 'a.qcow2');
      assert.deepEqual(await told('new.qcow2'), ['info certain preview-open look.qcow2']);
      vmdisk('undo', 'look.qcow2');
      assert.deepEqual(await told('.'), []);
    });
  });

  describe('after our own work was killed', function () {
    this.timeout(180_000);
    const KILLS = 5;
    /** Runs a verb, and kills it some milliseconds after its note is there. */
    const kill = async (note: string, after: number, ...args: readonly string[]): Promise<void> => {
      const child = spawn(process.execPath, [cliPath(), 'snapshot', ...args], { cwd: folder, stdio: 'ignore' });
      const ended = once(child, 'exit');
      while (child.exitCode === null && !existsSync(note)) await setTimeout(2);
      await setTimeout(after);
      child.kill('SIGKILL');
      await ended;
      // What it had started goes on, as long as it takes on a busy machine.
      while ((await Promise.all(images().map((file) => useOf(file, false)))).some(({ state }) => state === 'written'))
        await setTimeout(50);
    };
    const images = (): readonly string[] =>
      readdirSync(folder, { recursive: true }).flatMap((name) =>
        String(name).endsWith('.qcow2') ? [at(String(name))] : [],
      );

    it('says what a deletion left, and its remedy finishes it', async () => {
      const draw = new Draw(4711);
      for (let round = 0; round < KILLS; round += 1) {
        const image = round % 2 === 0 ? 'mid.qcow2' : 'deep/mid.qcow2';
        mkdirSync(at('deep'), { recursive: true });
        for (const name of readdirSync(folder, { recursive: true }).map(String)) {
          if (statSync(at(name)).isFile()) rmSync(at(name));
        }
        create('base.qcow2', '64M');
        overlay(image, at('base.qcow2'));
        overlay('leaf.qcow2', at(image));
        io(image, 'write -P 2 0 48M');
        io('leaf.qcow2', 'write -P 3 1M 64k');
        const direction = draw.below(2) === 0 ? 'commit' : 'pull';
        await kill(notePath(at(image), 'delete'), draw.below(150), 'delete', '--direction', direction, image);
        const found = await look('.');
        const lines = found.map(word).join('\n');
        assert.ok(!found.some(({ severity }) => severity === 'error'), lines);
        assert.equal(
          found.some(({ code }) => code.startsWith('delete-')),
          existsSync(notePath(at(image), 'delete')),
          lines,
        );
        const finish = found.flatMap(({ remedies }) => remedies).find(({ remedy }) => remedy.kind === 'finish-delete');
        if (finish?.remedy.kind !== 'finish-delete') continue;
        const again = runCli(['snapshot', 'delete', finish.remedy.image], { cwd: folder });
        assert.equal(again.code, 0, again.stderr);
        assert.deepEqual((await look('.')).filter(({ severity }) => severity !== 'info').map(word), []);
      }
    });
  });

  describe('on the command line', () => {
    it('ends with 0 where nothing is worse than good to know, else with 1', () => {
      family();
      const fine = runCli(['doctor', 'leaf.qcow2'], { cwd: folder });
      assert.deepEqual(
        [fine.code, fine.stdout],
        [
          0,
          'no problem found in headers, names and dates: 3 images in 1 family looked at\nTables were not read: --check does that too.\n',
        ],
      );
      img('resize', '-q', 'leaf.qcow2', '8M');
      assert.equal(runCli(['doctor', '.'], { cwd: folder }).code, 0);
      rmSync(at('mid.qcow2'));
      const broken = runCli(['doctor', '.'], { cwd: folder });
      assert.equal(broken.code, 1);
      assert.match(broken.stdout, /^leaf\.qcow2\n {2}error .*mid\.qcow2 is not there\n.*certain: /);
      assert.match(broken.stdout, /→ .*\n +vmdisk snapshot relocate .*leaf\.qcow2/);
      assert.equal(runCli(['doctor'], { cwd: folder }).code, 2);
      const absent = runCli(['doctor', 'absent'], { cwd: folder });
      assert.deepEqual([absent.code, absent.stdout], [1, '']);
      assert.match(absent.stderr, /^vmdisk: .*absent: there is no such file or folder\n$/);
    });

    it('gives whole diagnoses in JSON', () => {
      family();
      rmSync(at('base.qcow2'));
      const { code, stdout } = runCli(['doctor', '--output', 'json', '.'], { cwd: folder });
      const told = JSON.parse(stdout) as { images: number; families: number; diagnoses: Diagnosis[] };
      assert.deepEqual([code, told.images, told.families, told.diagnoses.length], [1, 2, 1, 1]);
      const [{ path, remedies } = assert.fail()] = told.diagnoses;
      assert.equal(path, at('mid.qcow2'));
      assert.deepEqual(remedies.at(-1)?.remedy, { kind: 'choose-parent', image: at('mid.qcow2') });
    });

    it('looks for overlays in further folders', () => {
      create('base.qcow2');
      mkdirSync(at('far'));
      img('create', '-q', '-f', 'qcow2', '-b', '../base.qcow2', '-F', 'qcow2', 'far/leaf.qcow2');
      const found = runCli(['doctor', '--look-in', 'far', 'base.qcow2'], { cwd: folder });
      assert.match(found.stdout, /2 images in 1 family/);
      assert.match(runCli(['doctor', 'base.qcow2'], { cwd: folder }).stdout, /1 image in 1 family/);
    });

    it('quotes names that would do something in a shell', () => {
      const name = "a'; touch pwned; '.qcow2";
      create('base.qcow2');
      overlay(name, 'base.qcow2');
      rmSync(at('base.qcow2'));
      const { stdout } = runCli(['doctor', '.'], { cwd: folder });
      assert.ok(
        stdout.includes(`vmdisk snapshot relocate '${dirname(at(name))}/a'\\''; touch pwned; '\\''.qcow2'`),
        stdout,
      );
      assert.ok(!readdirSync(folder).includes('pwned'));
    });
  });
});
