import { readPadded } from '../../bytes';
import { DiskError } from '../../errors';
import type {
  Bitmap,
  ByteSource,
  CheckReport,
  Codecs,
  Fact,
  FileReference,
  Finding,
  GuestOffset,
  GuestPart,
  HostExtents,
  Job,
  Layer,
  LayerInfo,
  LayerScan,
  LayerTrace,
  Lookup,
  Oddities,
  PlacedRun,
  ScanOptions,
  View,
} from '../../model';
import type { Shelf } from '../../cache/byteBudget';
import { guestOffset, hostOffset, Kind } from '../../model';
import type { Kernel } from '../../kernel/kernel';
import { parentReference } from '../../fileReference';
import { formatEntry } from '../../units';
import { CompressedBlocks } from '../blocks/compressedBlocks';
import { checkImage } from './check';
import { clusterUnpacker } from './compressed';
import { ContentReader, opened } from './content';
import { describe, qemuInfo } from './describe';
import type { Qcow2Header } from './header';
import type { L1Place } from './l1';
import { L1Table } from './l1';
import type { LuksInfo } from '../luks/luks1';
import { lostTables } from './lostTables';
import { COMPRESSED_SECTOR, EntryDecoder, Geometry, isCopied, offsetOf } from './mapping';
import { unwrittenSpace } from './refcounts';
import { findingsOf } from './oddities';
import { TableScan } from './scan';
import type { Qcow2Snapshot } from './snapshots';
import { viewId } from './snapshots';
import { tableCut, tablesOf } from './tableCut';
import { writeEffect } from './write';

/** What the driver has read and opened by the time there is a layer. */
export interface Qcow2Parts {
  readonly source: ByteSource;
  /** The same file with pages of it kept, for what is read at random. */
  readonly lookups: ByteSource;
  /**
   * The file with the data clusters, read in the same way: the image's own or its data file; undefined when that could not
   * be opened.
   */
  readonly holder: ByteSource | undefined;
  /** The holder as it is, without pages, for what is read once. */
  readonly dataFile: ByteSource | undefined;
  readonly header: Qcow2Header;
  readonly snapshots: readonly Qcow2Snapshot[];
  readonly bitmaps: readonly Bitmap[];
  /** How the content is encrypted, where that is LUKS. */
  readonly luks: LuksInfo | undefined;
  readonly findings: readonly Finding[];
  readonly codecs: Codecs;
  /** Room for decompressed clusters. */
  readonly shelf: Shelf;
}

/** Where the walk through the tables ends for one guest offset. */
interface Entry {
  readonly l1Index: number;
  readonly l1EntryOffset: number;
  readonly l1High: number;
  readonly l1Low: number;
  /** Undefined when the L1 entry leads nowhere. */
  readonly l2?: { readonly index: number; readonly entryOffset: number; readonly words: DataView };
}

/** The tables of one view, as an edition of the file has them. */
interface ViewTables {
  readonly view: string;
  readonly edition: number | undefined;
  readonly l1: L1Table;
  /** See `tableCut`; undefined until it is asked for. */
  cut?: number;
}

export class Qcow2Layer implements Layer {
  readonly format = 'qcow2';
  readonly guestSize: number;
  readonly grain: number;
  readonly parent: FileReference | undefined;
  readonly views: readonly View[];
  readonly bitmaps: readonly Bitmap[];
  readonly facts: readonly Fact[];
  readonly readable: boolean;
  readonly info: LayerInfo;
  private readonly geometry: Geometry;
  private readonly content: ContentReader;
  /** Findings of each scanned view, by its id. */
  private readonly findingsByView = new Map<string, readonly Finding[]>();
  private readonly snapshotsByView = new Map<string, Qcow2Snapshot>();
  /** Of the view that was looked into last. */
  private lookedInto: ViewTables | undefined;
  private unwrittenAnswer: { readonly extents: HostExtents | undefined } | undefined;

  constructor(private readonly parts: Qcow2Parts) {
    const { header, snapshots, lookups } = parts;
    this.geometry = new Geometry(header);
    this.guestSize = header.guestSize;
    this.grain = this.geometry.clusterSize;
    this.parent =
      header.backingName === undefined ? undefined : parentReference(header.backingName, header.backingFormat);
    this.views = [
      { id: '', name: 'Current', guestSize: header.guestSize },
      ...snapshots.map((snapshot, index) => this.snapshotView(snapshot, index)),
    ];
    this.bitmaps = parts.bitmaps;
    this.readable = header.encryption === 'none' && parts.holder !== undefined;
    this.facts = describe(parts, this.geometry);
    this.info = qemuInfo(parts, this.geometry);
    const unpacker = clusterUnpacker(header.compression, parts.codecs);
    const compressed = new CompressedBlocks(parts, this.geometry.clusterSize, unpacker);
    this.content = new ContentReader(lookups, parts.holder, compressed, this.geometry);
  }

  get findings(): readonly Finding[] {
    const [now] = this.views;
    const views = this.views.filter((view) => view === now || this.findingsByView.has(view.id));
    return [...this.parts.findings, ...views.flatMap((view) => this.findingsInTables(view))];
  }

