import type { DiskError } from '../../errors';
import type { Kernel } from '../../kernel/kernel';
import type {
  Bitmap,
  ByteSource,
  CheckReport,
  Fact,
  FileReference,
  Finding,
  GuestOffset,
  GuestPart,
  HeldFile,
  HostExtents,
  Job,
  Layer,
  LayerInfo,
  LayerScan,
  LayerTrace,
  LinkId,
  Oddities,
  PlacedRun,
  ScanOptions,
  View,
} from '../../model';
import type { DiskPart, WriteRule } from './part';
import { LARGEST_UNIT } from './part';

/** What a driver has read by the time there is a layer. */
export interface PartLayerFacts {
  readonly format: string;
  /** Allocation unit in bytes. */
  readonly grain: number;
  /** The disk; it is as large as the part. */
  readonly part: DiskPart;
  /** The image's own file, where the disk is in others: closed with them. */
  readonly own?: Pick<ByteSource, 'close'> | undefined;
  readonly write: WriteRule;
  readonly facts: readonly Fact[];
  readonly info: LayerInfo;
  readonly findings: readonly Finding[];
  readonly parent?: FileReference | undefined;
  readonly linkIds?: readonly LinkId[] | undefined;
  readonly files?: readonly HeldFile[] | undefined;
  readonly bitmaps?: readonly Bitmap[] | undefined;
  /** Why the content can't be read, where it can't: it is encrypted, a file of it is not there. */
  readonly unreadable?: DiskError | undefined;
  /** As `Layer.unwritten`. */
  readonly unwritten?: (() => HostExtents | undefined) | undefined;
  readonly check?: (() => Job<CheckReport>) | undefined;
}

/** An image of one state whose disk is a `DiskPart`. */
export class PartLayer implements Layer {
  readonly format: string;
  readonly guestSize: number;
  readonly grain: number;
  readonly parent: FileReference | undefined;
  readonly linkIds: readonly LinkId[] | undefined;
  readonly files: readonly HeldFile[] | undefined;
  readonly views: readonly View[];
  readonly bitmaps: readonly Bitmap[];
  readonly facts: readonly Fact[];
  readonly readable: boolean;
  readonly info: LayerInfo;
  readonly check?: () => Job<CheckReport>;
  private odd: readonly Finding[] = [];

  constructor(private readonly told: PartLayerFacts) {
    this.format = told.format;
    this.guestSize = told.part.size;
    this.grain = told.grain;
    this.parent = told.parent;
    this.linkIds = told.linkIds;
    this.files = told.files;
    this.views = [{ id: '', name: 'Current', guestSize: this.guestSize }];
    this.bitmaps = told.bitmaps ?? [];
    this.facts = told.facts;
    this.readable = !told.unreadable;
    this.info = told.info;
    if (told.check) this.check = told.check;
  }

  get findings(): readonly Finding[] {
    return [...this.told.findings, ...(this.told.part.findings ?? []), ...this.odd];
  }

  findingsOf(): readonly Finding[] {
    return this.findings;
  }

  scan(_view: View, kernel: Kernel, options: ScanOptions): LayerScan {
    return this.told.part.scan(kernel, options, LARGEST_UNIT);
  }

  scanned(_view: View, oddities: Oddities): void {
    this.odd = this.told.part.findingsOf?.(oddities) ?? [];
  }

  trace(_view: View, offset: GuestOffset): LayerTrace {
    return this.told.part.trace(offset, this.told.write);
  }

  read(_view: View, offset: GuestOffset, target: Uint8Array): void {
    if (this.told.unreadable) throw this.told.unreadable;
    this.told.part.read(offset, target);
  }

  lostTables(): Iterable<GuestPart> {
    return this.told.part.lostTables?.() ?? [];
  }

  firstPastEnd(_view: View, run: PlacedRun): number | undefined {
    return this.told.part.firstPastEnd?.(run);
  }

  unwritten(): HostExtents | undefined {
    return this.told.unwritten?.();
  }

  close(): void {
    this.told.part.close();
    this.told.own?.close();
  }
}
