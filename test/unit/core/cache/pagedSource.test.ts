import assert from 'node:assert/strict';
import type { ByteSource } from '../../../../src/core';
import { readExactly, readPadded } from '../../../../src/core/bytes';
import { ENTRY_BYTES } from '../../../../src/core/cache/byteBudget';
import { BULK_BYTES, MAX_AHEAD_BYTES, PAGE_BYTES, TRUSTED_MS } from '../../../../src/core/cache/pagedSource';
import { ReadCache } from '../../../../src/core/cache/readCache';
import { windowOf } from '../../../../src/core/extents';
import { noise, Random } from '../../../fixtures/build/index';
import { readsAt } from '../../../support/countingSource';
import type { MemoryFile } from '../../../support/memory';
import { MemoryDisk } from '../../../support/memory';

const KIB = 1024;
const MIB = 1024 * KIB;
const CONTENT = noise(1, 4 * MIB);

interface Opened {
  readonly disk: MemoryDisk;
  readonly file: ByteSource;
  readonly cache: ReadCache;
  readonly clock: { now: number };
}

function open(file: Partial<MemoryFile> = {}, limit = 32 * MIB): Opened {
  const disk = new MemoryDisk().put('/file', { bytes: CONTENT, changed: () => false, ...file });
  const clock = { now: 0 };
  const cache = new ReadCache({ limit, now: () => clock.now });
  return { disk, file: cache.of(disk.leaf('/file').source), cache, clock };
}

function assertReads(file: ByteSource, position: number, length: number): void {
  const bytes = readExactly(file, position, length);
  assert(Buffer.from(bytes).equals(CONTENT.subarray(position, position + length)), `other bytes at ${position}`);
}

// The numbers below are those of pages of 16 KiB, bulk from 128 KiB on and at most 1 MiB read ahead.
describe('a file with pages kept', () => {
  it('is read in pages, and each page once', () => {
    assert.deepEqual([PAGE_BYTES, BULK_BYTES, MAX_AHEAD_BYTES], [16 * KIB, 128 * KIB, MIB]);
    const { disk, file } = open();
    assertReads(file, 100, 8);
    assertReads(file, 16_000, 300);
    assertReads(file, 0, 16 * KIB);
    assert.deepEqual(disk.takeReads(), readsAt([0, 16 * KIB]));
  });

  it('is read at once where neighbouring pages are missing, around those that are kept', () => {
    const { disk, file } = open();
    // Page 4.
    assertReads(file, 64 * KIB + 5, 1);
    assert.deepEqual(disk.takeReads(), readsAt([64 * KIB, 16 * KIB]));
    // Pages 2 to 7, of which 4 is known.
    assertReads(file, 33 * KIB, 94 * KIB);
    assert.deepEqual(disk.takeReads(), readsAt([32 * KIB, 32 * KIB], [80 * KIB, 48 * KIB]));
  });

  it('reads ahead of use in sequence, twice as far each time and no further than 1 MiB', () => {
    const { disk, file } = open();
    for (let at = 0; at < 4 * MIB; at += 4 * KIB) assertReads(file, at, 4 * KIB);
    // 16 + 32 + … + 512 KiB are 1008 KiB; then 1 MiB each, and what the file has left.
    assert.deepEqual(
      disk.takeReads(),
      readsAt(
        [0, 16 * KIB],
        [16 * KIB, 32 * KIB],
        [48 * KIB, 64 * KIB],
        [112 * KIB, 128 * KIB],
        [240 * KIB, 256 * KIB],
        [496 * KIB, 512 * KIB],
        [1008 * KIB, 1024 * KIB],
        [2032 * KIB, 1024 * KIB],
        [3056 * KIB, 1024 * KIB],
        [4080 * KIB, 16 * KIB],
      ),
    );
  });

  it('reads ahead of several sequences at a time, and not of use at random', () => {
    const { disk, file } = open();
    for (let step = 0; step < 3; step += 1) {
      assertReads(file, step * 16 * KIB, 16 * KIB);
      assertReads(file, 2 * MIB + step * 16 * KIB, 16 * KIB);
      assertReads(file, 3 * MIB - step * 64 * KIB, 16 * KIB);
    }
    const { places } = disk.takeReads();
    assert.deepEqual(places, [
      [0, 16 * KIB],
      [2 * MIB, 16 * KIB],
      [3 * MIB, 16 * KIB],
      [16 * KIB, 32 * KIB],
      [2 * MIB + 16 * KIB, 32 * KIB],
      [3 * MIB - 64 * KIB, 16 * KIB],
      [3 * MIB - 128 * KIB, 16 * KIB],
    ]);
  });

  it('passes on what is read in bulk, and keeps what it had', () => {
    // Room for two pages.
    const { disk, file, cache } = open({}, 2 * (PAGE_BYTES + ENTRY_BYTES));
    assertReads(file, 0, 1);
    const { used } = cache;
    assertReads(file, 10, BULK_BYTES);
    assertReads(file, 5, 10);
    assert.deepEqual(disk.takeReads(), readsAt([0, 16 * KIB], [10, BULK_BYTES]));
    assert.equal(cache.used, used);
  });

  it('keeps nothing past its limit, and reads the same at random as the file, of any size', () => {
    const random = new Random(7);
    // No whole number of pages.
    const bytes = CONTENT.subarray(0, 100 * PAGE_BYTES + 77);
    const limit = 10 * (PAGE_BYTES + ENTRY_BYTES) + 5;
    const { file, cache } = open({ bytes }, limit);
    let most = 0;
    for (let step = 0; step < 3000; step += 1) {
      const position = random.below(bytes.length);
      assertReads(file, position, Math.min(random.below(200 * KIB), bytes.length - position));
      most = Math.max(most, cache.used);
    }
    assert.equal(most, limit - 5);
  });

  it('serves a place again from what is kept, as long as that is not pushed out', () => {
    const { disk, file } = open({}, 3 * (PAGE_BYTES + ENTRY_BYTES));
    const places = [3, 50, 20].map((page) => page * PAGE_BYTES + 11);
    for (const at of [...places, ...places]) assertReads(file, at, 100);
    assert.equal(disk.takeReads().reads, 3);
    assertReads(file, 0, 1);
    assert.equal(disk.takeReads().reads, 1);
    // The first of the places went for it.
    assertReads(file, 50 * PAGE_BYTES, 1);
    assertReads(file, 20 * PAGE_BYTES, 1);
    assert.equal(disk.takeReads().reads, 0);
    assertReads(file, 3 * PAGE_BYTES, 1);
    assert.equal(disk.takeReads().reads, 1);
  });

  it('ends as the file does', () => {
    const { disk, file } = open({ bytes: CONTENT.subarray(0, 20_000) });
    assert.throws(() => readExactly(file, 19_999, 2), { code: 'short-read' });
    const target = new Uint8Array(8).fill(255);
    assert.equal(readPadded(file, target, 19_998), 2);
    assert.deepEqual([...target], [...CONTENT.subarray(19_998, 20_000), 0, 0, 0, 0, 0, 0]);
    // The last page is as long as the file has it.
    assert.deepEqual(disk.takeReads().places.at(-1), [16 * KIB, 20_000 - 16 * KIB]);
  });

  it('fails where the file fails, and nowhere else', () => {
    const { file } = open({ failsFrom: 40_000 });
    assertReads(file, 39_000, 1000);
    assert.throws(() => readExactly(file, 39_000, 1001), { code: 'io' });
    assertReads(file, 39_990, 10);
    assertReads(file, 1000, 30_000);
  });

  it('is one file for all who ask for it, closed with either', () => {
    const disk = new MemoryDisk().put('/file', CONTENT);
    const { source } = disk.leaf('/file');
    const cache = new ReadCache();
    const file = cache.of(source);
    assert.equal(cache.of(source), file);
    readExactly(file, 0, 1);
    file.close();
    assert.deepEqual([disk.openFiles, cache.used], [[], 0]);
  });

  it('is read as it is at the moment once the cache is told so', () => {
    const { disk, file, cache } = open();
    assertReads(file, 0, 4);
    cache.readAnew();
    disk.takeReads();
    assertReads(file, 0, 4);
    assertReads(file, 2, 4);
    assert.deepEqual(disk.takeReads(), readsAt([0, 4], [2, 4]));
    assert.equal(cache.used, 0);
  });
});

