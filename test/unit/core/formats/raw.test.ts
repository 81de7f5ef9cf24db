import assert from 'node:assert/strict';
import type { HostExtents, Layer } from '../../../../src/core';
import { finish, guestOffset, Kind, openChain } from '../../../../src/core';
import { extentsOf, MemoryDisk } from '../../../support/memory';
import type { MemoryFile } from '../../../support/memory';
import { told } from '../../../support/runs';

function open(file: MemoryFile): Layer {
  const disk = new MemoryDisk().put('/raw', file);
  const [leaf] = openChain(disk.environment, disk.leaf('/raw'), { format: 'raw' }).layers;
  assert(leaf);
  return leaf.layer;
}

function runsOf(layer: Layer): unknown {
  const [view] = layer.views;
  assert(view);
  return told(finish(layer.scan(view, { host: true, maxRuns: Infinity })));
}

describe('a raw layer', () => {
  it("is data where its file is, zero in its holes, at the guest's own offsets", () => {
    const layer = open({
      bytes: new Uint8Array(4096),
      extents: extentsOf(4096, [
        [0, 512],
        [1024, 2048],
      ]),
    });
    assert.deepEqual(runsOf(layer), [
      [0, 512, 'd', 0],
      [512, 1024, 'z', 512],
      [1024, 2048, 'd', 1024],
      [2048, 4096, 'z', 2048],
    ]);
    assert.deepEqual(layer.findings, []);
  });

  it('is all data where holes are not told, and says so', () => {
    const assumed: HostExtents = { bounds: Float64Array.of(0, 4096), startsWithData: true, certainty: 'assumed' };
    for (const file of [{ bytes: new Uint8Array(4096) }, { bytes: new Uint8Array(4096), extents: assumed }]) {
      const layer = open(file);
      assert.deepEqual(runsOf(layer), [[0, 4096, 'd', 0]]);
      assert.deepEqual(
        layer.findings.map(({ code, severity }) => `${code} ${severity}`),
        ['holes-unknown info'],
      );
    }
  });

  it('is filled up to a whole sector with zeros, which join a hole before them', () => {
    const odd = open({ bytes: new Uint8Array(1000), extents: extentsOf(1000, [[0, 1000]]) });
    assert.deepEqual(
      [odd.guestSize, runsOf(odd)],
      [
        1024,
        [
          [0, 1000, 'd', 0],
          [1000, 1024, 'z', 1000],
        ],
      ],
    );
    assert.deepEqual(
      odd.findings.map(({ code, severity }) => `${code} ${severity}`),
      ['partial-sector info'],
    );
    const hole = open({ bytes: new Uint8Array(9999), extents: extentsOf(9999, [[0, 8192]]) });
    assert.deepEqual(runsOf(hole), [
      [0, 8192, 'd', 0],
      [8192, 10240, 'z', 8192],
    ]);
  });

  it('of no bytes is an empty disk, which is a finding', () => {
    const layer = open({ bytes: new Uint8Array() });
    assert.deepEqual([layer.guestSize, runsOf(layer)], [0, []]);
    assert.deepEqual(
      layer.findings.map(({ code }) => code),
      ['empty-file'],
    );
  });

  it('is made of sectors', () => {
    const layer = open({ bytes: new Uint8Array(4096) });
    const [view] = layer.views;
    assert(view);
    const { unitStart, unitEnd, hostOffset, kind } = layer.trace(view, guestOffset(1500));
    assert.deepEqual([unitStart, unitEnd, hostOffset, kind], [1024, 1536, 1500, Kind.Data]);
  });

  it('reads its file, and zeros past its end', () => {
    const layer = open({ bytes: Uint8Array.from({ length: 1000 }, (_, i) => i) });
    const [view] = layer.views;
    assert(view);
    const target = new Uint8Array(4).fill(9);
    layer.read(view, guestOffset(998), target);
    assert.deepEqual(target, Uint8Array.of(998 & 255, 999 & 255, 0, 0));
  });
});