  findingsOf(view: View): readonly Finding[] {
    return [...this.parts.findings, ...this.findingsInTables(view)];
  }

  /** A file that was cut short before its first table is told of as soon as it is opened: it reads as an empty disk. */
  private findingsInTables(view: View): readonly Finding[] {
    return this.findingsByView.get(view.id) ?? this.l1Findings(view);
  }

  private l1Findings(view: View): readonly Finding[] {
    try {
      return this.l1(view).findings;
    } catch (error) {
      if (error instanceof DiskError) return [];
      throw error;
    }
  }

  scan(view: View, kernel: Kernel, options: ScanOptions): LayerScan {
    const files = { source: this.parts.source, dataEnd: this.dataEnd };
    return new TableScan(files, this.geometry, this.place(view), view.guestSize, kernel, options);
  }

  scanned(view: View, oddities: Oddities): void {
    const mapped = (tables: number): number => this.geometry.mapped(tables, view.guestSize);
    const odd = findingsOf(oddities, mapped, this.parts.header.externalData);
    this.findingsByView.set(view.id, [...this.l1Findings(view), ...odd]);
  }

  trace(view: View, offset: GuestOffset): LayerTrace {
    const entry = this.lookup(view, offset);
    const { clusterSize, subclusterSize } = this.geometry;
    const decoded = this.decode(entry, offset);
    const { kind, host } = decoded;
    const unit = kind === Kind.Compressed ? clusterSize : subclusterSize;
    const unitStart = offset - (offset % unit);
    const span = kind === Kind.Compressed ? this.spanOf(entry) : undefined;
    const place = span ? span.offset : host < 0 ? undefined : host + (offset - unitStart);
    return {
      kind,
      lookups: this.describeLookups(entry),
      hostOffset: place === undefined ? undefined : hostOffset(place),
      unitStart: guestOffset(unitStart),
      unitEnd: guestOffset(Math.min(unitStart + unit, view.guestSize)),
      compressedLength: span?.length,
      write: writeEffect(
        this.parts.header,
        this.geometry,
        kind,
        host,
        entry.l2 ? isCopied(entry.l2.words.getUint32(0)) : false,
      ),
    };
  }

  read(view: View, offset: GuestOffset, target: Uint8Array): void {
    this.assertReadable();
    this.content.read(this.l1(view), offset, target);
  }

  readData(host: number, target: Uint8Array): void {
    this.assertReadable();
    readPadded(opened(this.parts.dataFile), target, host);
  }

  lostTables(view: View): Iterable<GuestPart> {
    return lostTables(this.parts.source, this.l1(view), this.geometry);
  }

  firstPastEnd(view: View, { start, end, kind, host }: PlacedRun): number | undefined {
    if (kind === Kind.Compressed) return this.firstCompressedPastEnd(view, { start, end }, host);
    if (host < 0 || (kind !== Kind.Data && kind !== Kind.Invalid)) return undefined;
    const { subclusterSize } = this.geometry;
    const last = host + (end - start) - 1;
    if (last - (last % subclusterSize) < this.dataEnd) return undefined;
    return start + Math.max(0, Math.ceil(this.dataEnd / subclusterSize) * subclusterSize - host);
  }

  unwritten(): HostExtents | undefined {
    const { source, holder, header } = this.parts;
    if (!holder || header.encryption !== 'none') return undefined;
    this.unwrittenAnswer ??= { extents: unwrittenSpace(source, holder, this.geometry) };
    return this.unwrittenAnswer.extents;
  }

  check(): Job<CheckReport> {
    return checkImage(this.parts, this.geometry);
  }

  close(): void {
    this.parts.lookups.close();
    if (this.parts.holder !== this.parts.lookups) this.parts.holder?.close();
  }

  /** Bytes of the file that holds the data clusters, as far as that is known. */
  private get dataEnd(): number {
    return this.parts.dataFile?.size ?? Number.MAX_SAFE_INTEGER;
  }

  private firstCompressedPastEnd(view: View, { start, end }: GuestPart, host: number): number | undefined {
    const { clusterSize } = this.geometry;
    const { size } = this.parts.source;
    for (let at = start; at < end; at += clusterSize - (at % clusterSize)) {
      // A descriptor has room for two clusters at most ("Compressed Clusters Descriptor").
      if (host + (at - start) + 2 * clusterSize + COMPRESSED_SECTOR <= size) continue;
      const span = this.spanOf(this.lookup(view, at));
      // The last sector need not be there whole.
      if (span.offset >= size || span.offset + span.length > size + COMPRESSED_SECTOR - 1) return at;
    }
    return undefined;
  }

  private snapshotView(snapshot: Qcow2Snapshot, index: number): View {
    const id = viewId(snapshot, index, this.snapshotsByView);
    this.snapshotsByView.set(id, snapshot);
    return { id, name: snapshot.name, guestSize: snapshot.guestSize, snapshot };
  }

  private assertReadable(): void {
    const { encryption } = this.parts.header;
    if (encryption !== 'none') throw new DiskError('encrypted', `the content is encrypted (${encryption})`);
  }