describe('a file that changes while it is open', () => {
  /** A file of which a test says when it was written to; how often it was asked. */
  function changing(): Opened & { readonly write: (value: number) => void; readonly asked: () => number } {
    const bytes = new Uint8Array(64 * KIB);
    let written = false;
    let asked = 0;
    const opened = open({
      bytes,
      changed: () => {
        asked += 1;
        const answer = written;
        written = false;
        return answer;
      },
    });
    return {
      ...opened,
      write: (value) => {
        bytes.fill(value);
        written = true;
      },
      asked: () => asked,
    };
  }
  const first = (file: ByteSource): number | undefined => readExactly(file, 5, 1)[0];

  it('is shown as it was at most a quarter of a second ago', () => {
    const { file, clock, write } = changing();
    assert.equal(first(file), 0);
    write(1);
    clock.now = TRUSTED_MS - 1;
    assert.equal(first(file), 0);
    clock.now = TRUSTED_MS;
    assert.equal(first(file), 1);
    assert.equal(TRUSTED_MS, 250);
  });

  it('has another edition from then on, for whoever keeps something of it', () => {
    const { file, clock, write } = changing();
    const { edition } = file;
    write(1);
    assert.equal(file.edition, edition);
    clock.now = TRUSTED_MS;
    assert.notEqual(file.edition, edition);
  });

  it('is asked no more often than that, and read no more often where it stays the same', () => {
    const { disk, file, clock, asked } = changing();
    for (clock.now = 0; clock.now < 4 * TRUSTED_MS; clock.now += 10) first(file);
    // At 250, 500 and 750 milliseconds.
    assert.equal(asked(), 3);
    assert.equal(disk.takeReads().reads, 1);
  });

  it('is asked again when the clock was set back', () => {
    const { file, clock, write } = changing();
    clock.now = 1_000_000;
    assert.equal(first(file), 0);
    write(1);
    clock.now = 10;
    assert.equal(first(file), 1);
  });

  it('is read anew each time where it can not tell', () => {
    const disk = new MemoryDisk().put('/device', CONTENT);
    let now = 0;
    const file = new ReadCache({ now: () => now }).of(disk.leaf('/device').source);
    first(file);
    first(file);
    now = TRUSTED_MS;
    first(file);
    assert.deepEqual(disk.takeReads(), readsAt([0, 16 * KIB], [0, 16 * KIB]));
  });

  it('tells so through a window into it', () => {
    const { disk, clock } = changing();
    let changed = false;
    disk.put('/whole', { bytes: CONTENT, changed: () => changed });
    const file = new ReadCache({ now: () => clock.now }).of(windowOf(disk.leaf('/whole').source, 100, MIB));
    for (const [now, is, reads] of [
      [0, false, 1],
      [250, false, 0],
      [500, true, 1],
    ] as const) {
      clock.now = now;
      changed = is;
      assert.equal(readExactly(file, 0, 1)[0], CONTENT[100]);
      assert.equal(disk.takeReads().reads, reads);
    }
  });
});
