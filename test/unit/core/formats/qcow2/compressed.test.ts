import assert from 'node:assert/strict';
import type { Codecs } from '../../../../../src/core';
import { ByteBudget } from '../../../../../src/core/cache/byteBudget';
import { CompressedBlocks } from '../../../../../src/core/formats/blocks/compressedBlocks';
import { clusterUnpacker } from '../../../../../src/core/formats/qcow2/compressed';
import type { Compression } from '../../../../../src/core/formats/qcow2/header';
import { codecs, codecsReady } from '../../../../../src/node/codecs';
import { deflateFixed, noise, prose, zstdFrame } from '../../../../fixtures/build/index';
import type { Read } from '../../../../support/countingSource';
import { MemoryDisk } from '../../../../support/memory';

const CLUSTER = 65536;
/** Node gives Buffers, which `deepEqual` tells from other byte arrays. */
function assertSame(actual: Uint8Array, expected: Uint8Array): void {
  assert.equal(actual.length, expected.length);
  assert(Buffer.from(actual).equals(Buffer.from(expected)), 'other bytes');
}

const concat = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));

interface Clusters {
  /** A whole cluster, whose compressed bytes are these of the file. */
  readonly read: (offset: number, length: number) => Uint8Array;
  /** All of it but the first byte. */
  readonly readPart: (offset: number, length: number) => Uint8Array;
  readonly reads: readonly Read[];
}

function clusters(bytes: Uint8Array, compression: Compression, use: Codecs = codecs): Clusters {
  const disk = new MemoryDisk().put('/image', bytes);
  const { source } = disk.leaf('/image');
  const shelf = new ByteBudget(8 << 20).shelf();
  const reader = new CompressedBlocks({ source, lookups: source, shelf }, CLUSTER, clusterUnpacker(compression, use));
  const readFrom = (from: number, offset: number, length: number): Uint8Array => {
    const target = new Uint8Array(CLUSTER - from).fill(0xee);
    reader.readInto(target, from, { offset, length });
    return target;
  };
  return {
    read: (offset, length) => readFrom(0, offset, length),
    readPart: (offset, length) => readFrom(1, offset, length),
    reads: disk.reads,
  };
}

