import assert from 'node:assert/strict';
import { guestOffset, hostOffset, Kind, NOBODY, UNKNOWN_OWNER } from '../../../src/core/model';
import type { Lookup, Trace, TraceStep } from '../../../src/core/model';
import {
  asSentence, blockSentence, cellSentence, entrySentence, groupEntry, missingTable, mixSentence, pathSentence,
  plainText, stepSentence, traceText, unitSentence, writeSentence,
} from '../../../src/webview/sentences';

const NAMES = ['Current', 'before-upgrade', 'Base'];
const CLUSTER = 65_536;
const LAYERS = NAMES.map(() => ({ format: 'qcow2', grain: CLUSTER }));

const lookup = (table: string, index: number, entry: string, ...flags: string[]): Lookup =>
  ({ table, index, entryOffset: hostOffset(0x30000 + index * 8), entry, flags });

const step = (
  depth: number, role: TraceStep['role'], kind: TraceStep['kind'], lookups: readonly Lookup[] = [],
): TraceStep => ({
  depth, role, kind, lookups, filename: `${NAMES[depth] ?? ''}.qcow2`,
  unitStart: guestOffset(0x35a400000), unitEnd: guestOffset(0x35a400000 + CLUSTER),
  write: { effect: 'allocate', bytes: CLUSTER },
});

const EMPTY = lookup('L2', 5696, '0x0000000000000000');
const FULL = [lookup('L1', 26, '0x8000000000050000', 'copied'), lookup('L2', 5696, '0x800000008c210000', 'copied')];

const trace = (change: Partial<Trace>): Trace => ({
  offset: guestOffset(0x35a400000), owner: 1, kind: Kind.Data,
  steps: [step(0, 'passed', Kind.Absent, [EMPTY]), step(1, 'owner', Kind.Data, FULL), step(2, 'hidden', Kind.Data)],
  write: { effect: 'copy', bytes: CLUSTER, copiesFrom: [1] }, ...change,
});

describe('messages of others', () => {
  it('begin with a capital, but not where they begin with a name', () => {
    const texts = ['the parent is gone', 'a loop', 'qcow2 version 9', '/vm/a.img is gone', 'web01.img is gone', 'Done'];
    assert.deepEqual(texts.map(asSentence),
      ['The parent is gone', 'A loop', 'qcow2 version 9', '/vm/a.img is gone', 'web01.img is gone', 'Done']);
  });
});

describe('what is said of a block', () => {
  it('where it is, who answers, and how far down', () => {
    assert.equal(blockSentence(trace({}), NAMES, LAYERS),
      '0x3_5A40_0000, 64 KiB cluster: data in before-upgrade, found below 1 newer layer.');
  });

  it('that nobody owns it, or that nobody can know', () => {
    const steps = [step(0, 'passed', Kind.Absent, [EMPTY])];
    assert.equal(blockSentence(trace({ owner: NOBODY, kind: Kind.Absent, steps }), NAMES, LAYERS),
      '0x3_5A40_0000, 64 KiB cluster: nobody owns it, it reads as zero.');
    const ended = 'The parent is missing.';
    assert.equal(blockSentence(trace({ owner: UNKNOWN_OWNER, kind: Kind.Unknown, steps, ended }), NAMES, LAYERS),
      '0x3_5A40_0000, 64 KiB cluster: unknown. The parent is missing.');
  });

  it('that what has no tables is in blocks, not clusters', () => {
    assert.equal(unitSentence(trace({ steps: [step(0, 'owner', Kind.Data)] }), LAYERS), '64 KiB block');
  });

  it('that what is smaller than its layer’s clusters is a subcluster', () => {
    const owner = { ...step(1, 'owner', Kind.Data, FULL), unitEnd: guestOffset(0x35a400000 + 2048) };
    assert.equal(unitSentence(trace({ steps: [owner] }), LAYERS), '2 KiB subcluster');
  });

  it('in the words of each format', () => {
    const owner = step(1, 'owner', Kind.Data, FULL);
    const part = { ...owner, unitEnd: guestOffset(0x35a400000 + 2048) };
    const told = (format: string, of: TraceStep): string =>
      unitSentence(trace({ steps: [of] }), NAMES.map(() => ({ format, grain: CLUSTER })));
    assert.deepEqual([told('vmdk', owner), told('vhdx', owner), told('parallels', owner)],
      ['64 KiB grain', '64 KiB block', '64 KiB cluster']);
    assert.equal(told('vpc', part), '2 KiB part of a block');
  });
});

