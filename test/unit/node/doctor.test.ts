import assert from 'node:assert/strict';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import type { Diagnosis } from '../../../src/core';
import { diagnose, examine } from '../../../src/node/doctor';
import { TRUST_ALL } from '../../../src/node/gate';
import { notePath } from '../../../src/node/snapshots/notes';
import { buildQcow2, data, noise, writeImage } from '../../fixtures/build/index';
import type { Qcow2Spec } from '../../fixtures/build/index';
import { TestDomain } from '../../fixtures/platforms/domain';
import { makePipe, ON_WINDOWS } from '../../support/specialFiles';
import { makeTempFolder, removeFolder } from '../../support/temp';

const SIZE = 2 ** 20;

describe('what the doctor gathers', () => {
  let temporary: string;
  /** Not directly in the system's: parents are looked for in the folders beside. */
  let folder: string;
  beforeEach(() => {
    temporary = makeTempFolder('doctor-facts');
    folder = join(temporary, 'vms');
    mkdirSync(folder);
  });
  afterEach(() => {
    removeFolder(temporary);
  });
  const at = (name: string): string => join(folder, name);
  const write = (name: string, spec: Partial<Qcow2Spec> = {}): void => {
    const clusters = new Map([[0, data(noise(1, 65_536))]]);
    writeImage(at(name), buildQcow2({ size: SIZE, clusters, ...spec }).image);
  };
  const overlay = (name: string, backing: string): void => {
    write(name, { backing, backingFormat: 'qcow2' });
  };
  const words = (found: readonly Diagnosis[]): string[] =>
    found.map(({ severity, code, path }) => `${severity} ${code} ${basename(path)}`);
  const told = async (name = '.', policy = TRUST_ALL): Promise<string[]> => words(await diagnose([at(name)], policy));

  it('is nothing but names where there are no images', async () => {
    writeFileSync(at('notes.txt'), 'text\n');
    mkdirSync(at('empty'));
    const { diagnoses, images, families } = await examine([folder], TRUST_ALL);
    assert.deepEqual([diagnoses, images, families], [[], 0, 0]);
  });

  it('leaves every file as it was', async () => {
    write('base.qcow2');
    overlay('leaf.qcow2', 'base.qcow2');
    overlay('orphan.qcow2', 'gone.qcow2');
    writeFileSync(at('.new.qcow2.1.1764081000000.tmp'), 'half');
    const state = (): unknown =>
      readdirSync(folder).map((name) => {
        const { size, mtimeMs, ctimeMs } = statSync(at(name));
        return [name, size, mtimeMs, ctimeMs];
      });
    const before = state();
    await diagnose([folder], TRUST_ALL, {}, { check: true });
    assert.deepEqual(state(), before);
  });

  it('opens no parent outside of folders that are trusted', async () => {
    mkdirSync(at('in'));
    write('base.qcow2');
    overlay('in/leaf.qcow2', '../base.qcow2');
    const policy = { folders: [at('in')], allowed: [], platformTools: false };
    assert.deepEqual(await told('in', policy), ['warning parent-outside leaf.qcow2']);
    assert.deepEqual(await told('in', { ...policy, allowed: [at('base.qcow2')] }), []);
  });

  it('takes several paths, and an image that is in two of them once', async () => {
    write('base.qcow2');
    overlay('leaf.qcow2', 'base.qcow2');
    const { images } = await examine([at('leaf.qcow2'), folder, at('base.qcow2')], TRUST_ALL);
    assert.equal(images, 2);
  });

  it('looks into folders below, and follows no link to one', async () => {
    mkdirSync(at('a/b/c'), { recursive: true });
    overlay('a/b/c/leaf.qcow2', 'gone.qcow2');
    symlinkSync('..', at('a/up'));
    assert.deepEqual(await told(), ['error parent-missing leaf.qcow2']);
  });

  it('says so where folders are too deep', async () => {
    mkdirSync(at(Array.from({ length: 20 }, () => 'd').join('/')), { recursive: true });
    assert.deepEqual(await told('d'), ['warning not-all-looked-at d']);
  });

  it('knows a file in the making that is complete by its second name', async () => {
    write('disk.qcow2');
    linkSync(at('disk.qcow2'), at('.disk.qcow2.1.1764081000000.tmp'));
    const [found, ...others] = await diagnose([folder], TRUST_ALL);
    assert.deepEqual([found?.code, others.length], ['half-made-file', 0]);
    assert.match(found?.message ?? '', /second name/);
  });

  it('tells of kept copies beside an image, and takes none for an image', async () => {
    write('disk.qcow2');
    for (const copy of ['disk.qcow2.before-repair', 'disk.qcow2.before-repair-2']) write(copy);
    writeFileSync(at('disk.qcow2.before-repair-2.json'), JSON.stringify({ kind: 'vmdisk-repair', after: {} }));
    write('.disk.qcow2.vmdisk-header');
    assert.deepEqual((await told()).sort(), [
      'info header-kept .disk.qcow2.vmdisk-header',
      'info kept-before-repair disk.qcow2.before-repair-2',
      'info repair-not-begun disk.qcow2.before-repair',
    ]);
    assert.equal((await examine([folder], TRUST_ALL)).images, 1);
    assert.equal((await examine([at('disk.qcow2')], TRUST_ALL)).images, 1);
  });

  it('takes no overlay for a copy of a repair, which could be removed', async () => {
    write('web01');
    overlay('web01.before-repair', 'web01');
    overlay('web02.before-repair', 'web01');
    assert.deepEqual(await told(), []);
    assert.equal((await examine([folder], TRUST_ALL)).images, 3);
  });

  it('tells of a parent that is newer by the files’ dates', async () => {
    write('base.qcow2');
    overlay('leaf.qcow2', 'base.qcow2');
    const now = Date.now() / 1000;
    utimesSync(at('leaf.qcow2'), now, now + 10);
    utimesSync(at('base.qcow2'), now, now + 20);
    assert.deepEqual(await told(), ['warning parent-newer leaf.qcow2']);
    utimesSync(at('leaf.qcow2'), now, now + 30);
    assert.ok((await told()).every((line) => line.startsWith('info ')));
  });

  describe('of a storage domain', () => {
    let domain: TestDomain;
    beforeEach(() => {
      domain = new TestDomain(folder, 5);
    });

    it('that is healthy gives no alarm', async () => {
      const { diagnoses, images } = await examine([folder], TRUST_ALL);
      assert.deepEqual(words(diagnoses.filter(({ severity }) => severity !== 'info')), []);
      assert.ok(images > 5);
    });

    it('that is in trouble tells what the platform’s reader found, and of images what is wrong with them', async () => {
      domain.trouble();
      const codes = (await diagnose([folder], TRUST_ALL)).map(({ code }) => code);
      for (const code of ['meta-leftover', 'removed-image', 'volume-backing', 'volume-illegal']) {
        assert.ok(codes.includes(code), `${code} is not in ${codes.join(', ')}`);
      }
    });

    it('offers nothing that writes into it', async () => {
      writeImage(
        domain.path('web-disk', 'web-2'),
        buildQcow2({ size: SIZE, backing: 'gone', backingFormat: 'qcow2' }).image,
      );
      const found = await diagnose([folder], TRUST_ALL);
      assert.ok(found.some(({ code }) => code === 'parent-missing'));
      const kinds = new Set(found.flatMap(({ remedies }) => remedies.map(({ remedy }) => remedy.kind)));
      assert.deepEqual(
        [...kinds].filter((kind) => kind !== 'none' && kind !== 'check'),
        [],
      );
    });
  });

  describe('of notes', () => {
    const note = (name: string, content: object): void => {
      writeFileSync(notePath(at(name), 'delete'), JSON.stringify(content));
    };
    const deletion = (facts: object): object => ({
      kind: 'delete',
      image: at('disk.qcow2'),
      parent: null,
      direction: 'pull',
      children: [],
      began: 1,
      ...facts,
    });

    it('heeds none that names more images than anybody has', async () => {
      write('disk.qcow2');
      note('disk.qcow2', deletion({ children: Array.from({ length: 20_000 }, (_, i) => at(`${i}`)) }));
      assert.deepEqual(await told(), ['warning note-unreadable .disk.qcow2.vmdisk-delete.json']);
    });

    it('heeds none about other families, where an image was asked about', async () => {
      write('disk.qcow2');
      write('other.qcow2');
      note('other.qcow2', deletion({ image: at('other.qcow2') }));
      assert.deepEqual(await told('disk.qcow2'), []);
      assert.equal((await told('other.qcow2')).length, 1);
      assert.equal((await told()).length, 1);
    });

    it('finds an overlay elsewhere that only the note knows of', async () => {
      mkdirSync(at('far'));
      write('base.qcow2');
      overlay('disk.qcow2', 'base.qcow2');
      overlay('far/leaf.qcow2', '../base.qcow2');
      note('disk.qcow2', deletion({ parent: at('base.qcow2'), children: [at('far/leaf.qcow2')], direction: 'commit' }));
      const [found] = await diagnose([at('disk.qcow2')], TRUST_ALL);
      assert.match(found?.message ?? '', /only the file itself/);
    });

    if (!ON_WINDOWS) {
      it('follows no link, and waits for no pipe', async () => {
        write('disk.qcow2');
        makePipe(at('pipe'));
        symlinkSync('pipe', notePath(at('disk.qcow2'), 'delete'));
        symlinkSync('/dev/zero', notePath(at('disk.qcow2'), 'preview'));
        makePipe(notePath(at('disk.qcow2'), 'relocate'));
        assert.deepEqual((await told()).sort(), [
          'warning note-unreadable .disk.qcow2.vmdisk-delete.json',
          'warning note-unreadable .disk.qcow2.vmdisk-preview.json',
        ]);
      });
    }

    it('offers to remove nothing but the note itself', async () => {
      write('disk.qcow2');
      writeFileSync(at('precious'), 'x');
      writeFileSync(
        notePath(at('disk.qcow2'), 'relocate'),
        JSON.stringify({
          kind: 'relocate',
          image: at('disk.qcow2'),
          before: null,
          backing: 'b',
          header: at('precious'),
        }),
      );
      const found = await diagnose([folder], TRUST_ALL);
      const removed = found.flatMap(({ remedies }) =>
        remedies.flatMap(({ remedy }) => (remedy.kind === 'remove-file' ? [basename(remedy.path)] : [])),
      );
      assert.deepEqual(removed, ['.disk.qcow2.vmdisk-relocate.json']);
      assert.ok(existsSync(at('precious')));
    });
  });
});
