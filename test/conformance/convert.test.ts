/** Flattened copies against qemu-img: the same bytes, in images that it finds nothing wrong with. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
  ftruncateSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Compressor, Sink } from '../../src/core';
import { Qcow2Writer } from '../../src/core/convert/qcow2/writer';
import type { TargetName } from '../support/flatten';
import { flattenImage, TARGETS } from '../support/flatten';
import { isAtLeast, qemuImg, qemuInfo, qemuVersion } from '../support/qemu';
import { unpack } from '../support/sparse';
import { makeTempFolder, removeFolder } from '../support/temp';
import { unpackCorpus } from './corpus';
import { goldenNames, readGolden } from './golden';

const ON_WINDOWS = process.platform === 'win32';
const CLUSTER = 65536;

const version = qemuVersion();
/** zstd came with QEMU 5.1. */
const comparable = version !== undefined && isAtLeast(version, 5, 1);

interface Content {
  readonly size: number;
  readonly sha256: string;
}

const contentOf = (bytes: Uint8Array): Content => ({
  size: bytes.length,
  sha256: createHash('sha256').update(bytes).digest('hex'),
});

/**
 * @param expected the bytes of the disk; of a snapshot, possibly not the last of them
 * @throws AssertionError when a flattened copy has other bytes, or qemu-img has something to say about it
 */
async function assertFlattens(
  folder: string,
  image: string,
  target: TargetName,
  expected: Content,
  snapshot?: string,
): Promise<void> {
  const out = join(folder, 'out');
  const back = join(folder, 'back');
  try {
    const { guestSize, fileSize } = await flattenImage(join(folder, image), out, target, {
      snapshot,
      // As qemu-img does it.
      salvage: true,
    });
    assert.equal(fileSize, statSync(out).size);
    if (snapshot === undefined) assert.equal(guestSize, expected.size);
    if (target !== 'raw') assertSound(folder, 'out', guestSize, target);
    if (target !== 'raw') qemuImg(folder, 'convert', '-f', 'qcow2', '-O', 'raw', 'out', 'back');
    const bytes = readFileSync(target === 'raw' ? out : back);
    assert.equal(bytes.length, guestSize);
    assert.deepEqual(contentOf(bytes.subarray(0, expected.size)), expected);
  } finally {
    for (const file of [out, back]) rmSync(file, { force: true });
  }
}

function assertSound(folder: string, image: string, guestSize: number, target: TargetName): void {
  const check = JSON.parse(qemuImg(folder, 'check', '-f', 'qcow2', '--output=json', image)) as Record<string, number>;
  assert.deepEqual([check['corruptions'] ?? 0, check['leaks'] ?? 0, check['check-errors']], [0, 0, 0]);
  assert.equal(check['image-end-offset'], statSync(join(folder, image)).size, 'nothing is behind the last cluster');
  const info = qemuInfo(folder, '-f', 'qcow2', image);
  assert.equal(info['virtual-size'], guestSize);
  const specific = info['format-specific'] as { data: Record<string, unknown> };
  assert.equal(specific.data['compat'], '1.1');
  assert.equal(specific.data['compression-type'] ?? 'zlib', target === 'qcow2:zstd' ? 'zstd' : 'zlib');
  if (target === 'qcow2') assert.equal(check['compressed-clusters'] ?? 0, 0);
}

const targets = TARGETS.filter((target) => target === 'raw' || comparable);

describe('flattened copies of the golden fixtures', () => {
  for (const name of goldenNames()) {
    const golden = readGolden(name);
    const images = Object.entries(golden.content);

    describe(name, function () {
      const folder = makeTempFolder('convert');

      before(function () {
        if (ON_WINDOWS && images.some(([image]) => image.includes(':'))) this.skip();
        unpack(golden.pack, folder);
      });

      after(() => {
        removeFolder(folder);
      });

      for (const [image, { encrypted, snapshots = {}, ...content }] of images) {
        if (encrypted) {
          it(`${image} is encrypted: no copy is made of it`, async () => {
            const before = readdirSync(folder);
            await assert.rejects(flattenImage(join(folder, image), join(folder, 'out'), 'raw'), { code: 'encrypted' });
            assert.deepEqual(readdirSync(folder), before);
          });
          continue;
        }

        for (const target of targets) {
          it(`${image} as ${target}`, async () => {
            await assertFlattens(folder, image, target, content);
          });
        }

        for (const [id, { name: snapshot, converted, size, sha256 }] of Object.entries(snapshots)) {
          it(`${image}, snapshot ${snapshot}`, async () => {
            for (const target of targets) {
              await assertFlattens(folder, image, target, { size, sha256 }, id);
              await assertFlattens(folder, image, target, converted, id);
            }
          });
        }
      }
    });
  }
});