describe('what is said of a cell', () => {
  const parts = [
    { owner: 1, kind: Kind.Data, bytes: 75 }, { owner: 0, kind: Kind.Zero, bytes: 24 },
    { owner: NOBODY, kind: Kind.Absent, bytes: 1 },
  ];

  it('the largest part first', () => {
    assert.equal(mixSentence([...parts].reverse(), NAMES), mixSentence(parts, NAMES));
  });

  it('its parts, with their kinds and shares', () => {
    assert.equal(mixSentence(parts, NAMES), 'before-upgrade 75%, Current, zero 24%, nobody (reads as zero) 1%');
    assert.equal(cellSentence({ start: 0, end: 2_097_152, parts: parts.slice(0, 1) }, NAMES),
      '0x0, 2 MiB: before-upgrade 100%.');
  });
});

describe('the steps of a read', () => {
  it('say what each layer answers', () => {
    assert.deepEqual([
      step(0, 'passed', Kind.Absent), step(0, 'owner', Kind.Data), step(0, 'owner', Kind.Zero),
      step(0, 'owner', Kind.Compressed), step(0, 'owner', Kind.Invalid), step(1, 'hidden', Kind.Data),
      step(1, 'hidden', Kind.Absent), step(1, 'hidden', Kind.Invalid),
    ].map(stepSentence), [
      'not here', 'data', 'reads as zero', 'data, compressed', 'broken entry', 'hidden, holds older data',
      'hidden, nothing here', 'hidden, broken entry',
    ]);
  });

  it('say which tables were asked', () => {
    assert.equal(pathSentence(FULL), 'L1[26] → L2[5696]');
    assert.equal(pathSentence([lookup('L1', 26, '0x8000000000050000'), EMPTY]), 'L1[26] → L2[5696] = 0');
    assert.equal(pathSentence([]), '');
  });

  it('say what the last entry holds, where it holds something', () => {
    assert.equal(entrySentence(FULL), '0x8000_0000_8C21_0000 · copied');
    assert.equal(entrySentence([EMPTY]), undefined);
    const past = [lookup('L1', 26, '0x8000000000050000', 'copied'), lookup('L2', 5696, '0x0', 'past end of file')];
    assert.equal(entrySentence(past), undefined);
    assert.equal(missingTable(past), 'its table lies past the end of the file: reads as empty');
    assert.equal(missingTable(FULL), undefined);
    assert.equal(groupEntry('0x1'), '0x1');
    assert.equal(groupEntry('0x12345'), '0x1_2345');
  });
});

describe('what a write would do', () => {
  const write = (effect: Trace['write']): string => plainText(writeSentence(trace({ write: effect }), NAMES, LAYERS));

  it('in one sentence for each effect', () => {
    assert.equal(write({ effect: 'in-place', bytes: 0 }),
      'A write here changes Current in place; its file does not grow.');
    assert.equal(write({ effect: 'allocate', bytes: CLUSTER }), 'A write here puts a new 64 KiB cluster into Current.');
    assert.equal(write({ effect: 'copy', bytes: CLUSTER, copiesFrom: [1] }),
      'A write here puts a new 64 KiB cluster into Current; '
      + 'what the write does not cover is first copied from before-upgrade.');
    assert.equal(write({ effect: 'copy', bytes: CLUSTER, copiesFrom: [0, 1, 2] }),
      'A write here puts a new 64 KiB cluster into Current; '
      + 'what the write does not cover is first copied from Current, before-upgrade and Base.');
    assert.equal(write({ effect: 'copy', bytes: CLUSTER }), 'A write here puts a new 64 KiB cluster into Current.');
    assert.equal(write({ effect: 'impossible', bytes: 0, reason: 'the disk is encrypted' }),
      'Nothing can be written here: the disk is encrypted.');
  });

  it('with the reason where there is one', () => {
    assert.equal(write({ effect: 'allocate', bytes: CLUSTER, reason: 'shared with a snapshot' }),
      'A write here puts a new 64 KiB cluster into Current (shared with a snapshot).');
  });

  it('with the names set off', () => {
    const strong = writeSentence(trace({}), NAMES, LAYERS).filter((piece) => piece.strong).map((piece) => piece.text);
    assert.deepEqual(strong, ['Current', 'before-upgrade']);
  });
});

describe('the walk as text', () => {
  it('tells everything that the inspector shows', () => {
    const text = traceText(trace({}), NAMES, LAYERS);
    for (const line of [
      'Guest offset  0x3_5A40_0000 (14,399,045,632)',
      'Sector        28,123,136', 'Owner         before-upgrade', '  ○ Current: not here',
      '  ● before-upgrade: data',
      '      L2[5696] = 0x800000008c210000 (copied) at 0x3_B200 of before-upgrade.qcow2',
      '  ○ Base: hidden, holds older data',
    ]) assert.ok(text.includes(line), `${line}\nis not in\n${text}`);
  });
});
