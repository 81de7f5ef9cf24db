import assert from 'node:assert/strict';
import {
  axisTicks, formatAxis, formatFact, formatRange, formatScale, formatShares, formatTick, inUnit, plural, rulerFor,
  unitPower,
} from '../../../src/webview/format';

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

describe('numbers on the page', () => {
  it('write both ends of a range in one unit', () => {
    assert.equal(formatRange(12 * GIB, 16.5 * GIB), '12 – 16.5 GiB');
    assert.equal(formatRange(0, 40 * GIB), '0 – 40 GiB');
    assert.equal(formatRange(0, 512), '0 – 512 bytes');
    assert.equal(formatRange(0, 200 * GIB), '0 – 200 GiB');
  });

  it('go to a smaller unit where the range is a small part of one', () => {
    assert.equal(formatRange(12 * GIB, 12 * GIB + 4 * MIB), '12,288 – 12,292 MiB');
    assert.equal(formatRange(12 * GIB + 512, 12 * GIB + 1024), '12,582,912.5 – 12,582,913 KiB');
  });

  it('have no trailing zeros, and commas from five digits on', () => {
    assert.deepEqual([inUnit(1.5 * GIB, 3, 2), inUnit(2 * GIB, 3, 2), inUnit(9999, 0, 0), inUnit(10_000, 0, 0)],
      ['1.5', '2', '9999', '10,000']);
  });

  it('choose the unit that reads best', () => {
    assert.deepEqual([0, 1023, 1024, MIB - 1, MIB, 2 ** 62].map(unitPower), [0, 0, 1, 1, 2, 6]);
  });

  it('label rows in the largest unit that is exact with two decimals', () => {
    assert.deepEqual(rulerFor(GIB / 2, 40 * GIB), { power: 3, decimals: 1 });
    assert.deepEqual(rulerFor(5 * GIB, 40 * GIB), { power: 3, decimals: 0 });
    assert.deepEqual(rulerFor(GIB / 8, 40 * GIB), { power: 2, decimals: 0 });
    assert.deepEqual(rulerFor(GIB / 4, GIB), { power: 2, decimals: 0 });
    assert.deepEqual(rulerFor(700, MIB), { power: 0, decimals: 0 });
    assert.equal(formatTick(12.5 * GIB, { power: 3, decimals: 1 }), '12.5G');
    assert.equal(formatTick(12 * GIB, { power: 3, decimals: 1 }), '12.0G');
    assert.equal(formatTick(0, { power: 3, decimals: 1 }), '0');
  });

  it('divide the axis at round places and name its end', () => {
    assert.deepEqual(axisTicks(40 * GIB, 6).map((tick) => tick / GIB), [0, 10, 20, 30, 40]);
    assert.deepEqual(axisTicks(64 * MIB, 6).map((tick) => tick / MIB), [0, 16, 32, 48, 64]);
    assert.deepEqual(axisTicks(7 * GIB, 6).map((tick) => tick / GIB), [0, 2, 4, 6, 7]);
    assert.deepEqual(axisTicks(0, 6), []);
    assert.deepEqual(axisTicks(GIB, 6).map((tick) => tick / MIB), [0, 256, 512, 768, 1024]);
    assert.deepEqual(axisTicks(512, 6), [0, 128, 256, 384, 512]);
  });

  it('name the places along the axis', () => {
    assert.deepEqual([0, 10 * GIB, 40 * GIB].map((tick) => formatAxis(tick, 40 * GIB)), ['0', '10', '40 GiB']);
    assert.deepEqual([0, 256 * MIB, GIB].map((tick) => formatAxis(tick, GIB)), ['0', '256 MiB', '1 GiB']);
    assert.equal(formatAxis(1.5 * GIB, 1.5 * GIB), '1.5 GiB');
  });

  it('never call a little nothing, or nearly all all', () => {
    assert.deepEqual(formatShares([9999, 1]), ['>99%', '<1%']);
    assert.deepEqual(formatShares([7, 0]), ['100%', '0%']);
    assert.deepEqual(formatShares([]), []);
  });

  it('have shares that add up to 100 percent', () => {
    assert.deepEqual(formatShares([1, 1, 1]), ['34%', '33%', '33%']);
    // 45.5, 45.5 and 9: rounding each on its own would make 101.
    assert.deepEqual(formatShares([91, 91, 18]), ['46%', '45%', '9%']);
    assert.deepEqual(formatShares([254, 746]), ['25%', '75%']);
  });

  it('tell the scale of the map', () => {
    assert.equal(formatScale(2 * MIB, 64 * KIB, 'cluster'), '1 cell = 2 MiB, 32 clusters');
    assert.equal(formatScale(64 * KIB, 64 * KIB, 'cluster'), '1 cell = 64 KiB, 1 cluster');
    assert.equal(formatScale(32 * KIB, 64 * KIB, 'cluster'), '1 cell = 32 KiB, half a cluster');
    assert.equal(formatScale(4 * KIB, 64 * KIB, 'cluster'), '1 cell = 4 KiB, 1/16 of a cluster');
    assert.equal(formatScale(512 * KIB, MIB, 'grain'), '1 cell = 512 KiB, half a grain');
    assert.equal(formatScale(4 * KIB, 512, 'block'), '1 cell = 4 KiB');
  });

  it('count', () => {
    assert.deepEqual([plural(1, 'cluster'), plural(1024, 'cluster'), plural(0, 'entry', 'entries')],
      ['1 cluster', '1,024 clusters', '0 entries']);
  });

  it('write facts with their units', () => {
    assert.deepEqual([
      formatFact({ label: '', value: 65_536, unit: 'bytes' }), formatFact({ label: '', value: 16, unit: 'bits' }),
      formatFact({ label: '', value: 12_345 }), formatFact({ label: '', value: true }),
      formatFact({ label: '', value: 'zlib' }),
    ], ['64 KiB', '16 bits', '12,345', 'yes', 'zlib']);
  });
});
