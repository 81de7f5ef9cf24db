import type { Gap } from './guest';
import { readGuest } from './guest';
import { placeIn } from './hostSpace';
import type { Chain, ChainLayer, OwnershipMap, View } from './model';
import { Kind, NOBODY, UNKNOWN_OWNER } from './model';
import { runAt } from './runs';
import { readableHoles, UnwrittenSpace } from './unwritten';
import { viewFrom } from './views';
import type { WalkFrom } from './walk';
import { walk } from './walk';

/** One of two disks that are compared: a chain, and from where it is looked at. */
export interface Side {
  readonly chain: Chain;
  readonly from: WalkFrom;
}

/** What of a layer makes two answers the same one. */
interface Place {
  /** Equal where the same state of the same file answers, so that the same guest offset has the same answer. */
  readonly state: string;
  /** The file that a host offset is in, as text, and where in it: where two of these are equal the bytes are. */
  byte(host: number): readonly [file: string, offset: number];
}

/** One side of a comparison, at the run of the disk that was asked for last. */
export class SideCursor {
  readonly size: number;
  /** Where that run ends; past the end of the disk all is one run without end. */
  runEnd = 0;
  private owner = NOBODY;
  private kind: Kind = Kind.Absent;
  private host = -1;
  private map: OwnershipMap | undefined;
  private run = 0;
  private readonly unwritten: UnwrittenSpace;
  private readonly maps: Generator<OwnershipMap | undefined, void, void>;
  private readonly places: readonly Place[];
  /** Equal where nothing at all tells the two sides apart. */
  private readonly stack: string;

  constructor(private readonly side: Side) {
    const { chain, from } = side;
    this.size = from.view.guestSize;
    this.maps = walk(chain, from);
    this.unwritten = new UnwrittenSpace(chain, readableHoles);
    this.places = chain.layers.map((layer) => placeOf(layer, viewFrom(from, layer)));
    const seen = this.places.slice(from.depth).map(({ state }) => state);
    this.stack = JSON.stringify([seen, chain.end]);
  }

  /** The bytes of the run can't be known or read. */
  get unknown(): boolean {
    if (this.isZero) return false;
    const { layer } = this.side.chain.layers[this.owner] ?? {};
    return layer === undefined || this.kind === Kind.Unknown || !layer.readable;
  }

  /** True while the map that holds `at` is not there: then `pull` is to be called. */
  needsMap(at: number): boolean {
    return at < this.size && (this.map === undefined || at >= (this.map.start[this.map.count] ?? 0));
  }

  /** True where the map that there is does not go on: it ends, or the disk does. */
  leavesMap(at: number): boolean {
    return at === this.size || this.needsMap(at);
  }

  /** Goes a step towards the next map. */
  pull(): void {
    const step = this.maps.next();
    if (step.done) throw new Error('the walk ended before the disk did');
    if (!step.value) return;
    this.map = step.value;
    this.run = 0;
  }

  /** Moves forward to the run that holds `at`, or past the end of the disk. */
  seek(at: number): void {
    const { map, size } = this;
    if (!map || at >= size) {
      this.owner = NOBODY;
      this.kind = Kind.Absent;
      this.runEnd = Infinity;
      return;
    }
    while ((map.start[this.run + 1] ?? Infinity) <= at) this.run += 1;
    const host = map.host?.[this.run] ?? -1;
    this.owner = map.owner[this.run] ?? UNKNOWN_OWNER;
    this.kind = (map.kind[this.run] ?? Kind.Unknown) as Kind;
    this.host = host < 0 ? -1 : host + (at - (map.start[this.run] ?? 0));
    this.runEnd = map.start[this.run + 1] ?? size;
    if (this.kind === Kind.Data) this.passUnwritten(at);
  }

  /** Data in a hole of its file reads as zero: the run ends where that does, or where it begins. */
  private passUnwritten(at: number): void {
    const { unwritten } = this;
    unwritten.look(this.owner, this.host, this.runEnd - at);
    if (unwritten.isHole) this.kind = Kind.ZeroAllocated;
    this.runEnd = at + unwritten.length;
  }

  /** Whether both sides have the same bytes here, as far as that is known without reading any. */
  answersAs(other: SideCursor): boolean {
    if (this.isZero && other.isZero) return true;
    if (this.owner === UNKNOWN_OWNER && other.owner === UNKNOWN_OWNER) return this.stack === other.stack;
    const mine = this.places[this.owner];
    const others = other.places[other.owner];
    if (!mine || !others) return false;
    if (mine.state === others.state) return true;
    if (this.kind !== other.kind || (this.kind !== Kind.Data && this.kind !== Kind.Compressed)) return false;
    if (this.host < 0 || !Number.isSafeInteger(this.host)) return false;
    const [file, offset] = mine.byte(this.host);
    const [otherFile, otherOffset] = others.byte(other.host);
    return offset === otherOffset && file === otherFile;
  }

  /**
   * Reads a part of the map that was loaded last, or past the end of the disk.
   * @returns what can't be read, down to the clusters that it is about
   */
  read(at: number, target: Uint8Array): Gap[] {
    if (!this.map || at >= this.size) {
      target.fill(0);
      return [];
    }
    const { map } = this;
    return this.readPart(map, at, target).flatMap((gap) => this.readAround(map, at, target, gap));
  }

  close(): void {
    this.maps.return();
  }

  private get isZero(): boolean {
    return this.owner === NOBODY || this.kind === Kind.Zero || this.kind === Kind.ZeroAllocated;
  }

  private readPart(map: OwnershipMap, at: number, target: Uint8Array): Gap[] {
    const { chain, from } = this.side;
    return readGuest(chain, from, map, at, target);
  }

  /** One bad cluster makes a run of many unreadable: each is tried by itself. */
  private readAround(map: OwnershipMap, at: number, target: Uint8Array, gap: Gap): Gap[] {
    const grain = this.side.chain.layers[map.owner[runAt(map, at + gap.start)] ?? NOBODY]?.layer.grain;
    if (grain === undefined || gap.end - gap.start <= grain) return [gap];
    const gaps: Gap[] = [];
    for (let start = gap.start; start < gap.end;) {
      const end = Math.min(gap.end, start + grain - ((at + start) % grain));
      for (const { why } of this.readPart(map, at + start, target.subarray(start, end))) gaps.push({ start, end, why });
      start = end;
    }
    return gaps;
  }
}

function placeOf({ identity, layer, source, dataFile }: ChainLayer, view: View): Place {
  const { origin, size } = source;
  const file = JSON.stringify([identity.id, layer.format, origin, size]);
  const state = JSON.stringify([file, view.id]);
  // What is encrypted, or in a file that is not open, is not the same as these bytes read plainly.
  if (!layer.readable) return { state, byte: (host) => [file, host] };
  // Host offsets of a raw disk are those of the file, whatever part of it is the disk; others count from that part on.
  const own = JSON.stringify([dataFile?.id ?? identity.id, layer.format === 'raw' ? undefined : origin]);
  const held = new Map(layer.files?.map(({ identity: { id } }) => [id, JSON.stringify([id, undefined])]));
  return {
    state,
    byte: (host) => {
      const { file: holder, offset } = placeIn(layer.files, host);
      return [(holder && held.get(holder.identity.id)) ?? own, offset];
    },
  };
}
