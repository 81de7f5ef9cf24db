import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import type { Geometry } from '../../fixtures/build/geometry';
import { geometryOf, l1EntriesFor } from '../../fixtures/build/geometry';
import { encodeHeader } from '../../fixtures/build/header';
import { Random } from '../../fixtures/build/random';
import type { Qcow2Spec } from '../../fixtures/build/spec';
import type { Pattern } from './patterns';

const COPIED = 0x80000000;
const COMPRESSED = 0x40000000;
const SECTOR = 512;
const SUBCLUSTERS = 32;
/** Of the clusters with subclusters, the share that is allocated only in part. */
const PARTIAL_SHARE = 0.2;
const REFCOUNT_TABLE_CLUSTER = 1;
const L1_CLUSTER = 2;

/** The bytes of a layer's clusters in the file, in the order in which they are allocated. */
export type Contents = () => Uint8Array;

export interface LayerFileSpec {
  readonly size: number;
  readonly pattern: Pattern;
  /** For what is drawn beside the pattern: which subclusters there are, how long compressed clusters are. */
  readonly seed: number;
  /** The parent's name, as it is written; a qcow2. */
  readonly backing?: string | undefined;
  /** Entries with subclusters, a share of them only partly allocated. */
  readonly extendedL2?: boolean | undefined;
  /** Clusters are compressed, byte after byte. */
  readonly compression?: 'zlib' | 'zstd' | undefined;
  /** What is not given is a hole; a compressed cluster then takes about half a cluster. */
  readonly contents?: Contents | undefined;
}

/**
 * Writes one layer of a chain, table after table, in bounded memory: the L2 table right before the data of its first
 * write, so that tables are strewn through the file. Reference counts are left out (a table of one empty cluster):
 * whoever only reads does not ask for them.
 */
export function writeLayerFile(path: string, spec: LayerFileSpec): void {
  const file = openSync(path, 'wx');
  try {
    new LayerFile(file, spec).write();
  } finally {
    closeSync(file);
  }
}

class LayerFile {
  private readonly header: Qcow2Spec;
  private readonly geometry: Geometry;
  private readonly random: Random;
  /** The end of what has a place in the file. */
  private end: number;

  constructor(
    private readonly file: number,
    private readonly spec: LayerFileSpec,
  ) {
    this.header = {
      size: spec.size,
      ...(spec.backing !== undefined && { backing: spec.backing, backingFormat: 'qcow2' }),
      ...(spec.extendedL2 && { extendedL2: true }),
      ...(spec.compression && { compression: spec.compression }),
    };
    this.geometry = geometryOf(this.header);
    this.random = new Random(spec.seed + 1);
    this.end = L1_CLUSTER * this.geometry.clusterSize;
  }

  write(): void {
    const { clusterSize, l2Entries, l2EntrySize } = this.geometry;
    const entries = l1EntriesFor(this.spec.size, this.geometry);
    const l1 = Buffer.alloc(entries * 8);
    this.place(l1.length);
    const table = Buffer.alloc(l2Entries * l2EntrySize);
    const allocated = new Uint8Array(l2Entries);
    for (let i = 0; i < entries; i += 1) {
      if (!this.spec.pattern(allocated)) continue;
      const at = this.place(clusterSize);
      table.fill(0);
      for (let k = 0; k < l2Entries; k += 1) {
        if (allocated[k] === 1) this.allocate(table, k);
      }
      writeWord(l1, i * 8, COPIED, at);
      writeSync(this.file, table, 0, table.length, at);
    }
    writeSync(this.file, l1, 0, l1.length, L1_CLUSTER * clusterSize);
    this.writeHeader(entries);
    ftruncateSync(this.file, Math.ceil(this.end / clusterSize) * clusterSize);
  }

  /** Room for whole clusters. @returns where it begins */
  private place(bytes: number): number {
    const { clusterSize } = this.geometry;
    const at = Math.ceil(this.end / clusterSize) * clusterSize;
    this.end = at + Math.ceil(bytes / clusterSize) * clusterSize;
    return at;
  }

  private allocate(table: Buffer, index: number): void {
    const { clusterSize, l2EntrySize } = this.geometry;
    if (this.spec.compression) {
      this.allocateCompressed(table, index);
      return;
    }
    const at = this.place(clusterSize);
    writeWord(table, index * l2EntrySize, COPIED, at);
    if (this.spec.extendedL2) table.writeUInt32BE(this.subclusters(), index * l2EntrySize + 12);
    const bytes = this.spec.contents?.();
    if (bytes) writeSync(this.file, bytes, 0, bytes.length, at);
  }

  /** qcow2.rst, "Compressed Clusters Descriptor": the offset, and how many sectors follow that of the first byte. */
  private allocateCompressed(table: Buffer, index: number): void {
    const { clusterBits, clusterSize } = this.geometry;
    const at = this.end;
    const bytes = this.spec.contents?.();
    const length = bytes?.length ?? clusterSize / 4 + this.random.below(clusterSize / 2);
    const sectors = Math.floor((at + length - 1) / SECTOR) - Math.floor(at / SECTOR);
    const offsetBits = 62 - (clusterBits - 8);
    writeWord(table, index * 8, COMPRESSED + sectors * 2 ** (offsetBits - 32), at);
    if (bytes) writeSync(this.file, bytes, 0, bytes.length, at);
    this.end = at + length;
  }

  /** The bitmap of allocated subclusters: all, or a run of them at the beginning or the end. */
  private subclusters(): number {
    const all = 2 ** SUBCLUSTERS - 1;
    if (this.random.next() >= PARTIAL_SHARE * 2 ** 32) return all;
    const ones = 2 ** (1 + this.random.below(SUBCLUSTERS - 1)) - 1;
    return this.random.below(2) === 0 ? ones : all - ones;
  }

  private writeHeader(l1Entries: number): void {
    const { clusterSize } = this.geometry;
    const { bytes } = encodeHeader(this.header, this.geometry, {
      l1: { offset: L1_CLUSTER * clusterSize, entries: l1Entries },
      refcountTable: { offset: REFCOUNT_TABLE_CLUSTER * clusterSize, clusters: 1 },
      snapshotTable: 0,
      bitmapDirectory: undefined,
    });
    writeSync(this.file, bytes, 0, bytes.length, 0);
  }
}

/** A big-endian word of 64 bits: an offset, and flags in its upper half. */
function writeWord(target: Buffer, at: number, flags: number, offset: number): void {
  target.writeUInt32BE(flags + Math.floor(offset / 2 ** 32), at);
  target.writeUInt32BE(offset % 2 ** 32, at + 4);
}
