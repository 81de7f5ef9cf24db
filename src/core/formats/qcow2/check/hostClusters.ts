import { Use } from '../../../model';

/**
 * Clusters of a page: counters are only kept for pages that something refers to. Page, slab and place in them are taken
 * out of a cluster's number with shifts: a file has fewer clusters than 2^31.
 */
const PAGE_BITS = 10;
export const PAGE = 1 << PAGE_BITS;
const SLAB_BITS = 16;
const SLAB = 1 << SLAB_BITS;
const PAGES_PER_SLAB = SLAB / PAGE;
const MAX_NARROW = 0xffff;
const MAX_WIDE = 0xffff_ffff;
/** Clusters past a narrow counter that are kept at a time: some 40 bytes each. Far more than a page has. */
const MAX_EXCESS = 2 ** 20;

/** The low four bits of a cluster's state are its `Use`; these are what else is known of it. */
const CONTESTED = 0x10;
const STANDARD = 0x20;
const COMPRESSED = 0x40;
const METADATA = 0x80;
const USE_MASK = 0x0f;

/** What a reference to a cluster says of it, beside its use. */
export const Claim = { Standard: STANDARD, Compressed: COMPRESSED, Metadata: METADATA } as const;
export type Claim = (typeof Claim)[keyof typeof Claim];

interface Slab {
  readonly count: Uint16Array | Uint32Array;
  readonly state: Uint8Array;
  /** Number of the guest cluster that is kept there; only where snapshots may share a cluster rightly. */
  readonly guest: Uint32Array | undefined;
}

/**
 * Counts references to the clusters of a file, for a window of it at a time, so that memory does not follow the file: a
 * window begins where it is told to and ends where the room does. Whatever lies outside of it is passed over.
 */
export class HostClusters {
  private readonly directory: Int32Array;
  private readonly slabs: Slab[] = [];
  private readonly maxSlabs: number;
  /** The highest count that fits a counter. */
  private readonly most: number;
  private free: number[] = [];
  private used: number[] = [];
  /** The last page that is used. */
  private lastPage = -1;
  /** What does not fit a narrow counter, by cluster. */
  private readonly excess = new Map<number, number>();
  private from = 0;
  private to: number;

  /**
   * @param clusters how many clusters the file has; at most 2^31
   * @param shared whether internal snapshots may share clusters
   * @param room bytes that the counters may take
   */
  constructor(
    readonly clusters: number,
    private readonly shared: boolean,
    room: number,
  ) {
    const pages = Math.ceil(clusters / PAGE);
    this.directory = new Int32Array(pages).fill(-1);
    this.most = shared ? MAX_WIDE : MAX_NARROW;
    const bytes = SLAB * (shared ? 9 : 3);
    this.maxSlabs = Math.max(1, Math.floor((room - this.directory.byteLength) / bytes));
    this.to = clusters;
  }

  /** First cluster of the window. */
  get start(): number {
    return this.from;
  }

  /** End of the window; comes nearer when there is no more room. */
  get end(): number {
    return this.to;
  }

  /** Empties all counters and begins a window at `cluster`. */
  begin(cluster: number): void {
    for (const page of this.used) this.release(page);
    this.used = [];
    this.lastPage = -1;
    this.excess.clear();
    this.from = cluster;
    this.to = this.clusters;
  }

  /**
   * Counts a reference.
   * @param weight how often it is made: by a table that several L1 tables share
   * @param guest number of the guest cluster that is kept there, for data
   */
  add(cluster: number, weight: number, use: Use, claim: Claim, guest: number): void {
    if (cluster < this.from || cluster >= this.to) return;
    const at = this.place(cluster);
    if (at < 0) return;
    const slab = this.slabs[at >> SLAB_BITS];
    if (!slab) return;
    const index = at & (SLAB - 1);
    this.count(slab, index, cluster, weight);
    // Counting may have ended the window before this cluster.
    if (cluster < this.to) slab.state[index] = this.claimed(slab, index, weight, use, claim, guest);
  }

  /** References to a cluster so far. */
  references(cluster: number): number {
    const at = this.placeOf(cluster);
    const count = this.slabs[at >> SLAB_BITS]?.count[at & (SLAB - 1)] ?? 0;
    return count < this.most ? count : count + (this.excess.get(cluster) ?? 0);
  }

  useOf(cluster: number): Use {
    return (this.stateOf(cluster) & USE_MASK) as Use;
  }

  /** Whether the references to a cluster can't all be right. */
  isContested(cluster: number): boolean {
    return (this.stateOf(cluster) & CONTESTED) !== 0;
  }

  /** Notes that the references to a cluster can't all be right, for a reason that is not seen from them alone. */
  contest(cluster: number): void {
    const at = this.placeOf(cluster);
    const slab = this.slabs[at >> SLAB_BITS];
    if (slab) slab.state[at & (SLAB - 1)] = this.stateOf(cluster) | CONTESTED;
  }

