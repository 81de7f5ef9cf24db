/** Previews on chains and branches: what goes and what stays, and that every leaf reads as it did. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { basename, join } from 'node:path';
import type { PreviewEnd } from '../../src/core';
import { DiskError } from '../../src/core';
import { TRUST_ALL } from '../../src/node/gate';
import { notePath, readNote, writeNote } from '../../src/node/snapshots/notes';
import { endPreview, planPreviewEnd, previewsIn, startPreview } from '../../src/node/snapshots/preview';
import { noise } from '../fixtures/build/index';
import { lacksQemu, qemuImg, qemuIo } from '../support/qemu';
import { makeTempFolder, removeFolder } from '../support/temp';

const KIB = 1024;
const LONG_AGO = new Date('2021-03-04T05:06:07Z');

describe('a preview', () => {
  if (lacksQemu()) return;
  let folder: string;
  const at = (name: string): string => join(folder, name);

  beforeEach(() => {
    folder = makeTempFolder('preview');
    fs.writeFileSync(at('base.raw'), noise(3, 512 * KIB));
    overlay('one.qcow2', 'base.raw', 1);
    overlay('two.qcow2', 'one.qcow2', 2);
    overlay('leaf.qcow2', 'two.qcow2', 3);
    settle();
  });
  afterEach(() => {
    removeFolder(folder);
  });

  function overlay(name: string, parent: string, pattern: number): void {
    const format = parent.endsWith('.raw') ? 'raw' : 'qcow2';
    qemuImg(folder, 'create', '-q', '-f', 'qcow2', '-b', parent, '-F', format, name);
    qemuIo(folder, ['-f', 'qcow2', name], [`write -P ${pattern} ${pattern * 64}k 96k`]);
  }

  /** What changed a moment ago is looked at twice. */
  function settle(): void {
    for (const name of fs.readdirSync(folder)) fs.utimesSync(at(name), LONG_AGO, LONG_AGO);
  }

  const names = (): string[] => fs.readdirSync(folder).sort();
  const content = (name: string): Buffer => {
    qemuImg(folder, 'convert', '-q', '-O', 'raw', name, 'content.out');
    const bytes = fs.readFileSync(at('content.out'));
    fs.rmSync(at('content.out'));
    return bytes;
  };

  async function start(of: string, leaf = 'leaf.qcow2', name?: string): Promise<string> {
    const { preview } = await startPreview(
      { leaf: at(leaf), of: at(of), overlay: name === undefined ? undefined : at(name) },
      TRUST_ALL,
    );
    settle();
    return basename(preview.overlay);
  }

  const plan = (overlay: string, how: PreviewEnd['how']): Promise<PreviewEnd> =>
    planPreviewEnd({ overlay: at(overlay), how }, TRUST_ALL);
  const end = (overlay: string, how: PreviewEnd['how']): Promise<PreviewEnd> =>
    endPreview({ overlay: at(overlay), how }, TRUST_ALL);
  const files = ({ removes }: PreviewEnd): string[] => removes.map(({ path }) => basename(path));
  const codes = (found: PreviewEnd['refusals']): string[] => found.map(({ code }) => code);
  const refused =
    (words: RegExp) =>
    (error: unknown): boolean =>
      error instanceof DiskError && error.code === 'refused' && words.test(error.message);

  /** As a process leaves it that was killed after the first file. */
  function beingCommitted(name: string, drops: readonly string[]): void {
    const note = readNote(at(name), 'preview');
    assert(note?.kind === 'preview');
    writeNote(at(name), { ...note, drops }, true);
    fs.rmSync(drops[0] ?? '');
  }

  it('is a fresh overlay on the chosen layer, and a note of what it is', async () => {
    const before = names();
    const name = await start('one.qcow2');
    assert.equal(name, 'one.preview');
    assert.deepEqual(names(), [...before, 'one.preview', '.one.preview.vmdisk-preview.json'].sort());
    assert.deepEqual(content('one.preview'), content('one.qcow2'));
    const [preview, ...others] = previewsIn(folder);
    assert.deepEqual(
      [preview?.overlay, preview?.of, preview?.leaf, others],
      [at('one.preview'), at('one.qcow2'), at('leaf.qcow2'), []],
    );
    assert.equal(await start('one.qcow2'), 'one.preview-2');
  });

  it('is made of an older layer of the newest one alone', async () => {
    overlay('side.qcow2', 'one.qcow2', 4);
    settle();
    const before = names();
    await assert.rejects(start('leaf.qcow2'), refused(/is the newest layer/));
    await assert.rejects(start('side.qcow2'), refused(/is no layer of/));
    await assert.rejects(start('base.raw', 'two.qcow2'), refused(/leaf\.qcow2 stands on .*no newest layer/));
    await assert.rejects(start('one.qcow2', 'leaf.qcow2', 'side.qcow2'), refused(/a file of this name already/));
    assert.deepEqual(names(), before);
  });

  it('is undone by removing it, and nothing else', async () => {
    const before = names();
    const leaf = content('leaf.qcow2');
    const name = await start('base.raw');
    qemuIo(folder, ['-f', 'qcow2', name], ['write -P 9 0 64k']);
    settle();
    const planned = await plan(name, 'undo');
    assert.deepEqual([files(planned), codes(planned.refusals), planned.keeps], [[name], [], at('leaf.qcow2')]);
    assert.deepEqual(files(await end(name, 'undo')), [name]);
    assert.deepEqual(names(), before);
    assert.deepEqual(content('leaf.qcow2'), leaf);
  });

  it('is committed by removing what is newer than its layer', async () => {
    const name = await start('one.qcow2');
    qemuIo(folder, ['-f', 'qcow2', name], ['write -P 9 0 64k']);
    settle();
    const before = content(name);
    const planned = await plan(name, 'commit');
    assert.deepEqual([files(planned), planned.keeps], [['leaf.qcow2', 'two.qcow2'], at(name)]);
    assert.deepEqual(codes(planned.cautions), ['newer-lost', 'looked-in']);
    await end(name, 'commit');
    assert.deepEqual(names(), ['base.raw', 'one.preview', 'one.qcow2']);
    assert.deepEqual(content(name), before);
    assert.deepEqual(previewsIn(folder), []);
  });

  it('is committed in whatever folders the layers between lie', async () => {
    for (const name of ['far', 'new']) fs.mkdirSync(at(name));
    overlay('far/middle.qcow2', '../one.qcow2', 5);
    overlay('new/newest.qcow2', '../far/middle.qcow2', 6);
    const name = await start('one.qcow2', 'new/newest.qcow2');
    const planned = await plan(name, 'commit');
    assert.deepEqual([codes(planned.refusals), files(planned)], [[], ['newest.qcow2', 'middle.qcow2']]);
    beingCommitted(
      name,
      planned.removes.map(({ path }) => path),
    );
    assert.deepEqual(files(await end(name, 'commit')), ['middle.qcow2']);
    assert.deepEqual(fs.readdirSync(at('far')), []);
  });

  it('keeps a layer that another image stands on, and all below it', async () => {
    overlay('side.qcow2', 'two.qcow2', 4);
    qemuImg(folder, 'snapshot', '-c', 'inner', 'leaf.qcow2');
    settle();
    const side = content('side.qcow2');
    const name = await start('base.raw');
    const planned = await plan(name, 'commit');
    assert.deepEqual(files(planned), ['leaf.qcow2']);
    assert.deepEqual(codes(planned.cautions), ['kept', 'newer-lost', 'internal-snapshots-lost', 'looked-in']);
    assert.match(
      planned.cautions[0]?.message ?? '',
      /side\.qcow2 stands on .*two\.qcow2: two\.qcow2, one\.qcow2 are kept/,
    );
    await end(name, 'commit');
    assert.deepEqual(names(), ['base.preview', 'base.raw', 'one.qcow2', 'side.qcow2', 'two.qcow2']);
    assert.deepEqual(content('side.qcow2'), side);
  });

  it('is not ended while something stands on it', async () => {
    const name = await start('one.qcow2');
    overlay('on.qcow2', name, 5);
    settle();
    await assert.rejects(end(name, 'undo'), refused(/on\.qcow2 stands on .*one\.preview/));
    assert(fs.existsSync(at(name)));
  });

  it('is not ended where not all can be seen that may stand on what goes', async () => {
    const name = await start('one.qcow2');
    fs.writeFileSync(at('broken.qcow2'), Buffer.from('514649fb00000003', 'hex'));
    settle();
    await assert.rejects(end(name, 'commit'), refused(/broken\.qcow2 is a qcow2 image that can't be read/));
    assert.deepEqual(files(await plan(name, 'commit')).length, 2);
  });

  it('is not committed over what another preview goes back to', async () => {
    const name = await start('one.qcow2');
    await start('base.raw');
    await assert.rejects(end(name, 'commit'), refused(/the preview .*base\.preview goes back to .*leaf\.qcow2/));
    assert(fs.existsSync(at('leaf.qcow2')));
  });

  it('is nothing that a note alone can make of another image', async () => {
    const name = await start('one.qcow2');
    const note = readNote(at(name), 'preview');
    assert(note?.kind === 'preview');
    await assert.rejects(end('leaf.qcow2', 'undo'), refused(/is no preview/));
    writeNote(at('leaf.qcow2'), note);
    await assert.rejects(end('leaf.qcow2', 'undo'), refused(/is about .*one\.preview/));
    writeNote(at('leaf.qcow2'), { ...note, overlay: at('leaf.qcow2') }, true);
    await assert.rejects(end('leaf.qcow2', 'undo'), refused(/does not stand on .*one\.qcow2/));
    await assert.rejects(end('leaf.qcow2', 'commit'), refused(/does not stand on .*one\.qcow2/));
    fs.rmSync(notePath(at('leaf.qcow2'), 'preview'));
    // An old newest layer of another family.
    fs.writeFileSync(at('other.raw'), noise(4, 512 * KIB));
    overlay('other.qcow2', 'other.raw', 1);
    settle();
    writeNote(at(name), { ...note, leaf: at('other.qcow2') }, true);
    await assert.rejects(end(name, 'commit'), refused(/other\.qcow2 does not stand on .*one\.qcow2/));
    writeNote(at(name), { ...note, drops: [at('other.qcow2'), at('base.raw')] }, true);
    await assert.rejects(end(name, 'commit'), refused(/does not stand on .*one\.qcow2/));
    assert(fs.existsSync(at('other.qcow2')) && fs.existsSync(at('base.raw')));
    // One that stands on the preview, and the preview itself.
    overlay('on.qcow2', name, 1);
    settle();
    for (const odd of [{ leaf: at('on.qcow2') }, { drops: [at(name)] }]) {
      writeNote(at(name), { ...note, ...odd }, true);
      await assert.rejects(end(name, 'commit'), refused(/stands on the preview .* itself/));
    }
    assert(fs.existsSync(at(name)) && fs.existsSync(at('on.qcow2')));
  });

  it('that was being committed can be committed, not undone', async () => {
    const name = await start('one.qcow2');
    const before = content(name);
    beingCommitted(name, [at('leaf.qcow2'), at('two.qcow2')]);
    assert.deepEqual(codes((await plan(name, 'undo')).refusals), ['commit-begun']);
    assert.deepEqual(files(await end(name, 'commit')), ['two.qcow2']);
    assert.deepEqual(names(), ['base.raw', 'one.preview', 'one.qcow2']);
    assert.deepEqual(content(name), before);
  });

  it('is not undone to a layer that is gone', async () => {
    const name = await start('one.qcow2');
    fs.rmSync(at('leaf.qcow2'));
    await assert.rejects(end(name, 'undo'), refused(/leaf\.qcow2 is not there/));
    assert(fs.existsSync(at(name)));
  });

  it('whose overlay is gone leaves only its note to remove', async () => {
    const name = await start('one.qcow2');
    fs.rmSync(at(name));
    assert.deepEqual(previewsIn(folder), []);
    assert.deepEqual(files(await end(name, 'undo')), []);
    assert(!fs.existsSync(notePath(at(name), 'preview')));
  });
});
