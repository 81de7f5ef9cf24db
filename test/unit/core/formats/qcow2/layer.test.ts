import assert from 'node:assert/strict';
import type { Chain, Layer } from '../../../../../src/core';
import { guestOffset, openChain } from '../../../../../src/core';
import { walk } from '../../../../../src/core/walk';
import type { Qcow2Spec } from '../../../../fixtures/build/index';
import { buildQcow2, data, noise, zero } from '../../../../fixtures/build/index';
import { fromDepth } from '../../../../support/letters';
import { MemoryDisk } from '../../../../support/memory';
import { joined } from '../../../../support/runs';

const CLUSTER = 65536;

/** The chains that layers are in. */
const chains = new WeakMap<Layer, Chain>();

function open(
  spec: Partial<Qcow2Spec>,
  damage?: (built: ReturnType<typeof buildQcow2>) => unknown,
  disk = new MemoryDisk(),
): Layer {
  const built = buildQcow2({ size: 4 * CLUSTER, ...spec });
  damage?.(built);
  if (built.dataFile && spec.dataFile?.name !== undefined) disk.put(`/${spec.dataFile.name}`, built.dataFile);
  const chain = openChain(disk.put('/leaf', built.image).environment, disk.leaf('/leaf'));
  const [leaf] = chain.layers;
  assert(leaf);
  chains.set(leaf.layer, chain);
  return leaf.layer;
}

/** Where the runs of the whole disk begin, and its end; its layer knows afterwards what was odd. */
function scanned(layer: Layer): number[] {
  const chain = chains.get(layer);
  assert(chain);
  return [...joined(walk(chain, fromDepth(chain)), false).start];
}

const codes = ({ findings }: Layer): string[] => findings.map(({ code }) => code);
const factsOf = ({ facts }: Layer): string[] =>
  facts.map(({ label, value, unit }) => `${label}: ${value}${unit === undefined ? '' : ` ${unit}`}`);

