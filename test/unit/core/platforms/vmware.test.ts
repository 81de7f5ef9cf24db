import assert from 'node:assert/strict';
import type { LayerStory } from '../../../../src/core';
import { storyTeller } from '../../../../src/core';
import { vmsd, vmx } from '../../../fixtures/platforms/vmware';
import { MemoryFiles } from './memoryFiles';

const FOLDER = '/vmfs/volumes/datastore1/web';
const DATE = Date.UTC(2024, 2, 12, 10, 11, 12, 345);

const tell = (files: Readonly<Record<string, string | Uint8Array>>, image: string): LayerStory | undefined =>
  storyTeller(
    new MemoryFiles(Object.fromEntries(Object.entries(files).map(([name, text]) => [`${FOLDER}/${name}`, text]))),
  )(`${FOLDER}/${image}`);

const WEB = {
  'web.vmx': vmx('web server', ['web-000002.vmdk', 'tools.iso']),
  'web.vmsd': vmsd([
    { name: 'before-upgrade', description: 'as installed', date: DATE, disks: ['web.vmdk', 'data.vmdk'] },
    { name: 'after', date: DATE + 1000, disks: ['web-000001.vmdk', 'data.vmdk'] },
  ]),
};

describe('VMware’s snapshots', () => {
  it('name the disk that they froze; the one in the settings is current', () => {
    const common = { platform: 'VMware', vm: 'web server' };
    assert.deepEqual(tell(WEB, 'web.vmdk'), {
      ...common,
      label: 'before-upgrade',
      role: 'snapshot',
      description: 'as installed',
      date: DATE,
    });
    assert.deepEqual(tell(WEB, 'web-000001.vmdk'), { ...common, label: 'after', role: 'snapshot', date: DATE + 1000 });
    assert.deepEqual(tell(WEB, 'web-000002.vmdk'), { ...common, label: 'current', role: 'current' });
    assert.equal(tell(WEB, 'data.vmdk')?.label, 'before-upgrade, after');
    assert.equal(tell(WEB, 'web-flat.vmdk'), undefined);
    assert.equal(tell(WEB, 'web.vmx'), undefined);
  });

  it('have times in two halves, of which the lower may be negative', () => {
    const at = (high: string, low: string): number | undefined => {
      const lines = [
        'snapshot12.uid = "1"',
        'snapshot12.displayName = "x"',
        `snapshot12.createTimeHigh = "${high}"`,
        `snapshot12.createTimeLow = "${low}"`,
        'snapshot12.numDisks = "1"',
        'snapshot12.disk0.fileName = "d.vmdk"',
      ];
      return tell({ 'w.vmsd': `${lines.join('\n')}\n` }, 'd.vmdk')?.date;
    };
    // (398195 · 2^32 + 2^32 - 1000) µs and (398195 · 2^32 + 1000) µs
    assert.equal(at('398195', '-1000'), 1710238797397);
    assert.equal(at('398195', '1000'), 1710234502431);
  });

  it('have numbers of several digits, and are in their order', () => {
    const many = Array.from({ length: 12 }, (_, n) => ({ name: `s${n}`, date: DATE + n, disks: ['a.vmdk'] }));
    const story = tell({ 'a.vmsd': vmsd(many) }, 'a.vmdk');
    assert.match(story?.label ?? '', /^s0, s1, s2, .*, s9, s10, s11$/);
    assert.equal(story?.date, DATE);
  });

  it('may have any characters in their names, on one line', () => {
    const files = { 'a.vmsd': vmsd([{ name: 'say |22hi|22|0Aüber', date: DATE, disks: ['a.vmdk'] }]) };
    assert.equal(tell(files, 'a.vmdk')?.label, 'say "hi" über');
    const latin = Buffer.from(
      '.encoding = "windows-1252"\nsnapshot0.uid = "1"\nsnapshot0.displayName = "\xfcber"\nsnapshot0.disk0.fileName = "a.vmdk"\n',
      'latin1',
    );
    assert.equal(tell({ 'a.vmsd': latin }, 'a.vmdk')?.label, 'über');
    const odd = latin.toString('latin1').replace('windows-1252', 'no-such-thing');
    assert.equal(tell({ 'a.vmsd': odd }, 'a.vmdk')?.label, 'über');
  });

  it('may be of a disk elsewhere, by its whole path', () => {
    const files = { '/d/web.vmsd': vmsd([{ name: 's', date: DATE, disks: ['/d/other.vmdk'] }]) };
    assert.equal(storyTeller(new MemoryFiles(files))('/d/other.vmdk')?.label, 's');
  });

  it('are none where there is no word of them', () => {
    assert.deepEqual(tell({ 'web.vmx': vmx('web', ['web.vmdk']) }, 'web.vmdk'), { platform: 'VMware', vm: 'web' });
    assert.equal(tell({}, 'web.vmdk'), undefined);
    const garbled = [
      'snapshot0.uid',
      'snapshot.uid = "1"',
      'snapshot0.uid = "1"\nsnapshot0.numDisks = "x"\n',
      '\0\0\0',
    ];
    for (const text of garbled) assert.equal(tell({ 'web.vmsd': text }, 'web.vmdk'), undefined, text);
  });

  it('with no sense in their numbers have no date, and no more disks than there can be', () => {
    const text = (high: string): string =>
      `snapshot0.uid = "1"\nsnapshot0.createTimeHigh = "${high}"\nsnapshot0.createTimeLow = "0"\nsnapshot0.numDisks = "999999999"\nsnapshot0.disk0.fileName = "web.vmdk"\n`;
    for (const high of ['x', '99999999999', '2147483647', '-5']) {
      const story = tell({ 'web.vmsd': text(high) }, 'web.vmdk');
      assert.deepEqual([story?.role, story?.date], ['snapshot', undefined], high);
    }
  });
});
