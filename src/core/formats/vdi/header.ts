import { readUpTo, text, u32le, u64le } from '../../bytes';
import { DiskError } from '../../errors';
import type { ByteSource, Finding, Severity } from '../../model';
import { NIL_UUID, uuidAt } from '../../uuid';
import { formatBytes } from '../../units';
import { CUT_SHORT } from '../advice';
import { SECTOR } from '../parts/flatPart';
import { LIMITS } from './limits';

/** `VDIPREHEADER` of VirtualBox's VDICore.h. */
const SIGNATURE_AT = 64;
const VERSION_AT = 68;
const PREHEADER_BYTES = 72;
const SIGNATURE = 0xbeda107f;

const VERSION_0 = 0x00000002;
const VERSION_1_1 = 0x00010001;

/** `VDIHEADER0` with what stands before it. */
const HEADER_0_END = 420;
/** `VDIHEADER1` with what stands before it. */
const HEADER_1_END = PREHEADER_BYTES + LIMITS.minHeaderBytes;
/** `VDIHEADER1PLUS`. */
const HEADER_1_PLUS_BYTES = 400;
const HEADER_1_PLUS_END = PREHEADER_BYTES + HEADER_1_PLUS_BYTES;

const TITLE_BYTES = 64;
const COMMENT_BYTES = 256;
export const ENTRY_BYTES = 4;

/** Flags that VirtualBox knows (vd.h): blocks are filled with zeros as they are made, fixed size, differencing. */
const KNOWN_FLAGS = 0x301;

/** `VDIIMAGETYPE`. */
export const TYPE = { dynamic: 1, static: 2, undo: 3, differencing: 4 } as const;
const LAST_TYPE = 4;

/** The header, each value checked as far as it can be by itself. */
export interface VdiHeader {
  /** `1.1`; of the oldest kind `0.2`. */
  readonly version: string;
  /** Bytes from the beginning of the file that are the header's. */
  readonly headerEnd: number;
  /** The line of text that the file begins with, which names who made it. */
  readonly title: string;
  readonly comment: string;
  /** See `TYPE`; another number where the image has one. */
  readonly type: number;
  /** Bytes; whole sectors, as QEMU takes it. */
  readonly guestSize: number;
  readonly blockSize: number;
  /** Bytes in the file before each block's data, which belong to no disk. */
  readonly blockExtra: number;
  /** Entries of the block map. */
  readonly blocks: number;
  /** How many blocks the image says have space in the file. */
  readonly blocksAllocated: number;
  readonly mapOffset: number;
  readonly dataOffset: number;
  readonly uuid: string;
  /** Another one after each time that the image was written to. */
  readonly modification: string;
  /** Of the parent; undefined where there is none. */
  readonly parent: string | undefined;
  /** What the parent's was when this image was made; undefined where that is not told. */
  readonly parentModification: string | undefined;
  readonly findings: readonly Finding[];
}

export const isVdi = (head: Uint8Array): boolean =>
  head.length >= PREHEADER_BYTES && u32le(head, SIGNATURE_AT) === SIGNATURE;

/** Where each version keeps its fields. */
interface Fields {
  readonly end: number;
  readonly type: number;
  readonly flags: number;
  readonly comment: number;
  readonly legacySectorSize: number;
  readonly diskSize: number;
  readonly blockSize: number;
  readonly blocks: number;
  readonly blocksAllocated: number;
  readonly uuids: number;
}

const FIELDS_0: Fields = {
  end: HEADER_0_END,
  type: 72,
  flags: 76,
  comment: 80,
  legacySectorSize: 348,
  diskSize: 352,
  blockSize: 360,
  blocks: 364,
  blocksAllocated: 368,
  uuids: 372,
};

const FIELDS_1: Fields = {
  end: HEADER_1_END,
  type: 76,
  flags: 80,
  comment: 84,
  legacySectorSize: 360,
  diskSize: 368,
  blockSize: 376,
  blocks: 384,
  blocksAllocated: 388,
  uuids: 392,
};

/** Only in version 1. */
const HEADER_SIZE_AT = 72;
const MAP_OFFSET_AT = 340;
const DATA_OFFSET_AT = 344;
const BLOCK_EXTRA_AT = 380;
const PARENT_MODIFICATION_AT = 440;
const SECTOR_SIZE_AT = 468;

/**
 * Reads and checks the header.
 * @throws DiskError when no sense can be made of the image: signature, version, sizes that contradict each other
 */