describe('a compressed cluster', () => {
  before(() => codecsReady());

  it('of zlib is unpacked, whatever follows its stream', () => {
    const plain = prose(1, CLUSTER);
    const stream = deflateFixed(plain);
    assertSame(clusters(stream, 'zlib').read(0, stream.length), plain);
    assertSame(clusters(concat(noise(1, 77), stream, noise(2, 900)), 'zlib').read(77, stream.length + 300), plain);
  });

  it('of zstd is unpacked, whatever follows its frame', () => {
    const plain = concat(noise(3, 1000), new Uint8Array(CLUSTER - 1000));
    const stream = zstdFrame(plain);
    assertSame(clusters(concat(stream, noise(2, 511)), 'zstd').read(0, stream.length + 511), plain);
  });

  it('of zstd may be several frames', () => {
    const plain = concat(noise(3, 1000), new Uint8Array(CLUSTER - 1000));
    const stream = concat(zstdFrame(plain.subarray(0, 40_000)), zstdFrame(plain.subarray(40_000)));
    assertSame(clusters(concat(stream, new Uint8Array(100)), 'zstd').read(0, stream.length + 100), plain);
  });

  it('of zstd has no more frames than sectors: nobody is kept busy with millions of them', () => {
    const plain = noise(4, CLUSTER);
    const inFrames = (bytes: number): Uint8Array =>
      concat(
        ...Array.from({ length: Math.ceil(CLUSTER / bytes) }, (_, i) =>
          zstdFrame(plain.subarray(i * bytes, (i + 1) * bytes)),
        ),
      );
    const most = inFrames(512);
    assertSame(clusters(most, 'zstd').read(0, most.length), plain);
    let calls = 0;
    const counting: Codecs = {
      ...codecs,
      zstd: (input, size) => {
        calls += 1;
        return codecs.zstd(input, size);
      },
    };
    const tiny = inFrames(32);
    assert.throws(() => clusters(tiny, 'zstd', counting).read(0, tiny.length), { code: 'corrupt' });
    assert.equal(calls, CLUSTER / 512);
  });

  it('may be cut by the end of the file where only padding is missing', () => {
    const stream = deflateFixed(prose(1, CLUSTER));
    assertSame(clusters(stream, 'zlib').read(0, stream.length + 400), prose(1, CLUSTER));
  });

  const broken: Readonly<Record<string, readonly [Compression, Uint8Array]>> = {
    'zlib of noise': ['zlib', new Uint8Array(500).fill(0xff)],
    'zlib of too few bytes': ['zlib', deflateFixed(prose(1, 4096))],
    'zlib of too many bytes': ['zlib', deflateFixed(prose(1, CLUSTER + 1))],
    'zlib cut short': ['zlib', deflateFixed(noise(1, CLUSTER)).subarray(0, 20_000)],
    'zlib of nothing': ['zlib', new Uint8Array()],
    'zstd of noise': ['zstd', noise(1, 500)],
    'zstd of too few bytes': ['zstd', zstdFrame(new Uint8Array(4096))],
    'zstd of too many bytes': ['zstd', zstdFrame(new Uint8Array(CLUSTER + 1))],
    'zstd whose second frame gives too many bytes': [
      'zstd',
      concat(zstdFrame(new Uint8Array(40_000)), zstdFrame(new Uint8Array(40_000))),
    ],
    'zstd cut short': ['zstd', zstdFrame(noise(1, CLUSTER)).subarray(0, 20_000)],
    'zstd of frames that hold nothing': [
      'zstd',
      concat(...new Array<Uint8Array>(20).fill(zstdFrame(new Uint8Array()))),
    ],
    'zstd of nothing': ['zstd', new Uint8Array()],
  };
  for (const [name, [compression, stream]] of Object.entries(broken)) {
    it(`of ${name} is an error that says where`, () => {
      const { read, readPart } = clusters(concat(new Uint8Array(512), stream), compression);
      for (const each of [read, readPart]) {
        assert.throws(() => each(512, stream.length), { code: 'corrupt', offset: 512 });
      }
    });
  }

  it('is unpacked once while it is looked at', () => {
    const stream = deflateFixed(prose(1, CLUSTER));
    const { read, readPart, reads } = clusters(stream, 'zlib');
    assertSame(readPart(0, stream.length), prose(1, CLUSTER).subarray(1));
    assertSame(readPart(0, stream.length), prose(1, CLUSTER).subarray(1));
    assertSame(read(0, stream.length), prose(1, CLUSTER));
    assert.equal(reads.length, 1);
  });

  it('pushes out nothing of what is looked at where all of it is asked for', () => {
    const stream = deflateFixed(noise(1, CLUSTER));
    const many = 200;
    const { read, readPart, reads } = clusters(concat(...new Array<Uint8Array>(many).fill(stream)), 'zlib');
    readPart(0, stream.length);
    for (let i = 1; i < many; i += 1) assertSame(read(i * stream.length, stream.length), noise(1, CLUSTER));
    readPart(0, stream.length);
    assert.equal(reads.length, many);
  });

  it('is forgotten when many others were looked at since: memory has a bound', () => {
    const stream = deflateFixed(new Uint8Array(CLUSTER));
    const many = 200;
    const { readPart, reads } = clusters(concat(...new Array<Uint8Array>(many).fill(stream)), 'zlib');
    for (let i = 0; i < many; i += 1) readPart(i * stream.length, stream.length);
    readPart((many - 1) * stream.length, stream.length);
    assert.equal(reads.length, many, 'the last is still known');
    readPart(0, stream.length);
    assert.equal(reads.length, many + 1, 'the first is not: 200 clusters are 12.5 MiB');
  });
});
