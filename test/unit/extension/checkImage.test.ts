import './vscodeStub';
import assert from 'node:assert/strict';
import type { ChainEnd, CheckCounts, CheckProblem, Finding } from '../../../src/core/model';
import { checkResult } from '../../../src/extension/work/checkImage';
import { image } from './images';

const counts: CheckCounts = {
  checkErrors: 0,
  corruptions: 0,
  leaks: 0,
  further: 0,
  imageEnd: 0,
  totalClusters: 100,
  allocatedClusters: 10,
  fragmentedClusters: 1,
  compressedClusters: 0,
};
const BASE: ChainEnd = { kind: 'base' };
const broken = (kind: Exclude<ChainEnd['kind'], 'base'>): ChainEnd => ({
  kind,
  written: 'base.qcow2',
  name: '/vm/base.qcow2',
  message: `the parent is ${kind}`,
});
const finding = (message: string, severity: Finding['severity'] = 'error'): Finding => ({
  code: 'x',
  severity,
  message,
});

describe('what is told of a check', () => {
  const WHOLE = 'top.qcow2: consistent by itself, 10 clusters in use, 10% fragmented';
  const layers = [image('/vm/top.qcow2'), image('/vm/middle.qcow2', { depth: 1 })];
  const result = (
    change: Parameters<typeof image>[1],
    {
      end = BASE,
      found = {},
      problems = [],
      below = 0,
    }: {
      end?: ChainEnd;
      found?: Partial<CheckCounts>;
      problems?: readonly CheckProblem[];
      below?: number;
    } = {},
  ): ReturnType<typeof checkResult> => {
    const layer = image('/vm/top.qcow2', change);
    return checkResult(
      layer,
      { counts: { ...counts, ...found }, problems },
      { layers: [layer, ...layers.slice(0, below)], end },
    );
  };

  it('is good news only where nothing else is known against the layer', () => {
    assert.deepEqual(result({}), { text: WHOLE, isGood: true });
    assert.deepEqual(result({ findings: [finding('odd', 'warning')] }), { text: WHOLE, isGood: true });
    assert.deepEqual(result({}, { found: { leaks: 2 } }), { text: 'top.qcow2: 2 leaked clusters', isGood: false });
  });

  it('sends for the complete file where this one ends early', () => {
    const past = {
      ...finding('a table'),
      code: 'past-end',
      counts: 'corruption',
      times: 1,
      claims: [],
      guest: [],
    } as const;
    const { text } = result({}, { found: { corruptions: 1 }, problems: [past] });
    assert.match(text, /^top\.qcow2: 1 corruption\. The file ends before .* get the complete one first/);
    assert.doesNotMatch(result({}, { found: { corruptions: 1 } }).text, /complete/);
    const unrepaired = result({ format: 'vmdk' }, { found: { corruptions: 1 }, problems: [past] });
    assert.match(unrepaired.text, /get the complete one, if there is any\.$/);
  });

  it('tells the errors that opening it found, the first shortened', () => {
    assert.deepEqual(result({ findings: [finding('the image is marked corrupt')] }), {
      text: `${WHOLE}; but the image is marked corrupt`,
      isGood: false,
    });
    const findings = [finding('a'.repeat(100)), finding('b'), finding('c')];
    assert.equal(result({ findings }).text, `${WHOLE}; but ${'a'.repeat(79)}… (and 2 more errors)`);
  });

  it('tells a chain that breaks below it, once', () => {
    const end = broken('missing');
    const findings = [finding('the parent is missing')];
    assert.equal(result({ findings }, { end }).text, `${WHOLE}; but its parent is missing`);
    assert.equal(result({}, { end, below: 1 }).text, `${WHOLE}; but a parent further down is missing`);
    assert.equal(result({}, { end: broken('refused') }).text, `${WHOLE}; but its parent was not opened`);
    assert.equal(result({}, { end: broken('cycle') }).isGood, false);
  });

  it('tells encryption, beside what else there is', () => {
    const facts = [{ label: 'Encryption', value: 'luks' }];
    const encrypted = 'its content is encrypted and could not be looked at';
    assert.equal(result({ facts }).text, `${WHOLE}; but ${encrypted}`);
    assert.equal(
      result({ facts }, { end: broken('missing') }).text,
      `${WHOLE}; but its parent is missing, and ${encrypted}`,
    );
  });
});
