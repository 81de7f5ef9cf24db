import assert from 'node:assert/strict';
import { chainSummary, imageSummary } from '../../../src/extension/layerSummary';
import type { ImageSummary } from '../../../src/protocol/image';
import { image } from './images';

const MIB = 2 ** 20;
const account = (owned: number, shadowed: number) => {
  return { owned, shadowed, ownedData: owned, ownedZero: 0, ownedCompressed: 0 };
};

const summary: ImageSummary = {
  path: '/d/top.qcow2',
  layers: [
    image('/d/top.qcow2', { depth: 0, backing: 'base|x.img' }),
    image('/d/base|x.img', {
      depth: 1,
      format: 'raw',
      findings: [{ code: 'partial-sector', severity: 'info', message: 'cut short', advice: 'Compare.' }],
    }),
  ],
  end: { kind: 'base' },
  standpoint: { depth: 0, view: '' },
  guestSize: 64 * MIB,
  generation: 1,
  scan: 'complete',
  accounting: {
    guestSize: 64 * MIB,
    nobody: 30 * MIB,
    unknown: 0,
    layers: [account(4 * MIB, 0), account(30 * MIB, MIB)],
  },
};

describe('the layer summary on the clipboard', () => {
  it('has one row for each layer, newest first, with what it owns and hides', () => {
    const rows = chainSummary(summary, null)
      .split('\n')
      .filter((line) => /^\| \d/.test(line));
    assert.equal(rows.length, 2);
    const cells = rows.map((row) => row.split(/(?<!\\)\|/).map((cell) => cell.trim()));
    assert.deepEqual(cells[0]?.slice(1, 7), ['0', 'top.qcow2', 'qcow2', '192 KiB', '4 MiB', '0 bytes']);
    assert.deepEqual(cells[1]?.slice(1, 7), ['1', 'base\\|x.img', 'raw', '192 KiB', '30 MiB', '1 MiB']);
  });

  it('tells what no layer holds, and what is wrong', () => {
    const text = chainSummary(summary, null);
    assert.match(text, /30 MiB held by no layer/);
    assert.match(text, /partial-sector.*cut short Compare\./);
  });

  it('tells how much of that is unknown, since its tables are lost', () => {
    const told = (lost: number): string => {
      const finding = { code: 'l2-past-end', severity: 'error', message: 'the file ends', lost } as const;
      const layers = summary.layers.map((layer, depth) => (depth === 0 ? { ...layer, findings: [finding] } : layer));
      return chainSummary({ ...summary, layers }, null);
    };
    assert.match(
      told(2 * MIB),
      /30 MiB held by no layer, reads as zero, up to 2 MiB of it unknown since tables are lost/,
    );
    assert.match(told(40 * MIB), /up to 30 MiB of it unknown/);
    assert.doesNotMatch(chainSummary(summary, null), /unknown/);
  });

  it('adds the facts of the picked layer', () => {
    assert.doesNotMatch(chainSummary(summary, null), /File size/);
    assert.match(chainSummary(summary, 0), /File size: 192 KiB \(196,608 bytes\)/);
  });

  it('tells what the platform says of the picked layer', () => {
    const date = new Date(2024, 2, 12, 10, 11).getTime();
    const story = {
      platform: 'oVirt',
      label: 'before | after',
      date,
      description: '*why*',
      disk: 'web_Disk1',
      vm: 'web',
    };
    const text = chainSummary({ ...summary, layers: [image('/d/a', { label: story.label, story })] }, 0);
    assert.match(text, /\| before \\\| after \|/);
    assert.match(
      text,
      /Snapshot taken: 12 Mar 2024 10:11\n- Description: \\\*why\\\*\n- VM: web\n- Disk name: web_Disk1\n/,
    );
  });

  it('says that a chain is broken', () => {
    const end = { kind: 'missing', written: 'gone', name: '/d/gone', message: 'no such file' } as const;
    assert.match(chainSummary({ ...summary, end }, null), /broken \(missing\).*no such file/);
  });

  it('says from where the numbers are seen', () => {
    assert.match(chainSummary({ ...summary, standpoint: { depth: 1, view: '' } }, null), /as of base/);
  });

  it('tells of a layer that has never been measured', () => {
    assert.match(imageSummary(image('/d/a.qcow2')), /Disk: 64 MiB/);
  });
});
