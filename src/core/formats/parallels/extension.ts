import { readPadded, u32le } from '../../bytes';
import type { Bitmap, ByteSource, Codecs, Finding } from '../../model';
import { CUT_SHORT } from '../advice';
import { SECTOR } from '../parts/flatPart';
import type { ParallelsHeader } from './header';
import { LIMITS } from './limits';

/** docs/interop/parallels.rst, "Format Extension"; 64-bit magics as their two words, the lower first. */
const MAGIC = { low: 0x23dcea87, high: 0xab234cef };
const END_OF_FEATURES = { low: 0, high: 0 };
const DIRTY_BITMAP = { low: 0x252cb34a, high: 0x20385fae };
const HEAD_BYTES = 24;
const CHECKSUM_AT = 8;
const FEATURE_HEAD_BYTES = 24;
const BITMAP_HEAD_BYTES = 32;
const L1_ENTRY_BYTES = 8;
/** QEMU keeps a bitmap in words of 64 bits (util/hbitmap.c). */
const BITMAP_WORD_BITS = 64;
const NECESSARY = 1;

/** What the format extension adds to an image. */
export interface Extension {
  readonly bitmaps: readonly ParallelsBitmap[];
  readonly findings: readonly Finding[];
}

export interface ParallelsBitmap extends Bitmap {
  /** Where in the file its bits are, one cluster each, bytes. */
  readonly clusters: readonly number[];
}

const NOTHING: Extension = { bitmaps: [], findings: [] };
const LEFT_OUT = 'The disk reads the same without it; QEMU refuses such an image.';

/**
 * What is there of the extension. It says nothing of where data is, so nothing in it is a reason not to read the disk.
 * @param most bytes that are read
 */
export function readExtension(source: ByteSource, header: ParallelsHeader, codecs: Codecs, most: number): Extension {
  const { extensionOffset: at, clusterSize } = header;
  if (at === undefined) return NOTHING;
  if (at >= source.size) {
    const message = `the format extension is said to be at byte ${at}, past the end of the file (${source.size} bytes)`;
    return broken({ code: 'extension-past-end', message, advice: CUT_SHORT });
  }
  if (clusterSize > most) {
    const message = `a format extension of ${clusterSize} bytes is more than is read (${most} are)`;
    return broken({ code: 'extension-size', message, offset: at });
  }
  const bytes = new Uint8Array(clusterSize);
  readPadded(source, bytes, at);
  if (!isMagic(bytes, 0, MAGIC)) {
    const message = `the format extension at byte ${at} does not begin as one`;
    return broken({ code: 'extension-magic', message, offset: at });
  }
  const sum = codecs.md5(bytes.subarray(HEAD_BYTES));
  const written = hex(bytes.subarray(CHECKSUM_AT, HEAD_BYTES));
  if (sum !== undefined && sum !== written) {
    const message = `the format extension at byte ${at} has the checksum ${sum}, where ${written} is written: its bitmaps are left out`;
    return broken({ code: 'extension-checksum', message, offset: at });
  }
  const extension = new Features(bytes, at, header, source.size).read();
  if (sum !== undefined) return extension;
  const unverified: Finding = {
    code: 'extension-unverified',
    severity: 'info',
    message: 'the checksum of the format extension was not verified: this system has no MD5',
  };
  return { ...extension, findings: [unverified, ...extension.findings] };
}

const broken = (finding: Omit<Finding, 'severity'>): Extension => ({
  bitmaps: [],
  findings: [{ severity: 'error', advice: LEFT_OUT, ...finding }],
});

/** The features in an extension's cluster, one behind the other. */
class Features {
  private readonly bitmaps: ParallelsBitmap[] = [];
  private readonly findings: Finding[] = [];

  constructor(
    private readonly bytes: Uint8Array,
    /** Where they are in the file. */
    private readonly offset: number,
    private readonly header: ParallelsHeader,
    private readonly fileSize: number,
  ) {}