  private place(view: View): L1Place {
    if (view.id === '') return { offset: this.parts.header.l1Offset, entries: this.parts.header.l1Entries };
    const snapshot = this.snapshotsByView.get(view.id);
    if (!snapshot) throw new DiskError('not-found', `there is no snapshot "${view.id}" in this image`);
    return { offset: snapshot.l1Offset, entries: snapshot.l1Entries };
  }

  private l1(view: View): L1Table {
    return this.lookInto(view).l1;
  }

  private lookInto(view: View): ViewTables {
    const { lookups } = this.parts;
    const { edition } = lookups;
    if (this.lookedInto?.view !== view.id || this.lookedInto.edition !== edition) {
      const l1 = new L1Table(lookups, this.geometry, this.place(view), view.guestSize);
      this.lookedInto = { view: view.id, edition, l1 };
    }
    return this.lookedInto;
  }

  private lookup(view: View, offset: number): Entry {
    const { clusterSize, l2Span, l2Entries, l2EntryBytes } = this.geometry;
    const looked = this.lookInto(view);
    const { l1 } = looked;
    looked.cut ??= tableCut(l1, tablesOf(this.parts.lookups, l1, this.geometry), this.geometry);
    if (offset >= looked.cut) throw new DiskError('limit', 'there are more L2 tables than the file has room for');
    const l1Index = Math.floor(offset / l2Span);
    const l1EntryOffset = this.place(view).offset + l1Index * 8;
    const l1High = l1.high(l1Index);
    const l1Low = l1.low(l1Index);
    const tableOffset = offsetOf(l1High, l1Low);
    if (tableOffset === 0 || tableOffset % clusterSize !== 0) return { l1Index, l1EntryOffset, l1High, l1Low };
    const index = Math.floor(offset / clusterSize) % l2Entries;
    const entryOffset = tableOffset + index * l2EntryBytes;
    const bytes = new Uint8Array(16);
    readPadded(this.parts.lookups, bytes.subarray(0, l2EntryBytes), entryOffset);
    const words = new DataView(bytes.buffer);
    return { l1Index, l1EntryOffset, l1High, l1Low, l2: { index, entryOffset, words } };
  }

  private decode(entry: Entry, offset: number): { readonly kind: Kind; readonly host: number } {
    if (!entry.l2) {
      return { kind: offsetOf(entry.l1High, entry.l1Low) === 0 ? Kind.Absent : Kind.Invalid, host: -1 };
    }
    const { words } = entry.l2;
    const { clusterSize, subclusterSize, header } = this.geometry;
    const decoder = new EntryDecoder(this.geometry, this.parts.source.size);
    decoder.cluster(words.getUint32(0), words.getUint32(4), offset - (offset % clusterSize));
    if (header.extendedL2) {
      decoder.subcluster(
        words.getUint32(8) | 0,
        words.getUint32(12) | 0,
        Math.floor((offset % clusterSize) / subclusterSize),
      );
    }
    return { kind: decoder.kind, host: decoder.host };
  }

  private spanOf(entry: Entry): { readonly offset: number; readonly length: number } {
    const words = entry.l2?.words;
    return words ? this.geometry.compressedSpan(words.getUint32(0), words.getUint32(4)) : { offset: 0, length: 0 };
  }

  /** An entry that the file ends before reads as zero, and so as "not here": that must not look like knowledge. */
  private pastEnd(entryOffset: number): readonly string[] {
    return entryOffset >= this.parts.source.size ? ['past end of file'] : [];
  }

  private describeLookups({ l1Index, l1EntryOffset, l1High, l1Low, l2 }: Entry): Lookup[] {
    const l1: Lookup = {
      table: 'L1',
      index: l1Index,
      entryOffset: hostOffset(l1EntryOffset),
      entry: formatEntry(l1High, l1Low),
      flags: [...(isCopied(l1High) ? ['copied'] : []), ...this.pastEnd(l1EntryOffset)],
    };
    if (!l2) return [l1];
    const high = l2.words.getUint32(0);
    const low = l2.words.getUint32(4);
    const zero = !this.geometry.header.extendedL2 && (high & 0x4000_0000) === 0 && (low & 1) !== 0;
    const flags = [
      ...(isCopied(high) ? ['copied'] : []),
      ...((high & 0x4000_0000) !== 0 ? ['compressed'] : []),
      ...(zero ? ['zero'] : []),
      ...this.pastEnd(l2.entryOffset),
    ];
    const entryOffset = hostOffset(l2.entryOffset);
    const standard: Lookup = { table: 'L2', index: l2.index, entryOffset, entry: formatEntry(high, low), flags };
    if (!this.geometry.header.extendedL2) return [l1, standard];
    const bitmap = formatEntry(l2.words.getUint32(8), l2.words.getUint32(12));
    return [
      l1,
      standard,
      { table: 'subclusters', index: l2.index, entryOffset: hostOffset(l2.entryOffset + 8), entry: bitmap, flags: [] },
    ];
  }
}
