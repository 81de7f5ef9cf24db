import assert from 'node:assert/strict';
import {
  ascii,
  bigU64be,
  readExactly,
  readPadded,
  readUpTo,
  text,
  u16be,
  u16le,
  u32be,
  u32le,
  u64be,
  u64le,
} from '../../../src/core/bytes';
import { DiskError } from '../../../src/core';
import { memorySource } from '../../support/memory';

const BYTES = Uint8Array.of(0x81, 0x02, 0x03, 0x84, 0xff, 0xfe, 0xfd, 0xfc);
const source = memorySource(Uint8Array.of(1, 2, 3, 4, 5));

describe('numbers in bytes', () => {
  it('are unsigned, in both orders', () => {
    assert.equal(u16be(BYTES, 0), 0x8102);
    assert.equal(u16le(BYTES, 0), 0x0281);
    assert.equal(u32be(BYTES, 0), 0x81020384);
    assert.equal(u32le(BYTES, 0), 0x84030281);
    assert.equal(u32be(BYTES, 4), 0xfffefdfc);
    assert.equal(bigU64be(BYTES, 0), 0x81020384fffefdfcn);
  });

  it('read as zero past the end of the bytes', () => {
    assert.equal(u16be(BYTES, 7), 0xfc00);
    assert.equal(u32le(BYTES, 6), 0x0000fcfd);
    assert.equal(u32be(BYTES, 8), 0);
  });

  it('of 64 bits are exact up to 2^53 - 1', () => {
    const largest = Uint8Array.of(0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
    assert.equal(u64be(largest, 0, 'size', 24), Number.MAX_SAFE_INTEGER);
    assert.equal(u64le(largest.toReversed(), 0, 'size', 24), Number.MAX_SAFE_INTEGER);
    assert.equal(u64be(Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 2), 0, 'size', 24), 2 ** 32 + 2);
    assert.equal(u64le(Uint8Array.of(9, 2, 0, 0, 0, 1, 0, 0, 0), 1, 'size', 24), 2 ** 32 + 2);
  });

  it('of 64 bits are refused from 2^53 on, by name and place', () => {
    const check = (bytes: Uint8Array, hex: string): void => {
      for (const read of [
        () => u64be(bytes, 0, 'virtual size', 24),
        () => u64le(bytes.toReversed(), 0, 'virtual size', 24),
      ]) {
        assert.throws(
          read,
          (error) =>
            error instanceof DiskError &&
            error.code === 'limit' &&
            error.offset === 24 &&
            error.message.includes('virtual size') &&
            error.message.includes(hex),
        );
      }
    };
    check(Uint8Array.of(0, 0x20, 0, 0, 0, 0, 0, 0), '0x20000000000000');
    check(new Uint8Array(8).fill(0xff), '0xffffffffffffffff');
    check(Uint8Array.of(0x80, 0, 0, 0, 0, 0, 0, 1), '0x8000000000000001');
  });
});

describe('text in bytes', () => {
  const encode = (value: string): Uint8Array => new TextEncoder().encode(value);

  it('ends at the first NUL', () => {
    assert.equal(text(encode('base.img\0\0rest')), 'base.img');
    assert.equal(text(encode('\0x')), '');
  });

  it('is UTF-8, kept whole', () => {
    assert.equal(text(encode('bäse 基.qcow2')), 'bäse 基.qcow2');
    assert.equal(text(encode('\ufeffmark')), '\ufeffmark');
  });

  it('that is no UTF-8 does not throw', () => {
    assert.equal(text(Uint8Array.of(0x61, 0xe4, 0x62)), 'a\ufffdb');
  });

  it('as ASCII is a byte a letter', () => {
    assert.equal(ascii(Uint8Array.of(0x51, 0x46, 0x49, 0xfb), 0, 4), 'QFI\u00fb');
    assert.equal(ascii(Uint8Array.of(0x51, 0x46), 1, 4), 'F');
  });
});

describe('reading', () => {
  it('exactly gives the bytes or throws', () => {
    assert.deepEqual(readExactly(source, 1, 3), Uint8Array.of(2, 3, 4));
    assert.throws(() => readExactly(source, 3, 3), { code: 'short-read' });
  });

  it('up to a length gives what there is', () => {
    assert.deepEqual(readUpTo(source, 3, 10), Uint8Array.of(4, 5));
    assert.deepEqual(readUpTo(source, 5, 10), new Uint8Array());
    assert.deepEqual(readUpTo(source, 50, 10), new Uint8Array());
  });

  it('padded fills with zeros past the end, over whatever was there', () => {
    const target = new Uint8Array(4).fill(9);
    assert.equal(readPadded(source, target, 3), 2);
    assert.deepEqual(target, Uint8Array.of(4, 5, 0, 0));
    target.fill(9);
    assert.equal(readPadded(source, target, 100), 0);
    assert.deepEqual(target, new Uint8Array(4));
    assert.equal(readPadded(source, target, 1), 4);
    assert.deepEqual(target, Uint8Array.of(2, 3, 4, 5));
  });
});