  read(): Extension {
    const { bytes } = this;
    for (let at = HEAD_BYTES; ;) {
      if (at + FEATURE_HEAD_BYTES > bytes.length) {
        this.note('extension-feature', 'the features of the format extension have no end', at);
        break;
      }
      if (isMagic(bytes, at, END_OF_FEATURES)) break;
      const length = u32le(bytes, at + 16);
      const from = at + FEATURE_HEAD_BYTES;
      if (length > bytes.length - from) {
        this.note('extension-feature', `a feature of ${length} bytes is more than the format extension holds`, at);
        break;
      }
      if (this.bitmaps.length + this.findings.length >= LIMITS.maxBitmaps) {
        this.note('extension-feature', `only the first ${LIMITS.maxBitmaps} features are looked at`, at);
        break;
      }
      this.feature(at, bytes.subarray(from, from + length));
      at = from + Math.ceil(length / 8) * 8;
    }
    return { bitmaps: this.bitmaps, findings: this.findings };
  }

  private feature(at: number, data: Uint8Array): void {
    const flags = u32le(this.bytes, at + 8);
    if (!isMagic(this.bytes, at, DIRTY_BITMAP)) {
      const magic = `0x${word(this.bytes, at + 4)}${word(this.bytes, at)}`;
      const needed = (flags & NECESSARY) !== 0 ? ', which must be known to write to the image' : '';
      this.note('extension-feature', `the feature ${magic} of the format extension is not known${needed}`, at);
    } else this.bitmap(at, data);
  }

  private bitmap(at: number, data: Uint8Array): void {
    const refuse = (why: string): void => {
      this.note('bitmap', `a dirty bitmap can't be used: ${why}`, at);
    };
    if (data.length < BITMAP_HEAD_BYTES) {
      refuse(`it has ${data.length} bytes, less than a bitmap's own ${BITMAP_HEAD_BYTES}`);
      return;
    }
    const { guestSize, clusterSize } = this.header;
    const sectors = u32le(data, 0) + u32le(data, 4) * 2 ** 32;
    const granularity = u32le(data, 24);
    const entries = u32le(data, 28);
    const bits = Math.ceil(sectors / granularity);
    const expected = Math.ceil((Math.ceil(bits / BITMAP_WORD_BITS) * BITMAP_WORD_BITS) / 8 / clusterSize);
    if (sectors * SECTOR !== guestSize)
      refuse(`it is of a disk of ${sectors} sectors, this one has ${guestSize / SECTOR}`);
    else if (granularity === 0 || (granularity & (granularity - 1)) !== 0)
      refuse(`${granularity} sectors to a bit is no power of two`);
    else if (entries * L1_ENTRY_BYTES > data.length - BITMAP_HEAD_BYTES)
      refuse(`its table of ${entries} entries is more than the feature holds`);
    else if (entries !== expected) refuse(`its table has ${entries} entries, where ${expected} are needed`);
    else {
      const clusters = this.clustersOf(data.subarray(BITMAP_HEAD_BYTES), entries);
      const past = clusters.filter((place) => place >= this.fileSize).length;
      if (past > 0) refuse(`${past} of its clusters are past the end of the file`);
      this.bitmaps.push({ name: idText(data.subarray(8, 24)), granularity: granularity * SECTOR, flags: [], clusters });
    }
  }

  /** An entry of 0 or 1 stands for as many bits of that value. */
  private clustersOf(table: Uint8Array, entries: number): readonly number[] {
    const clusters: number[] = [];
    for (let i = 0; i < entries; i += 1) {
      const sector = u32le(table, i * L1_ENTRY_BYTES) + u32le(table, i * L1_ENTRY_BYTES + 4) * 2 ** 32;
      if (sector > 1) clusters.push(sector * SECTOR);
    }
    return clusters;
  }

  private note(code: string, message: string, at: number): void {
    this.findings.push({ code, severity: 'warning', message, advice: LEFT_OUT, offset: this.offset + at });
  }
}

const isMagic = (bytes: Uint8Array, at: number, { low, high }: typeof MAGIC): boolean =>
  u32le(bytes, at) === low && u32le(bytes, at + 4) === high;

const word = (bytes: Uint8Array, at: number): string => u32le(bytes, at).toString(16).padStart(8, '0');

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** As QEMU writes the id of a bitmap. */
const idText = (id: Uint8Array): string => hex(id).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
