import assert from 'node:assert/strict';
import type { ChainLayer, HostExtents, Layer } from '../../../../src/core';
import { guestOffset, Kind, openChain, Session } from '../../../../src/core';
import { walkLayer } from '../../../../src/core/walk';
import { extentsOf, MemoryDisk } from '../../../support/memory';
import type { MemoryFile } from '../../../support/memory';
import { joined, told } from '../../../support/runs';

const layers = new WeakMap<Layer, ChainLayer>();

function open(file: MemoryFile): Layer {
  const disk = new MemoryDisk().put('/raw', file);
  const [leaf] = openChain(disk.environment, disk.leaf('/raw'), { format: 'raw' }).layers;
  assert(leaf);
  layers.set(leaf.layer, leaf);
  return leaf.layer;
}

function runsOf(layer: Layer): unknown {
  const [view] = layer.views;
  const leaf = layers.get(layer);
  assert(view && leaf);
  return told(joined(walkLayer(leaf, view)));
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

  it('has extents of any length: of single bytes, and many short ones between long ones', () => {
    const short = Array.from({ length: 300 }, (_, i) => [i * 8192, i * 8192 + 4096] as const);
    const MIB = 2 ** 20;
    const data: (readonly [number, number])[] = [...short, [4 * MIB, 9 * MIB], [9 * MIB + 512, 9 * MIB + 1024]];
    const size = 12 * MIB + 777;
    const expected = [...data, [size, size] as const].flatMap(([from, to], i) => {
      const before = data[i - 1]?.[1] ?? 0;
      return [
        ...(from > before ? [[before, from, 'z', before] as const] : []),
        ...(to > from ? [[from, to, 'd', from] as const] : []),
      ];
    });
    const end = Math.ceil(size / 512) * 512;
    const whole = [...expected.slice(0, -1), [9 * MIB + 1024, end, 'z', 9 * MIB + 1024]];
    assert.deepEqual(runsOf(open({ bytes: new Uint8Array(size), extents: extentsOf(size, data) })), whole);
    const bytes = extentsOf(3000, [
      [0, 1],
      [1001, 1002],
      [1002 + 512, 3000],
    ]);
    assert.deepEqual(runsOf(open({ bytes: new Uint8Array(3000), extents: bytes })), [
      [0, 1, 'd', 0],
      [1, 1001, 'z', 1],
      [1001, 1002, 'd', 1001],
      [1002, 1514, 'z', 1002],
      [1514, 3000, 'd', 1514],
      [3000, 3072, 'z', 3000],
    ]);
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

  it('is told of by its name where that is of a VMware disk', () => {
    const disk = new MemoryDisk().put('/web-flat.vmdk', new Uint8Array(512)).put('/web.vmdk', new Uint8Array(512));
    const findings = (name: string): unknown =>
      openChain(disk.environment, disk.leaf(name)).layers[0]?.layer.findings.map(({ code, message }) => [
        code,
        message,
      ]);
    const said = 'by its name this file holds data of a VMware disk, whose descriptor is web.vmdk';
    assert.deepEqual(findings('/web-flat.vmdk'), [['bare-extent', said]]);
    assert.deepEqual(findings('/web.vmdk'), []);
  });
});

describe('what a raw disk holds', () => {
  const MBR_ENTRY = [0x80, 0, 0, 0, 0x83, 0, 0, 0, 0x3f, 0, 0, 0, 0, 0x10, 0, 0];
  /** A disk with a partition from sector 63 on, and some bytes at its beginning. */
  function partitioned(bytes: string): Uint8Array {
    const disk = new Uint8Array(128 << 10);
    disk.set(MBR_ENTRY, 446);
    disk.set([0x55, 0xaa], 510);
    disk.set(Buffer.from(bytes, 'latin1'), 63 * 512);
    return disk;
  }
  const open = (bytes: Uint8Array): Session => {
    const disk = new MemoryDisk().put('/disk', bytes);
    return new Session(disk.environment, disk.leaf('/disk'), { format: 'raw' });
  };
  const told = (bytes: Uint8Array): unknown[] => {
    const { layer } = open(bytes).chain.layers[0] ?? assert.fail();
    const fact = layer.facts.find(({ label }) => label === 'Begins as')?.value;
    return [fact, ...layer.findings.map(({ code, offset, message }) => `${code} ${offset} ${message}`)];
  };

  it('is a fact', () => {
    assert.deepEqual(told(partitioned('NTFS')), ['a disk with an MBR partition table']);
    assert.deepEqual(told(new Uint8Array(4096)), [undefined]);
  });

  it('may be an image of another format in a partition', () => {
    for (const [bytes, format] of [
      ['QFI\xfb\0\0\0\x03', 'qcow2'],
      ['KDMV', 'VMDK'],
      ['vhdxfile', 'VHDX'],
    ] as const) {
      const message = `a partition of this disk, at byte 32256, begins with an image of another format (${format})`;
      const [, finding] = told(partitioned(bytes));
      assert.equal(finding, `image-within 32256 ${message}`);
    }
  });

  it('may be in a partition of a GPT', () => {
    const disk = partitioned('');
    disk.set(Buffer.from('EFI PART'), 512);
    new DataView(disk.buffer).setBigUint64(1024 + 128 + 32, 80n, true);
    disk.set(Buffer.from('QFI\xfb', 'latin1'), 80 * 512);
    assert.match(String(told(disk)[1]), /^image-within 40960 /);
    new DataView(disk.buffer).setBigUint64(1024 + 128 + 32, 2n ** 64n - 1n, true);
    assert.equal(told(disk)[1], undefined);
  });

  it('is left out where the disk can not be read', () => {
    const disk = new MemoryDisk().put('/disk', { bytes: new Uint8Array(4096), failsFrom: 0 });
    const session = new Session(disk.environment, disk.leaf('/disk'), { format: 'raw' });
    assert.equal(session.view.guestSize, 4096);
  });
});