  /** The first cluster of `[from, to)` that something refers to, or `to`; in the window. */
  nextReferenced(from: number, to: number): number {
    for (let cluster = from; cluster < to;) {
      const pageEnd = Math.min(to, (cluster | (PAGE - 1)) + 1);
      const at = this.placeOf(cluster);
      const state = at < 0 ? undefined : this.slabs[at >> SLAB_BITS]?.state;
      if (state) {
        for (let index = at & (SLAB - 1); cluster < pageEnd; cluster += 1, index += 1) {
          if (state[index] !== 0) return cluster;
        }
      }
      cluster = pageEnd;
    }
    return to;
  }

  private stateOf(cluster: number): number {
    const at = this.placeOf(cluster);
    return this.slabs[at >> SLAB_BITS]?.state[at & (SLAB - 1)] ?? 0;
  }

  /** Where a cluster's counters are, in all slabs; -1 where nothing in its page is referred to. */
  private placeOf(cluster: number): number {
    const slot = cluster < this.clusters ? (this.directory[cluster >>> PAGE_BITS] ?? -1) : -1;
    return slot < 0 ? -1 : (slot << PAGE_BITS) | (cluster & (PAGE - 1));
  }

  private count({ count }: Slab, index: number, cluster: number, weight: number): void {
    const sum = (count[index] ?? 0) + weight;
    if (sum <= this.most) {
      count[index] = sum;
      return;
    }
    if (this.excess.size >= MAX_EXCESS && !this.excess.has(cluster)) this.shorten();
    if (cluster >= this.to) return;
    count[index] = this.most;
    this.excess.set(cluster, (this.excess.get(cluster) ?? 0) + sum - this.most);
  }

  private claimed(
    { state, guest }: Slab,
    index: number,
    weight: number,
    use: Use,
    claim: Claim,
    guestCluster: number,
  ): number {
    const before = state[index] ?? 0;
    const claims = before & (STANDARD | COMPRESSED | METADATA);
    if (claims === 0) {
      if (guest && claim === STANDARD) guest[index] = guestCluster;
      // A table that is referred to from one place is that of one state; one referred to twice may be a snapshot's too.
      return claim | use | (claim !== COMPRESSED && weight > 1 && !this.shared ? CONTESTED : 0);
    }
    const right =
      claims === claim && (claim === COMPRESSED || (claim === STANDARD && guest?.[index] === guestCluster >>> 0));
    const now = before & USE_MASK;
    // What the current state uses is not a snapshot's alone.
    const kept = now === Use.SnapshotData && use !== Use.SnapshotData ? use : now;
    return (before & ~USE_MASK) | claim | kept | (right ? 0 : CONTESTED);
  }

  /** Where a cluster's counters are, in all slabs, making room for them; -1 when the window had to end before it. */
  private place(cluster: number): number {
    const at = this.placeOf(cluster);
    if (at >= 0) return at;
    const page = cluster >>> PAGE_BITS;
    if (this.free.length === 0 && !this.grow()) this.endBefore(page);
    if (cluster >= this.to) return -1;
    this.directory[page] = this.free.pop() ?? -1;
    this.used.push(page);
    this.lastPage = Math.max(this.lastPage, page);
    return this.placeOf(cluster);
  }

  private grow(): boolean {
    if (this.slabs.length >= this.maxSlabs) return false;
    const first = this.slabs.length * PAGES_PER_SLAB;
    this.slabs.push({
      count: this.shared ? new Uint32Array(SLAB) : new Uint16Array(SLAB),
      state: new Uint8Array(SLAB),
      guest: this.shared ? new Uint32Array(SLAB) : undefined,
    });
    for (let slot = first + PAGES_PER_SLAB - 1; slot >= first; slot -= 1) this.free.push(slot);
    return true;
  }

  /** Lets the window end before a page there is no room for; it is behind all others when a file was filled in order. */
  private endBefore(page: number): void {
    if (page > this.lastPage) this.to = page * PAGE;
    else this.shorten();
  }

  /** Lets the window end where half of the room is used, and takes back what lies behind. */
  private shorten(): void {
    this.used.sort((a, b) => a - b);
    const kept = this.used.slice(0, this.used.length >>> 1);
    const dropped = this.used.slice(kept.length);
    this.to = (dropped[0] ?? 0) * PAGE;
    for (const page of dropped) this.release(page);
    this.used = kept;
    this.lastPage = kept.at(-1) ?? -1;
    for (const cluster of this.excess.keys()) if (cluster >= this.to) this.excess.delete(cluster);
  }

  private release(page: number): void {
    const slot = this.directory[page] ?? -1;
    const slab = this.slabs[Math.floor(slot / PAGES_PER_SLAB)];
    if (!slab) return;
    const at = (slot % PAGES_PER_SLAB) * PAGE;
    slab.count.fill(0, at, at + PAGE);
    slab.state.fill(0, at, at + PAGE);
    this.directory[page] = -1;
    this.free.push(slot);
  }
}