export function readHeader(source: ByteSource): VdiHeader {
  const head = readUpTo(source, 0, HEADER_1_PLUS_END);
  if (!isVdi(head)) {
    throw new DiskError('not-this-format', 'this is no VDI: it has no VDI signature at byte 64', {
      offset: SIGNATURE_AT,
    });
  }
  const version = u32le(head, VERSION_AT);
  if (version !== VERSION_0 && version >>> 16 !== 1) {
    const told = `${version >>> 16}.${version & 0xffff}`;
    throw new DiskError('unsupported', `VDI version ${told} is not known (1.1 and 0.2 are)`, { offset: VERSION_AT });
  }
  const fields = version === VERSION_0 ? FIELDS_0 : FIELDS_1;
  if (head.length < fields.end) {
    throw new DiskError(
      'short-read',
      `the file ends inside the VDI header, after ${head.length} bytes`,
      { offset: head.length },
      CUT_SHORT,
    );
  }
  const padded = new Uint8Array(HEADER_1_PLUS_END);
  padded.set(head);
  return new HeaderReader(padded, fields, version, source.size).read();
}

class HeaderReader {
  private readonly findings: Finding[] = [];

  constructor(
    /** With zeros past the end of the file. */
    private readonly head: Uint8Array,
    private readonly fields: Fields,
    private readonly version: number,
    private readonly fileSize: number,
  ) {}

  read(): VdiHeader {
    const { head, fields, version } = this;
    const blockSize = this.blockSize();
    const blocks = this.blocks();
    const guestSize = this.guestSize(blocks * blockSize);
    const places = this.places(blocks, blockSize);
    const uuid = this.uuid(0) ?? NIL_UUID;
    const modification = this.uuid(1) ?? NIL_UUID;
    this.lookOver(blocks, uuid, modification);
    return {
      version: `${version >>> 16}.${version & 0xffff}`,
      headerEnd: this.headerEnd(),
      title: text(head.subarray(0, TITLE_BYTES)).trim(),
      comment: text(head.subarray(fields.comment, fields.comment + COMMENT_BYTES)).trim(),
      type: u32le(head, fields.type),
      guestSize,
      blockSize,
      blocks,
      blocksAllocated: u32le(head, fields.blocksAllocated),
      ...places,
      uuid,
      modification,
      parent: this.uuid(2),
      parentModification: this.isFirst ? undefined : uuidOrNone(head, PARENT_MODIFICATION_AT),
      findings: this.findings,
    };
  }

  private get isFirst(): boolean {
    return this.version === VERSION_0;
  }

  private headerEnd(): number {
    const hasMore = !this.isFirst && u32le(this.head, HEADER_SIZE_AT) >= HEADER_1_PLUS_BYTES;
    return hasMore ? HEADER_1_PLUS_END : this.fields.end;
  }

  private blockSize(): number {
    const at = this.fields.blockSize;
    const size = u32le(this.head, at);
    if (size < LIMITS.minBlockBytes || !Number.isInteger(Math.log2(size))) {
      throw new DiskError('corrupt', `blocks of ${size} bytes can't be (powers of two from a sector on can)`, {
        offset: at,
      });
    }
    return size;
  }

  private blocks(): number {
    const at = this.fields.blocks;
    const blocks = u32le(this.head, at);
    if (blocks > LIMITS.maxBlocks) {
      throw new DiskError('limit', `the image is said to have ${blocks} blocks (at most ${LIMITS.maxBlocks} can be)`, {
        offset: at,
      });
    }
    return blocks;
  }

  private guestSize(room: number): number {
    const at = this.fields.diskSize;
    const size = u64le(this.head, at, 'disk size', at);
    const guestSize = Math.ceil(size / SECTOR) * SECTOR;
    if (guestSize > room) {
      throw new DiskError(
        'corrupt',
        `the disk is said to have ${formatBytes(size)}, and the block map is for ${formatBytes(room)}`,
        { offset: at },
      );
    }
    if (guestSize !== size) {
      this.note(
        'info',
        'partial-sector',
        `the disk is no whole number of ${SECTOR}-byte sectors: its last sector is filled up`,
        at,
        'VirtualBox leaves that sector out.',
      );
    }
    return guestSize;
  }

