import assert from 'node:assert/strict';
import type { Chain, ChainLayer, OpenedSource, Side } from '../../../src/core';
import {
  compare,
  finish,
  firstLost,
  guestOffset,
  hostPlace,
  Kind,
  qemuMap,
  sizesOnHost,
  traceRead,
} from '../../../src/core';
import { ReadCache } from '../../../src/core/cache/readCache';
import { windowOf } from '../../../src/core/extents';
import { FlatPart } from '../../../src/core/formats/parts/flatPart';
import { JoinedPart } from '../../../src/core/formats/parts/joinedPart';
import { writesBlocks } from '../../../src/core/formats/parts/part';
import { PartLayer } from '../../../src/core/formats/parts/partLayer';
import { raw } from '../../../src/core/formats/raw';
import { HostSpace } from '../../../src/core/hostSpace';
import { readableHoles } from '../../../src/core/unwritten';
import { noise } from '../../fixtures/build/index';
import { extentsOf, MemoryDisk } from '../../support/memory';

const HALF = 128 << 10;
const PART = 64 << 10;

/** A disk of two parts: the first 64 KiB of `/a`, then the second 64 KiB of `/b`. */
function twoFiles(): { disk: MemoryDisk; layer: ChainLayer } {
  const disk = new MemoryDisk()
    .put('/descriptor', { bytes: new Uint8Array(600), diskUsage: 4096 })
    .put('/a', { bytes: noise(1, HALF), diskUsage: HALF })
    .put('/b', { bytes: noise(2, HALF), diskUsage: PART, extents: extentsOf(HALF, [[PART, HALF]]) });
  const space = new HostSpace();
  const parts = [0, PART].map((at, index) => {
    const { identity, source } = disk.leaf(index === 0 ? '/a' : '/b');
    const base = space.add(identity, source);
    const part = windowOf(source, at, PART);
    return new FlatPart(part, part, PART, { path: identity.path, base });
  });
  const layer = new PartLayer({
    format: 'vmdk',
    grain: 512,
    part: new JoinedPart(parts),
    write: writesBlocks,
    facts: [],
    info: { 'dirty-flag': false },
    findings: [],
    files: space.files,
  });
  return { disk, layer: chainLayer(disk.leaf('/descriptor'), layer) };
}

const chainLayer = ({ identity, source }: OpenedSource, layer: ChainLayer['layer']): ChainLayer => ({
  depth: 0,
  identity,
  source,
  layer,
  companions: [],
  findings: [],
});

function side(layer: ChainLayer): Side {
  const chain: Chain = { layers: [layer], end: { kind: 'base' } };
  const [view] = layer.layer.views;
  assert(view);
  return { chain, from: { depth: 0, view } };
}

function rawSide(disk: MemoryDisk, opened: OpenedSource): Side {
  const layer = raw.open(opened.source, {
    identity: opened.identity,
    codecs: disk.environment.codecs,
    isLeaf: true,
    cache: new ReadCache(),
    openCompanion: () => assert.fail('a raw disk has one file'),
  });
  return side(chainLayer(opened, layer));
}

describe('a layer in several files', () => {
  it('has a map with the offsets that each file has, which never join from one file to the next', () => {
    const { chain, from } = side(twoFiles().layer);
    const entries = [...qemuMap(chain, from)].filter((entry) => entry !== undefined);
    assert.deepEqual(
      entries.map(({ start, length, offset, file, data }) => [start, length, offset, file, data]),
      [
        [0, PART, 0, '/a', true],
        [PART, PART, PART, '/b', true],
      ],
    );
  });

  it('is traced to the file that holds a byte, and the place there', () => {
    const { chain, from } = side(twoFiles().layer);
    const [step] = traceRead(chain, 0, from.view, guestOffset(PART + 5)).steps;
    assert.deepEqual([step?.filename, step?.holder, step?.hostOffset], ['/descriptor', '/b', PART + 5]);
  });

  it('is known to have what a plain reading of one of its files has, without reading it', () => {
    const { disk, layer } = twoFiles();
    const other = rawSide(disk, disk.leaf('/b'));
    disk.takeReads();
    const { bytes, skipped } = finish(compare(side(layer), other));
    assert.equal(skipped, PART);
    // The first half is noise here and a hole there.
    assert(bytes > 0 && bytes <= PART);
    assert.equal(disk.readsOf('/b').length, 0);
  });

  it('is not taken for another file that has the same offsets', () => {
    const { disk, layer } = twoFiles();
    const zeros = new Uint8Array(HALF);
    const other = rawSide(disk, disk.put('/zeros', zeros).leaf('/zeros'));
    assert.equal(finish(compare(side(layer), other)).skipped, 0);
  });

  it('takes the space of all its files', () => {
    const { layer } = twoFiles();
    assert.deepEqual(sizesOnHost(layer), { fileSize: 600 + 2 * HALF, diskUsage: 4096 + HALF + PART });
  });

  it('has a space that is not known where one file does not tell', () => {
    const { layer } = twoFiles();
    const files = layer.layer.files?.map((file, index) => (index === 0 ? { ...file, diskUsage: undefined } : file));
    const one = { ...layer, layer: { ...layer.layer, files } as unknown as ChainLayer['layer'] };
    assert.deepEqual(sizesOnHost(one), { fileSize: 600 + 2 * HALF, diskUsage: undefined });
  });

  it('is not asked for the holes of the file that only names the others', () => {
    const { layer } = twoFiles();
    const source = {
      ...layer.source,
      size: 2 ** 30,
      diskUsage: 0,
      extents: (): never => assert.fail('its holes are no holes of the disk'),
    };
    assert.equal(readableHoles({ ...layer, source }), undefined);
  });

  it('names the file of it that was cut short', () => {
    const disk = new MemoryDisk().put('/a', new Uint8Array(PART)).put('/b', new Uint8Array(PART / 2));
    const space = new HostSpace();
    const parts = ['/a', '/b'].map((name) => {
      const { identity, source } = disk.leaf(name);
      return new FlatPart(source, source, PART, { path: name, base: space.add(identity, source) });
    });
    const whole = twoFiles().layer;
    const layer = new PartLayer({
      format: 'vmdk',
      grain: 512,
      part: new JoinedPart(parts),
      write: writesBlocks,
      facts: [],
      info: { 'dirty-flag': false },
      findings: [],
      files: space.files,
    });
    const lost = finish(firstLost(side({ ...whole, layer })));
    assert.deepEqual(lost && [lost.offset, lost.holder], [PART + PART / 2, '/b']);
  });
});

describe('an image that is a member of an archive', () => {
  const archive = { path: '/x.ova', offset: 1536, member: 'a', disks: ['a'], facts: [] };

  it('has the offsets that the archive has', () => {
    const opened = new MemoryDisk().put('/x.ova', noise(3, 4096)).leaf('/x.ova');
    const inner = { identity: { ...opened.identity, archive }, source: opened.source };
    const { chain, from } = rawSide(new MemoryDisk(), inner);
    assert.deepEqual(hostPlace(chain.layers[0] ?? assert.fail(), 512), { holder: '/x.ova', offset: 2048 });
    const [step] = traceRead(chain, 0, from.view, guestOffset(512)).steps;
    assert.deepEqual([step?.kind, step?.holder, step?.hostOffset], [Kind.Data, '/x.ova', 2048]);
    const [entry] = [...qemuMap(chain, from)].filter((each) => each !== undefined);
    assert.deepEqual([entry?.offset, entry?.file], [1536, '/x.ova']);
  });
});
