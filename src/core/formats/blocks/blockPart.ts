import { DiskError } from '../../errors';
import type { Kernel } from '../../kernel/kernel';
import type { Finding, GuestPart, LayerScan, LayerTrace, Oddities, PlacedRun, ScanOptions } from '../../model';
import { guestOffset, hostOffset, Kind } from '../../model';
import { formatOffset } from '../../units';
import { SECTOR } from '../parts/flatPart';
import type { DiskPart, WriteRule } from '../parts/part';
import type { BlockMap, Blocks } from './blockMap';
import { MIXED } from './blockMap';
import { BlockScan } from './blockScan';
import { blockFindings } from './findings';
import { endOfRun, sectorKind } from './sectorBits';

/** What one look reads of a table at a time. */
const LOOK_BYTES = 512;
/** What reading a stretch of the disk reads of its table at a time. */
const READ_BYTES = 16 << 10;

/** A disk, or a part of one, that a table of blocks maps. */
export class BlockPart implements DiskPart {
  constructor(private readonly blocks: Blocks) {}

  get size(): number {
    return this.blocks.size;
  }

  scan(kernel: Kernel, { windowBytes }: ScanOptions, largestUnit: number): LayerScan {
    return new BlockScan(this.blocks, kernel, windowBytes, largestUnit);
  }

  trace(offset: number, write: WriteRule): LayerTrace {
    const { blocks } = this;
    const map = blocks.open(true, LOOK_BYTES);
    const block = Math.floor(offset / blocks.blockSize);
    const start = block * blocks.blockSize;
    const { kind: told, host } = told1(map, block);
    const found = told === MIXED ? mixed(map, block, offset - start) : undefined;
    const kind = (found?.kind ?? told) as Kind;
    const unit = {
      unitStart: guestOffset(start + (found?.start ?? 0)),
      unitEnd: guestOffset(Math.min(start + (found?.end ?? blocks.blockSize), blocks.size)),
    };
    const isCompressed = kind === Kind.Compressed;
    const place = host < 0 ? -1 : isCompressed ? host : host + (offset - start);
    const holder = place < 0 ? undefined : blocks.holderOf?.(place);
    const inFile = place < 0 ? undefined : hostOffset(holder?.offset ?? place);
    return {
      kind,
      lookups: map.lookups(block, offset - start),
      hostOffset: inFile,
      holder: holder?.path,
      ...unit,
      compressedLength: isCompressed ? blocks.compressedLength?.(host, block) : undefined,
      write: write({ kind, hostOffset: inFile, ...unit }),
    };
  }

  read(offset: number, target: Uint8Array): void {
    const { blocks } = this;
    const { blockSize } = blocks;
    const map = blocks.open(true, target.length <= blockSize ? LOOK_BYTES : READ_BYTES);
    const end = offset + target.length;
    for (let at = offset; at < end;) {
      const block = Math.floor(at / blockSize);
      const run = map.tell(block, Math.ceil(end / blockSize) - block);
      for (let i = 0; i < run.count && at < end; i += 1) {
        const kind = 'kinds' in run ? (run.kinds[i] ?? Kind.Unknown) : run.kind;
        const host = 'hosts' in run ? (run.hosts[i] ?? -1) : run.host < 0 ? -1 : run.host + i * blockSize;
        const within = at - (block + i) * blockSize;
        const length = Math.min(end - at, blockSize - within);
        this.readBlock(
          map,
          { block: block + i, kind, host, within },
          target.subarray(at - offset, at - offset + length),
        );
        at += length;
      }
    }
  }

  firstPastEnd({ start, end, kind, host }: PlacedRun): number | undefined {
    if (kind === Kind.Compressed) return this.compressedPastEnd(start, host);
    if (kind !== Kind.Data || host < 0) return undefined;
    const { blockSize, dataEnd, spaceIsWhole = false, sectorUnit = spaceIsWhole ? SECTOR : blockSize } = this.blocks;
    const unit = Math.min(blockSize, sectorUnit);
    if (host + (end - start) - 1 < dataEnd) return undefined;
    // The run may begin inside of a unit; that one is past the end where its own beginning is.
    const skipped = start % unit;
    const whole = Math.max(0, Math.ceil((dataEnd - (host - skipped)) / unit));
    const first = Math.max(start, start - skipped + whole * unit);
    return first < end ? first : undefined;
  }

  lostTables(): Iterable<GuestPart> {
    return this.blocks.lostTables?.() ?? [];
  }

  findingsOf(oddities: Oddities): readonly Finding[] {
    return blockFindings(oddities);
  }

  close(): void {
    this.blocks.close();
  }

  /** A compressed block is a run of its own. */
  private compressedPastEnd(start: number, host: number): number | undefined {
    const { blocks } = this;
    const block = Math.floor(start / blocks.blockSize);
    const begin = host - (start - block * blocks.blockSize);
    const length = blocks.compressedLength?.(begin, block) ?? 0;
    return begin + length > blocks.dataEnd ? start : undefined;
  }

  private readBlock(
    map: BlockMap,
    of: { readonly block: number; readonly kind: number; readonly host: number; readonly within: number },
    target: Uint8Array,
  ): void {
    const { kind, host, within, block } = of;
    if (kind === Kind.Data) this.blocks.readData(host + within, target);
    else if (kind === Kind.Compressed && this.blocks.readCompressed) {
      this.blocks.readCompressed(host, block, within, target);
    } else if (kind === MIXED) {
      for (let done = 0; done < target.length;) {
        const found = mixed(map, block, within + done);
        const length = Math.min(target.length - done, found.end - (within + done));
        const piece = target.subarray(done, done + length);
        if (found.kind === Kind.Data) this.blocks.readData(host + within + done, piece);
        else piece.fill(0);
        done += length;
      }
    } else if (kind === Kind.Invalid) {
      throw impossible(map, block, this.blocks.blockSize);
    } else target.fill(0);
  }
}

/** What a VM gets an error for, too: it is not known what was there. */
function impossible(map: BlockMap, block: number, blockSize: number): DiskError {
  const entry = map.lookups(block, 0).at(-1);
  const what = entry ? `the ${entry.table} entry` : 'what the tables say';
  return new DiskError('corrupt', `${what} for guest byte ${formatOffset(block * blockSize)} can't be true`, {
    offset: entry?.entryOffset,
  });
}

function told1(map: BlockMap, block: number): { readonly kind: number; readonly host: number } {
  const run = map.tell(block, 1);
  if ('kind' in run) return run;
  return { kind: run.kinds[0] ?? Kind.Unknown, host: run.hosts[0] ?? -1 };
}

/** The sectors of one kind around a byte of a block. */
function mixed(map: BlockMap, block: number, within: number): { kind: Kind; start: number; end: number } {
  const bits = map.sectors?.(block);
  if (!bits) throw new Error('a map that tells of mixed blocks tells of their sectors');
  const sector = Math.floor(within / bits.unit);
  return {
    kind: sectorKind(bits, sector),
    start: sector * bits.unit,
    end: Math.min(endOfRun(bits, sector, map.blockSize / bits.unit) * bits.unit, map.blockSize),
  };
}
