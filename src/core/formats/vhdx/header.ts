import { ascii, readUpTo, u16le, u32le, u64le } from '../../bytes';
import { DiskError } from '../../errors';
import type { ByteSource, Finding } from '../../model';
import { NIL_UUID, uuidAt } from '../../uuid';
import type { Copy } from './copies';
import { damageOf, noneUsable, readCopies } from './copies';
import { LIMITS } from './limits';

/** [MS-VHDX] 2.2.1. */
export const SIGNATURE = 'vhdxfile';
const CREATOR = { at: 8, bytes: 512 };
/** 2.2.2. */
const HEADERS = { what: 'header', offsets: [64 << 10, 128 << 10], length: 4096, signature: 'head' };
/** Bytes of a header that have a meaning. */
const MEANT = 80;
const VERSION = 1;

/** A part of the file, in bytes. */
export interface FilePart {
  readonly offset: number;
  readonly length: number;
}

export interface VhdxHeader {
  /** The program that made the file. */
  readonly creator: string | undefined;
  /** Changes before data is written first after each opening: what differencing disks know their parent by. */
  readonly dataWriteGuid: string;
  /** Bytes of the GUID that the entries of a log have which is to be replayed; undefined where there is none. */
  readonly logGuid: Uint8Array | undefined;
  readonly log: FilePart;
  readonly findings: readonly Finding[];
}

/** @throws DiskError */
export function readHeader(source: ByteSource): VhdxHeader {
  const start = readUpTo(source, 0, CREATOR.at + CREATOR.bytes);
  if (ascii(start, 0, SIGNATURE.length) !== SIGNATURE) {
    throw new DiskError('not-this-format', 'this is no VHDX file: its signature is missing', { offset: 0 });
  }
  const copies = readCopies(source, HEADERS);
  const used = current(copies);
  const { bytes, offset } = used;
  const version = u16le(bytes, 66);
  if (version !== VERSION) {
    throw new DiskError('unsupported', `this is VHDX version ${version}: only version ${VERSION} is known`, {
      offset: offset + 66,
    });
  }
  return {
    creator: utf16(start.subarray(CREATOR.at)),
    dataWriteGuid: uuidAt(bytes, 32),
    ...readLogPlace(used),
    findings: damageOf('header-copy', copies, used),
  };
}

/** 2.2.2, SequenceNumber. Two headers of one number are no contradiction where they are the same: Disk2VHD writes such. */
function current(copies: readonly Copy[]): Copy {
  const [first, second] = copies
    .filter(({ fault }) => fault === undefined)
    .sort((a, b) => (sequenceOf(a) === sequenceOf(b) ? 0 : sequenceOf(a) < sequenceOf(b) ? 1 : -1));
  if (!first) return noneUsable(copies);
  const isContradiction =
    second !== undefined &&
    sequenceOf(first) === sequenceOf(second) &&
    ascii(first.bytes, 0, MEANT) !== ascii(second.bytes, 0, MEANT);
  if (!isContradiction) return first;
  throw new DiskError(
    'corrupt',
    'the two headers differ and have the same sequence number: which one is current is not known',
    { offset: first.offset },
    'Restore the image from a backup.',
  );
}

/** It begins anywhere: often past 2^53. */
const sequenceOf = ({ bytes }: Copy): bigint => new DataView(bytes.buffer).getBigUint64(8, true);

function readLogPlace({ bytes, offset }: Copy): Pick<VhdxHeader, 'log' | 'logGuid'> {
  const logGuid = uuidAt(bytes, 48) === NIL_UUID ? undefined : bytes.slice(48, 64);
  const logVersion = u16le(bytes, 64);
  if (logGuid && logVersion !== 0) {
    throw new DiskError('unsupported', `the log has the version ${logVersion}: only version 0 can be replayed`, {
      offset: offset + 64,
    });
  }
  const log = { length: u32le(bytes, 68), offset: u64le(bytes, 72, 'offset of the log', offset + 72) };
  const isMisplaced = log.offset < LIMITS.alignment || [log.offset, log.length].some((n) => n % LIMITS.alignment !== 0);
  if (logGuid && log.length > 0 && isMisplaced) {
    throw new DiskError('corrupt', `the log can't be at byte ${log.offset}, ${log.length} bytes long`, {
      offset: offset + 68,
    });
  }
  return { log, logGuid };
}

/** Text in UTF-16, up to the first NUL; undefined where there is none. */
export function utf16(bytes: Uint8Array): string | undefined {
  const [text = ''] = new TextDecoder('utf-16le').decode(bytes).split('\0', 1);
  return text === '' ? undefined : text;
}
