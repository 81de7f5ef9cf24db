import { DiskError } from './errors';
import type { ByteSource } from './model';

const TWO_32 = 2 ** 32;

export function u16be(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

export function u32be(bytes: Uint8Array, at: number): number {
  return (u16be(bytes, at) * 0x10000 + u16be(bytes, at + 2)) >>> 0;
}

export function u16le(bytes: Uint8Array, at: number): number {
  return ((bytes[at + 1] ?? 0) << 8) | (bytes[at] ?? 0);
}

export function u32le(bytes: Uint8Array, at: number): number {
  return (u16le(bytes, at + 2) * 0x10000 + u16le(bytes, at)) >>> 0;
}

/**
 * A 64-bit big-endian value as a safe integer.
 * @param field name for the message, e.g. "virtual size"
 * @param fileOffset where the field stands in the file
 * @throws DiskError `limit` past 2^53 - 1
 */
export function u64be(bytes: Uint8Array, at: number, field: string, fileOffset: number): number {
  return safe(u32be(bytes, at), u32be(bytes, at + 4), field, fileOffset);
}

/** A 64-bit little-endian value, as `u64be` has a big-endian one. @throws DiskError `limit` past 2^53 - 1 */
export function u64le(bytes: Uint8Array, at: number, field: string, fileOffset: number): number {
  return safe(u32le(bytes, at + 4), u32le(bytes, at), field, fileOffset);
}

function safe(high: number, low: number, field: string, fileOffset: number): number {
  const value = high * TWO_32 + low;
  if (!Number.isSafeInteger(value)) {
    const text = `0x${high.toString(16)}${low.toString(16).padStart(8, '0')}`;
    throw new DiskError('limit', `the ${field} is ${text}, more than any real disk has`, { offset: fileOffset });
  }
  return value;
}

export function bigU64be(bytes: Uint8Array, at: number): bigint {
  return (BigInt(u32be(bytes, at)) << 32n) | BigInt(u32be(bytes, at + 4));
}

export function setU16be(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

export function setU32be(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** @param value a safe integer, not negative */
export function setU64be(bytes: Uint8Array, at: number, value: number): void {
  setU32be(bytes, at, Math.floor(value / TWO_32));
  setU32be(bytes, at + 4, value % TWO_32);
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** Text of an image, cut at the first NUL; bytes that are no UTF-8 become U+FFFD. */
export function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return utf8.decode(end < 0 ? bytes : bytes.subarray(0, end));
}

const encoder = new TextEncoder();

/** Text as an image has it. */
export const utf8Bytes = (characters: string): Uint8Array => encoder.encode(characters);

export function ascii(bytes: Uint8Array, at: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + length));
}

/** Reads `length` bytes. @throws DiskError `short-read` or `io` */
export function readExactly(source: ByteSource, position: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  source.readInto(bytes, position);
  return bytes;
}

/** Reads what there is of `length` bytes, possibly nothing. @throws DiskError `io` */
export function readUpTo(source: ByteSource, position: number, length: number): Uint8Array {
  return readExactly(source, position, Math.max(0, Math.min(length, source.size - position)));
}

/**
 * Fills `target`, with zeros past the end of the file: QEMU's block layer reads every image so, and a file that was
 * cut short must look here as it does to the VM.
 * @returns how many bytes the file had
 */
export function readPadded(source: ByteSource, target: Uint8Array, position: number): number {
  const available = Math.max(0, Math.min(target.length, source.size - position));
  if (available > 0) source.readInto(available === target.length ? target : target.subarray(0, available), position);
  if (available < target.length) target.fill(0, available);
  return available;
}

/** Reads equally long pieces into `target`, each from its own offset, with zeros past the end of the file. @throws DiskError `io` */
export function readStrewn(
  source: ByteSource,
  offsets: readonly number[],
  pieceBytes: number,
  target: Uint8Array,
): void {
  if (source.readEach && offsets.every((offset) => offset + pieceBytes <= source.size)) {
    source.readEach(target.subarray(0, offsets.length * pieceBytes), offsets);
    return;
  }
  for (const [index, offset] of offsets.entries()) {
    readPadded(source, target.subarray(index * pieceBytes, (index + 1) * pieceBytes), offset);
  }
}