describe('a qcow2 layer', () => {
  it('tells of itself what a person wants to know', () => {
    const layer = open({
      extendedL2: true,
      compression: 'zstd',
      refcountOrder: 6,
      compatible: 1n,
      backing: 'base',
      backingFormat: 'raw',
      incompatible: 3n,
    });
    assert.deepEqual(factsOf(layer), [
      'Version: 3',
      'Disk size: 262144 bytes',
      'Cluster size: 65536 bytes',
      'Subcluster size: 2048 bytes',
      'Compression: zstd',
      'Reference counts: 64 bits',
      'Backing file: base',
      'Backing format: raw',
      'Lazy reference counts: true',
      'Dirty: true',
      'Marked corrupt: true',
    ]);
    assert.deepEqual(
      [layer.guestSize, layer.grain, layer.format, layer.readable],
      [4 * CLUSTER, CLUSTER, 'qcow2', true],
    );
    assert.equal(layer.parent?.written, 'base');
  });

  it('has its current state and each snapshot as views', () => {
    const clusters = new Map([[0, zero()]]);
    const layer = open({
      snapshots: [
        { id: '1', name: 'one', clusters, diskSize: CLUSTER },
        { id: '2', name: 'two', clusters },
      ],
    });
    assert.deepEqual(
      layer.views.map(({ id, name, guestSize }) => [id, name, guestSize]),
      [
        ['', 'Current', 4 * CLUSTER],
        ['1', 'one', CLUSTER],
        ['2', 'two', 4 * CLUSTER],
      ],
    );
    assert.equal(layer.views[0]?.snapshot, undefined);
    assert.equal(layer.views[1]?.snapshot?.id, '1');
  });

  it("tells snapshots apart that have no id or another one's", () => {
    const clusters = new Map([[0, zero()]]);
    const snapshots = [
      ['1', 'a'],
      ['', 'b'],
      ['1', 'c'],
      ['', 'd'],
    ].map(([id = '', name = '']) => ({ id, name, clusters }));
    const { views } = open({ snapshots });
    assert.deepEqual(
      views.map(({ name }) => name),
      ['Current', 'a', 'b', 'c', 'd'],
    );
    assert.equal(new Set(views.map(({ id }) => id)).size, 5);
  });

  it('adds what it finds in its tables to what it found in its header', () => {
    const layer = open({ incompatible: 1n, clusters: new Map([[0, data(noise(1, 8))]]) }, ({ image, layout }) =>
      image.pokeU64(layout.l2Entry(0) ?? 0, 0x200n),
    );
    assert.deepEqual(codes(layer), ['dirty']);
    const [view] = layer.views;
    assert(view);
    scanned(layer);
    assert.deepEqual(codes(layer), ['dirty', 'entry']);
    scanned(layer);
    assert.deepEqual(codes(layer), ['dirty', 'entry'], 'once, however often it is scanned');
  });

  it('says so when its L1 table was cut off', () => {
    const layer = open({}, ({ image }) => image.pokeU64(40, 1n << 40n));
    const [view] = layer.views;
    assert(view);
    assert.deepEqual(codes(layer), ['l1-past-end'], 'before anything is read');
    scanned(layer);
    assert.deepEqual(codes(layer), ['l1-past-end'], 'and once');
  });

  it("reads nothing where an L1 entry can't be true, and tells where that stands", () => {
    let entry = NaN;
    const layer = open({}, ({ image, layout }) => {
      entry = layout.l1.offset;
      image.pokeU64(entry, 0x200n);
    });
    const [view] = layer.views;
    assert(view);
    assert.throws(
      () => {
        layer.read(view, guestOffset(CLUSTER), new Uint8Array(8));
      },
      { code: 'corrupt', offset: entry },
    );
  });

  it('has no tables of a snapshot that it does not have', () => {
    const layer = open({});
    const gone = { id: '7', name: 'gone', guestSize: CLUSTER };
    assert.throws(() => layer.trace(gone, guestOffset(0)), { code: 'not-found' });
  });

  it('in words of qemu-img info leaves out what a version does not have', () => {
    assert.deepEqual(open({ version: 2 }).info, {
      'cluster-size': CLUSTER,
      'dirty-flag': false,
      'format-specific': { type: 'qcow2', data: { compat: '0.10', 'compression-type': 'zlib', 'refcount-bits': 16 } },
    });
  });

  it('records the format of its parent as the header does, whatever the name says', () => {
    const backing = 'json:{"driver":"raw","file":{"driver":"file","filename":"/base"}}';
    assert.equal(open({ backing, backingFormat: 'qcow2' }).info['backing-filename-format'], 'qcow2');
    assert.equal(open({ backing }).info['backing-filename-format'], undefined);
    assert.equal(open({ backing }).parent?.format, 'raw');
  });
});

describe('an external data file', () => {
  const clusters = new Map([
    [0, data(noise(1, 8))],
    [2, zero()],
  ]);

  it('that is missing leaves the map whole and the content unknown', () => {
    const disk = new MemoryDisk();
    const layer = open({ dataFile: { name: 'd' }, clusters }, undefined, disk.refuse('/d', 'missing'));
    assert.deepEqual(codes(layer), ['data-file']);
    assert.equal(layer.readable, false);
    const [view] = layer.views;
    assert(view);
    assert.deepEqual(
      scanned(layer),
      [0, 1, 2, 3, 4].map((i) => i * CLUSTER),
    );
    assert.throws(
      () => {
        layer.read(view, guestOffset(0), new Uint8Array(8));
      },
      { code: 'not-found' },
    );
  });

  it('that has no name is a finding', () => {
    assert.deepEqual(codes(open({ dataFile: {}, clusters })), ['data-file']);
  });

  it('is asked of the gate as what it is', () => {
    const disk = new MemoryDisk();
    open({ dataFile: { name: 'nbd:x' }, clusters }, undefined, disk);
    assert.deepEqual(disk.asked, ['/nbd:x']);
  });
});
