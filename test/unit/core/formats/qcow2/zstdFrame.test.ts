import assert from 'node:assert/strict';
import { zstdFrameLength } from '../../../../../src/core/formats/qcow2/zstdFrame';
import { noise, zstdFrame } from '../../../../fixtures/build/index';

const MAGIC = [0x28, 0xb5, 0x2f, 0xfd];
const RAW = 0;
const RLE = 1;
const COMPRESSED = 2;
const RESERVED = 3;

/** A block's header (RFC 8878, 3.1.1.2) and as much content as it says it has. */
function block(type: number, size: number, last: boolean): number[] {
  const header = (last ? 1 : 0) | (type << 1) | (size << 3);
  const content = new Array<number>(type === RLE ? 1 : size).fill(0xaa);
  return [header & 0xff, (header >>> 8) & 0xff, (header >>> 16) & 0xff, ...content];
}

const LAST = block(RAW, 4, true);
const zeros = (count: number): number[] => new Array<number>(count).fill(0);

describe('the length of a zstd frame', () => {
  // Frame_Header_Descriptor, then Window_Descriptor, Dictionary_ID and Frame_Content_Size as it says (3.1.1.1).
  const headers: readonly (readonly [string, number, number])[] = [
    ['a window and no content size', 0x00, 1],
    ['a single segment with a size of one byte', 0x20, 1],
    ['a window and a size of two bytes', 0x40, 1 + 2],
    ['a single segment with a size of two bytes', 0x60, 2],
    ['a size of four bytes', 0x80, 1 + 4],
    ['a single segment with a size of four bytes', 0xa0, 4],
    ['a size of eight bytes', 0xc0, 1 + 8],
    ['a single segment with a size of eight bytes', 0xe0, 8],
    ['a dictionary id of one byte', 0x01, 1 + 1],
    ['a dictionary id of two bytes', 0x02, 1 + 2],
    ['a dictionary id of four bytes', 0x03, 1 + 4],
    ['a dictionary id and a size', 0xe3, 4 + 8],
  ];
  for (const [name, descriptor, fields] of headers) {
    it(`counts ${name}`, () => {
      const frame = [...MAGIC, descriptor, ...zeros(fields), ...LAST];
      assert.equal(zstdFrameLength(Uint8Array.from(frame)), 4 + 1 + fields + 3 + 4);
    });
  }

  it('counts a checksum at the end', () => {
    const frame = [...MAGIC, 0x24, 0, ...LAST, 1, 2, 3, 4];
    assert.equal(zstdFrameLength(Uint8Array.from(frame)), frame.length);
  });

  it('walks blocks of every type to the last', () => {
    const blocks = [
      ...block(RAW, 300, false),
      ...block(RLE, 100_000, false),
      ...block(COMPRESSED, 70_000, false),
      ...block(RAW, 0, true),
    ];
    const frame = [...MAGIC, 0x20, 0, ...blocks];
    assert.equal(zstdFrameLength(Uint8Array.from(frame)), 4 + 2 + (3 + 300) + (3 + 1) + (3 + 70_000) + 3);
  });

  it('ends where the frame does, whatever follows', () => {
    const frame = zstdFrame(noise(1, 5000));
    const padded = new Uint8Array(8192).fill(0xff);
    padded.set(frame);
    assert.equal(zstdFrameLength(padded), frame.length);
    const two = new Uint8Array(frame.length * 2);
    two.set(frame);
    two.set(frame, frame.length);
    assert.equal(zstdFrameLength(two), frame.length);
  });

  it('is an error where there is no frame, or not all of it', () => {
    const frame = Uint8Array.from([...MAGIC, 0x24, 0, ...block(RLE, 9, false), ...LAST, 1, 2, 3, 4]);
    assert.equal(zstdFrameLength(frame), frame.length);
    for (let length = 0; length < frame.length; length += 1) {
      assert.throws(() => zstdFrameLength(frame.subarray(0, length)), Error, `${length} of ${frame.length} bytes`);
    }
    assert.throws(() => zstdFrameLength(new Uint8Array(64)), /no zstd frame/);
    assert.throws(() => zstdFrameLength(Uint8Array.from([...MAGIC, 0x20, 0, ...block(RESERVED, 1, true)])), /reserved/);
  });
});
