import { readPadded } from '../../bytes';
import type { Shelf } from '../../cache/byteBudget';
import type { ByteSource, Codecs, GuestPart } from '../../model';
import type { BlockMap, Blocks } from '../blocks/blockMap';
import { CompressedGrains } from './compressedGrains';
import { lostParts, SCAN_WINDOW_BYTES } from './directory';
import type { GrainLayout } from './grainLayout';
import { GrainMap } from './grainMap';
import { readable } from './readable';

/** Of a directory, what one look reads. */
const LOOK_BYTES = 512;

/** A file of a disk that is in several: its path, and where it begins in the layer's host space. */
export interface FilePlace {
  readonly path: string;
  readonly base: number;
}

/** An extent's file, and where it is in its layer. */
export interface ExtentFile {
  readonly source: ByteSource;
  /** The same file with pages of it kept, for what is read at random. */
  readonly lookups: ByteSource;
  /** Undefined of the image itself. */
  readonly holder?: FilePlace | undefined;
}

/** What else there is to know of an extent's grains. */
export interface GrainsOf {
  /** See `DirectorySurvey`. */
  readonly tooMany: number | undefined;
  /** Which extent this is, for people, of a disk that has several. */
  readonly name: string | undefined;
  /** Where its grains are compressed: whether each has a marker, and what it takes to read them. */
  readonly compressed: { readonly markers: boolean; readonly codecs: Codecs; readonly shelf: Shelf } | undefined;
}

/** What a sparse extent holds: its grains are blocks of the disk. */
export class Grains implements Blocks {
  readonly size: number;
  readonly blockSize: number;
  readonly dataEnd: number;
  private readonly base: number;
  private readonly compressed: CompressedGrains | undefined;

  constructor(
    private readonly file: ExtentFile,
    private readonly layout: GrainLayout,
    private readonly of: GrainsOf,
  ) {
    this.size = layout.size;
    this.blockSize = layout.grainSize;
    this.base = file.holder?.base ?? 0;
    this.dataEnd = this.base + file.source.size;
    const { compressed } = of;
    this.compressed = compressed && new CompressedGrains(file, layout.grainSize, compressed.markers, compressed);
  }

  open(random: boolean, windowBytes: number): BlockMap {
    const { layout, base, of } = this;
    const source = random ? this.file.lookups : this.file.source;
    const directoryBytes = random ? LOOK_BYTES : SCAN_WINDOW_BYTES;
    return new GrainMap({ source, layout, base, ...of }, directoryBytes, windowBytes);
  }

  readData(host: number, target: Uint8Array): void {
    readPadded(this.file.lookups, target, host - this.base);
  }

  readCompressed(host: number, grain: number, within: number, target: Uint8Array): void {
    const { grainSize, size } = this.layout;
    const least = Math.min(grainSize, size - grain * grainSize);
    this.grains.readInto(target, within, host - this.base, least);
  }

  compressedLength(host: number): number | undefined {
    return readable(() => this.grains.lengthOf(host - this.base));
  }

  holderOf(host: number): { readonly path: string; readonly offset: number } | undefined {
    const { holder } = this.file;
    return holder && { path: holder.path, offset: host - holder.base };
  }

  lostTables(): Iterable<GuestPart> {
    return lostParts(this.file.lookups, this.layout);
  }

  private get grains(): CompressedGrains {
    if (this.compressed) return this.compressed;
    throw new Error('no grain is told as compressed where none is');
  }

  close(): void {
    this.file.lookups.close();
  }
}