  private places(blocks: number, blockSize: number): Pick<VdiHeader, 'mapOffset' | 'dataOffset' | 'blockExtra'> {
    if (this.isFirst) {
      const dataOffset = HEADER_0_END + blocks * ENTRY_BYTES;
      this.lookForMap(HEADER_0_END, blocks, blockSize);
      return { mapOffset: HEADER_0_END, dataOffset, blockExtra: 0 };
    }
    const mapOffset = u32le(this.head, MAP_OFFSET_AT);
    const dataOffset = u32le(this.head, DATA_OFFSET_AT);
    if (mapOffset < HEADER_1_END) {
      this.note('error', 'map-offset', `the block map is said to begin inside the header`, MAP_OFFSET_AT, REFUSED);
    }
    if (dataOffset < mapOffset + blocks * ENTRY_BYTES) {
      this.note('error', 'data-offset', `data is said to begin inside the block map`, DATA_OFFSET_AT, REFUSED);
    }
    for (const [at, offset, what] of [
      [MAP_OFFSET_AT, mapOffset, 'block map'],
      [DATA_OFFSET_AT, dataOffset, 'data'],
    ] as const) {
      if (offset % SECTOR === 0) continue;
      this.note(
        'warning',
        'unaligned',
        `the ${what} begins at byte ${offset}, inside a sector`,
        at,
        'QEMU refuses it.',
      );
    }
    this.lookForMap(mapOffset, blocks, blockSize);
    return { mapOffset, dataOffset, blockExtra: u32le(this.head, BLOCK_EXTRA_AT) };
  }

  private lookForMap(offset: number, blocks: number, blockSize: number): void {
    const there = Math.min(blocks, Math.max(0, Math.floor((this.fileSize - offset) / ENTRY_BYTES)));
    if (there === blocks) return;
    const lost = (blocks - there) * blockSize;
    const message = `the file ends inside the block map: what the last ${formatBytes(lost)} of the disk hold is not known`;
    this.findings.push({ code: 'map-past-end', severity: 'error', message, offset, lost, advice: CUT_SHORT });
  }

  /** What its own reader would not have, and reading does not depend on. */
  private lookOver(blocks: number, uuid: string, modification: string): void {
    const { head, fields, version } = this;
    const type = u32le(head, fields.type);
    if (type < 1 || type > LAST_TYPE) {
      this.note(
        'error',
        'image-type',
        `image type ${type} is not known: taken as a dynamic disk`,
        fields.type,
        REFUSED,
      );
    }
    const unknown = (u32le(head, fields.flags) & ~KNOWN_FLAGS) >>> 0;
    if (unknown !== 0) {
      this.note('warning', 'image-flags', `flags 0x${unknown.toString(16)} are not known`, fields.flags, REFUSED);
    }
    if (!this.isFirst && version !== VERSION_1_1) {
      this.note('warning', 'version', `this is read as version 1.1, which it is not`, VERSION_AT, 'QEMU refuses it.');
    }
    const allocated = u32le(head, fields.blocksAllocated);
    if (allocated > blocks) {
      const message = `${allocated} blocks are said to have space in the file, of ${blocks} that there are`;
      this.note('warning', 'allocated-count', message, fields.blocksAllocated, REFUSED);
    }
    if (uuid === NIL_UUID || modification === NIL_UUID) {
      const which = uuid === NIL_UUID ? 'UUID' : 'modification UUID';
      this.note('warning', 'uuid-absent', `the image has no ${which}`, fields.uuids, REFUSED);
    }
    if (!this.isFirst) this.headerAndSectors();
  }

  private headerAndSectors(): void {
    const { head, fields } = this;
    const headerSize = u32le(head, HEADER_SIZE_AT);
    if (headerSize < LIMITS.minHeaderBytes) {
      const message = `a header of ${headerSize} bytes can't be (${LIMITS.minHeaderBytes} or more can)`;
      this.note('warning', 'header-size', message, HEADER_SIZE_AT, REFUSED);
    }
    for (const [at, has, code, who] of [
      [fields.legacySectorSize, true, 'sector-size', 'QEMU'],
      [SECTOR_SIZE_AT, headerSize >= HEADER_1_PLUS_BYTES, 'geometry-sector-size', 'VirtualBox'],
    ] as const) {
      const size = u32le(head, at);
      if (!has || size === SECTOR) continue;
      this.note('warning', code, `sectors are said to have ${size} bytes`, at, `${who} refuses the image.`);
    }
  }

  private uuid(index: number): string | undefined {
    return uuidOrNone(this.head, this.fields.uuids + index * 16);
  }

  private note(severity: Severity, code: string, message: string, offset: number, advice: string): void {
    this.findings.push({ code, severity, message, offset, advice });
  }
}

const REFUSED = 'VirtualBox refuses the image.';

function uuidOrNone(bytes: Uint8Array, at: number): string | undefined {
  const uuid = uuidAt(bytes, at);
  return uuid === NIL_UUID ? undefined : uuid;
}
