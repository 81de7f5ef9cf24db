import assert from 'node:assert/strict';
import { layerNames } from '../../../src/webview/names';

const named = (...files: string[]): string[] => layerNames(files.map((fileName) => ({ fileName })), 'base');

describe('the names of layers', () => {
  it('are what the file names differ in, between Current and Base', () => {
    assert.deepEqual(named('web01.qcow2', 'web01.before-upgrade.qcow2', 'web01.after-install.qcow2', 'web01.img'),
      ['Current', 'before-upgrade', 'after-install', 'Base']);
  });

  it('do not call an image current that others stand on', () => {
    const layers = ['web01.before-upgrade.qcow2', 'web01.after-install.qcow2', 'web01.img'];
    assert.deepEqual(layerNames(layers.map((fileName) => ({ fileName })), 'base', 2),
      ['before-upgrade', 'after-install', 'Base']);
  });

  it('take an ending that is no format for the name of a snapshot', () => {
    assert.deepEqual(named('vm.now', 'vm.snap2', 'vm.snap1', 'vm.qcow2'), ['Current', 'snap2', 'snap1', 'Base']);
  });

  it('are cut between words only', () => {
    assert.deepEqual(named('snap3.qcow2', 'snap2.qcow2', 'snap1.qcow2'), ['Current', 'snap2', 'Base']);
    assert.deepEqual(named('leaf.qcow2', 'middle.qcow2', 'root.raw'), ['Current', 'middle', 'Base']);
  });

  it('are the platform’s where it has one', () => {
    const layers = [{ fileName: 'a', label: 'Active VM' }, { fileName: 'b', label: 'before 4.2' }, { fileName: 'c' }];
    assert.deepEqual(layerNames(layers, 'base'), ['Active VM', 'before 4.2', 'Base']);
  });

  it('do not call the last layer of a broken chain a base', () => {
    const layers = [{ fileName: 'vm.qcow2' }, { fileName: 'vm.old.qcow2' }];
    assert.deepEqual(layerNames(layers, 'missing'), ['Current', 'old']);
  });

  it('are the file’s for a lone image', () => {
    assert.deepEqual(named('new-disk.qcow2'), ['new-disk']);
    assert.deepEqual(named('.qcow2'), ['.qcow2']);
  });

  it('shorten what nobody reads to the end', () => {
    const uuid = (first: string): string => `${first}-9a1f-4a8e-8d15-6f2a54b7c9d0`;
    assert.deepEqual(named(uuid('0b6c2c1e'), uuid('7d1f0a52'), uuid('aa00bb11')), ['Current', '7d1f0a52…', 'Base']);
  });

  it('differ from each other', () => {
    const twice = ['a.qcow2', 'b.qcow2'].map((fileName) => ({ fileName, label: 'daily' }));
    const layers = [...twice, { fileName: 'c.img' }];
    assert.deepEqual(layerNames(layers, 'base'), ['daily (a.qcow2)', 'daily (b.qcow2)', 'Base']);
  });
});
