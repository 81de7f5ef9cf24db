import assert from 'node:assert/strict';
import type { Diagnosis, ImageFacts, LeftoverFacts, NotedImage } from '../../../../src/core';
import { diagnose, image, missing, NOON, on, only } from './facts';

const base = image('base');
const there = (facts: ImageFacts): NotedImage => ({ path: facts.path, image: facts, exists: true });
const gone = (name: string): NotedImage => ({ path: `/vm/${name}`, exists: false });

describe('what is left over', () => {
  describe('of a file in the making', () => {
    const half = (facts: object = {}): LeftoverFacts => ({
      kind: 'half-made',
      path: '/vm/.new.7.1767268800000.tmp',
      target: '/vm/new',
      pid: 7,
      began: NOON,
      size: 4096,
      running: false,
      complete: false,
      ...facts,
    });
    const one = (facts: object, images: readonly ImageFacts[] = []): Diagnosis =>
      only(images, { leftovers: [half(facts)] });

    it('may be removed once its process is gone', () => {
      const { severity, message, remedies } = one({});
      assert.equal(severity, 'warning');
      assert.match(message, /"new".*4 KiB/);
      assert.deepEqual(remedies[0], {
        title: 'Remove the file',
        remedy: { kind: 'remove-file', path: '/vm/.new.7.1767268800000.tmp' },
        command: 'rm -- /vm/.new.7.1767268800000.tmp',
      });
    });

    it('is let be while its process runs, and where something stands on it', () => {
      assert.deepEqual([one({ running: true }).severity, one({ running: true }).remedies.length], ['info', 0]);
      const child = image('leaf', { parent: missing('.new.7.1767268800000.tmp', { path: half().path }) });
      const [found] = diagnose([child], { leftovers: [half()] }).filter(({ path }) => path === half().path);
      assert.match(found?.message ?? '', /an image stands on it/);
      assert.deepEqual(found?.remedies, []);
    });

    it('is one name too many where it is complete', () => {
      assert.match(one({ complete: true }).message, /second name/);
    });
  });

  describe('of a deletion', () => {
    const mid = image('mid', { parent: on('base') });
    const above = (name: string, parent: string): ImageFacts => image(name, { parent: on(parent) });
    const note = (facts: object): LeftoverFacts => ({
      kind: 'delete',
      path: '/vm/.mid.vmdisk-delete.json',
      image: there(mid),
      parent: there(base),
      direction: 'commit',
      children: [there(above('a', 'mid')), there(above('b', 'mid'))],
      began: NOON,
      ...facts,
    });
    const one = (facts: object): Diagnosis => only([], { leftovers: [note(facts)] });

    it('says how far it came, by who stands on whom', () => {
      const moved = [there(above('a', 'base')), there(above('b', 'mid'))];
      const all = [there(above('a', 'base')), there(above('b', 'base'))];
      assert.match(one({}).message, /copied down into "base"/);
      assert.match(one({ direction: 'pull' }).message, /copied up into "a" and "b"/);
      assert.match(one({ children: moved }).message, /after "a" no longer stood on it/);
      assert.match(one({ children: all }).message, /only the file itself/);
      for (const facts of [{}, { children: moved }, { children: all }]) {
        const { code, severity, meaning, remedies } = one(facts);
        assert.deepEqual([code, severity], ['delete-interrupted', 'warning']);
        assert.match(meaning, /reads as before/);
        assert.deepEqual(remedies[0]?.remedy, { kind: 'finish-delete', image: '/vm/mid' });
      }
    });

    it('is over where the image is gone', () => {
      const { code, severity, remedies } = one({ image: gone('mid') });
      assert.deepEqual([code, severity], ['delete-finished', 'info']);
      assert.deepEqual(remedies[0]?.remedy, { kind: 'remove-file', path: '/vm/.mid.vmdisk-delete.json' });
    });

    it('goes on where somebody writes to the family', () => {
      const open = image('base', { use: { state: 'written', by: ['qemu-img (9)'] } });
      const { code, remedies, message } = one({ parent: there(open) });
      assert.deepEqual([code, remedies], ['delete-running', []]);
      assert.match(message, /qemu-img \(9\)/);
    });

    it('tells of overlays that are not where the note says', () => {
      assert.match(one({ children: [gone('a'), there(above('b', 'mid'))] }).meaning, /"a".*is not where/);
    });

    it('takes any number for a time', () => {
      for (const began of [NaN, Infinity, 1e300, -1, undefined]) assert.match(one({ began }).message, /was begun on /);
    });
  });

  describe('of a preview', () => {
    const overlay = image('preview', { parent: on('base') });
    const note = (facts: object): LeftoverFacts => ({
      kind: 'preview',
      path: '/vm/.preview.vmdisk-preview.json',
      overlay: there(overlay),
      of: there(base),
      leaf: there(image('leaf')),
      made: NOON,
      committing: false,
      ...facts,
    });
    const one = (facts: object): Diagnosis => only([], { leftovers: [note(facts)] });

    it('is good to know, with both ways out', () => {
      const { code, severity, path, remedies } = one({});
      assert.deepEqual([code, severity, path], ['preview-open', 'info', '/vm/preview']);
      assert.deepEqual(
        remedies.map(({ command }) => command),
        ['vmdisk snapshot undo /vm/preview', 'vmdisk snapshot commit /vm/preview'],
      );
    });

    it('can’t be ended by itself where its leaf is gone', () => {
      assert.deepEqual(one({ leaf: gone('leaf') }).remedies, []);
    });

    it('that was being committed is not undone', () => {
      const { code, severity, remedies } = one({ committing: true, leaf: gone('leaf') });
      assert.deepEqual([code, severity], ['preview-commit-interrupted', 'warning']);
      assert.deepEqual(
        remedies.map(({ command }) => command),
        ['vmdisk snapshot commit /vm/preview'],
      );
    });

    it('that is gone leaves a note to remove', () => {
      assert.equal(one({ overlay: gone('preview') }).code, 'preview-gone');
    });
  });

  describe('of a parent that was named anew', () => {
    const header = { path: '/vm/.leaf.vmdisk-header', size: 65536 };
    const note = (parent: ImageFacts['parent'], facts: object = {}): LeftoverFacts => ({
      kind: 'relocate',
      path: '/vm/.leaf.vmdisk-relocate.json',
      image: there(image('leaf', { parent })),
      before: '/old/base',
      backing: 'base',
      header,
      began: NOON,
      ...facts,
    });
    const one = (leftover: LeftoverFacts): Diagnosis => only([], { leftovers: [leftover] });
    const kinds = (leftover: LeftoverFacts): string[] => one(leftover).remedies.map(({ remedy }) => remedy.kind);

    it('says whether the old or the new name is in place', () => {
      assert.match(one(note(missing('/old/base'))).meaning, /nothing was changed/);
      assert.match(one(note(on('base'))).meaning, /whole by it/);
      assert.match(one(note(on('third'))).meaning, /yet another/);
    });

    it('puts the header back only where the chain is not whole', () => {
      assert.deepEqual(kinds(note(on('base'))), ['remove-file', 'remove-file']);
      const [back] = one(note(missing('base'))).remedies;
      assert.equal(back?.command, 'vmdisk snapshot relocate /vm/leaf --restore');
      assert.deepEqual(kinds(note(missing('base'), { header: undefined })), ['choose-parent', 'remove-file']);
    });
  });

  it('of a repair says how far it came, and how it is put back', () => {
    const one = (
      state: 'partial' | 'repairing' | 'repaired' | 'undoing',
      images: readonly ImageFacts[] = [],
    ): string => {
      const path = '/vm/a.before-repair-2';
      const found = diagnose(images, { leftovers: [{ kind: 'before-repair', path, image: '/vm/a', size: 1, state }] });
      const [first] = found.filter((each) => each.path === path);
      return [first?.severity, first?.code, ...(first?.remedies.map(({ command }) => command) ?? [])].join(' | ');
    };
    const undo = 'vmdisk repair /vm/a --undo /vm/a.before-repair-2';
    assert.equal(one('partial'), 'info | repair-not-begun');
    assert.equal(one('repaired'), `info | kept-before-repair | ${undo}`);
    assert.equal(one('repairing'), `warning | repair-interrupted | ${undo} | vmdisk check /vm/a`);
    assert.equal(one('undoing'), `warning | repair-undo-interrupted | ${undo}`);
    const used = image('a', { use: { state: 'written', by: ['qemu-img (7)'] } });
    assert.equal(one('repairing', [used]), 'info | repair-running');
  });

  it('of kept copies and of notes that make no sense is told without harm', () => {
    const leftovers: LeftoverFacts[] = [
      { kind: 'kept-header', path: '/vm/.a.vmdisk-header', image: '/vm/a', size: 1 },
      { kind: 'odd-note', path: '/vm/.a.vmdisk-delete.json', image: '/vm/a', why: 'it makes no sense' },
    ];
    assert.deepEqual(
      leftovers.map((leftover) => only([], { leftovers: [leftover] }).code),
      ['header-kept', 'note-unreadable'],
    );
  });
});