describe('flattened copies of images that others made', function () {
  const corpus = comparable ? unpackCorpus() : undefined;
  if (!corpus) {
    it('are not tested: there is no qemu-img, or no ../shared/corpus');
    return;
  }
  const { folder, images, orphans } = corpus;

  after(() => {
    removeFolder(folder);
  });

  for (const image of images) {
    const format = image.endsWith('.raw') ? 'raw' : 'qcow2';
    const converted = (...options: readonly string[]): Content => {
      const file = join(folder, 'expected.raw');
      qemuImg(folder, 'convert', '-q', '-f', format, ...options, '-O', 'raw', image, 'expected.raw');
      try {
        return contentOf(readFileSync(file));
      } finally {
        rmSync(file);
      }
    };

    it(image, async () => {
      const expected = converted();
      for (const target of targets) await assertFlattens(folder, image, target, expected);
    });

    const snapshots = (qemuInfo(folder, '-f', format, image)['snapshots'] ?? []) as { id: string; name: string }[];
    for (const { id, name } of snapshots) {
      it(`${image}, snapshot ${name}`, async () => {
        const expected = converted('-l', `snapshot.id=${id},snapshot.name=${name}`);
        for (const target of targets) await assertFlattens(folder, image, target, expected, id);
      });
    }
  }

  for (const image of orphans) {
    it(`${image}: its parent is missing, so no copy is made of it`, async () => {
      await assert.rejects(
        flattenImage(join(folder, image), join(folder, 'out'), 'raw'),
        /^DiskError: guest byte \d+ can't be read/,
      );
      assert(!existsSync(join(folder, 'out')));
    });
  }
});

describe('a flattened copy of more than 2 GiB', function () {
  if (!comparable) {
    it('is not tested: there is no qemu-img');
    return;
  }
  const folder = makeTempFolder('convert-large');
  after(() => {
    removeFolder(folder);
  });

  /** What a cluster of data begins with here, and no table does. */
  const MARK = 1;

  /** A file without its data, which `qemu-img check` does not look at: tables of a large image, and nothing else. */
  class Tables implements Sink {
    private readonly descriptor = openSync(join(folder, 'large'), 'w');

    writeAt(bytes: Uint8Array, position: number): void {
      if (bytes[0] !== MARK) writeSync(this.descriptor, bytes, 0, bytes.length, position);
    }

    setSize(size: number): void {
      ftruncateSync(this.descriptor, size);
    }

    close(): void {
      closeSync(this.descriptor);
    }
  }

  /** One refcount block counts 32,768 clusters. */
  const BLOCK = 32_768;
  const data = new Uint8Array(CLUSTER).fill(MARK);
  const streams = (length: number): Compressor => ({ type: 'zlib', compress: () => data.subarray(0, length) });
  const kinds: Readonly<Record<string, Compressor | undefined>> = {
    plain: undefined,
    'compressed a little': streams(65_000),
    'compressed by half': streams(32_000),
  };

  for (const [kind, compressor] of Object.entries(kinds)) {
    const most = Math.ceil((BLOCK * CLUSTER) / (compressor?.compress(data).length ?? CLUSTER));
    // So many that each table in turn is the first behind the clusters that a block counts.
    for (let clusters = most - 12; clusters <= most + 2; clusters += 1) {
      it(`${kind}, ${clusters} clusters of data`, () => {
        const tables = new Tables();
        const writer = new Qcow2Writer(tables, clusters * CLUSTER, compressor);
        for (let i = 0; i < clusters; i += 1) writer.write(i * CLUSTER, data);
        writer.finish();
        tables.close();
        assertSound(folder, 'large', clusters * CLUSTER, compressor ? 'qcow2:zlib' : 'qcow2');
      });
    }
  }
});
