import { Use } from '../../../model';
import { formatCount } from '../../../units';
import type { Geometry } from '../mapping';
import type { Refcounts } from '../refcounts';
import { NOT_COUNTED } from '../refcounts';
import type { FileMapBuilder } from '../../check/fileMapBuilder';
import type { HostClusters } from './hostClusters';
import type { Description, Note, Notes } from './notes';

const SLICE = 1 << 16;

/** What is told of a cluster. */
type Fault = 'leaked' | 'overcounted' | 'uncounted' | 'overflow' | 'contested' | 'unreadable';
/** `open`: it may be counted too often, or be referred to by what was not read. */
type Verdict = Fault | 'right' | 'open';

/** Clusters next to each other of which the same is to be told. */
interface Stretch {
  readonly verdict: Fault;
  readonly start: number;
  end: number;
  readonly counted: number;
  readonly references: number;
}

/**
 * Compares the references to each cluster of a window with the image's own reference counts, as
 * block/qcow2-refcount.c does in compare_refcounts, and says what lies there.
 */
export class CountComparison {
  /** The last cluster that is referred to or counted; QEMU says 0 where there is none. */
  highest = 0;
  /** False where not all was read that may refer to clusters: then none is known to be leaked. */
  complete = true;
  private stretch: Stretch | undefined;

  constructor(
    private readonly clusters: HostClusters,
    private readonly refcounts: Refcounts,
    private readonly geometry: Geometry,
    private readonly notes: Notes,
    private readonly map: FileMapBuilder,
    /** Clusters that the file has; one more may be referred to. */
    private readonly fileClusters: number,
  ) {}

  /** Yields undefined between slices of work. */
  *run(): Generator<undefined, void, void> {
    const { clusters } = this;
    const end = Math.min(clusters.end, clusters.clusters);
    for (let from = clusters.start; from < end; from += SLICE) {
      if (from > clusters.start) yield undefined;
      this.compareAll(from, Math.min(end, from + SLICE));
    }
    this.flush();
  }

  private compareAll(from: number, to: number): void {
    const { clusters, refcounts, fileClusters } = this;
    let referred = from - 1;
    for (let cluster = from; cluster < to;) {
      if (referred < cluster) referred = clusters.nextReferenced(cluster, to);
      // The cluster behind the file's last has no count to look for.
      const unreferred = Math.min(referred, fileClusters);
      const counted = cluster < unreferred ? refcounts.nextCounted(cluster, unreferred) : unreferred;
      if (counted > cluster) this.free(counted);
      cluster = counted < unreferred ? counted : Math.max(cluster, referred);
      if (cluster < to) this.compare(cluster);
      cluster += 1;
    }
  }

  private free(end: number): void {
    this.map.append(Math.min(end, this.fileClusters) * this.geometry.clusterSize, Use.Free);
  }

  private compare(cluster: number): void {
    const counted = this.refcounts.of(cluster);
    const all = this.clusters.references(cluster);
    const references = Math.min(all, this.refcounts.most);
    if (counted > 0 || (counted === 0 && references > 0)) this.highest = cluster;
    if (all > references) this.tell('overflow', cluster, counted, all);
    const contested = this.clusters.isContested(cluster);
    const verdict = this.verdictOn(counted, references, contested);
    if (verdict !== 'right' && verdict !== 'open') this.tell(verdict, cluster, counted, references);
    const { clusterSize } = this.geometry;
    this.map.append((cluster + 1) * clusterSize, this.useOf(cluster, verdict, contested));
  }

  private useOf(cluster: number, verdict: Verdict, contested: boolean): Use {
    if (contested) return Use.Contested;
    if (verdict === 'uncounted') return Use.Uncounted;
    if (verdict === 'leaked') return Use.Leaked;
    const use = this.clusters.useOf(cluster);
    return (verdict === 'unreadable' || verdict === 'open') && use === Use.Free ? Use.Unknown : use;
  }

  private verdictOn(counted: number, references: number, contested: boolean): Verdict {
    if (counted === NOT_COUNTED) return 'unreadable';
    if (counted < references) return 'uncounted';
    if (counted > references) return !this.complete ? 'open' : references === 0 ? 'leaked' : 'overcounted';
    return contested ? 'contested' : 'right';
  }

  private tell(verdict: Fault, cluster: number, counted: number, references: number): void {
    const { stretch } = this;
    if (
      stretch?.end === cluster &&
      stretch.verdict === verdict &&
      stretch.counted === counted &&
      stretch.references === references
    ) {
      stretch.end += 1;
      return;
    }
    this.flush();
    this.stretch = { verdict, start: cluster, end: cluster + 1, counted, references };
  }

  private flush(): void {
    const { stretch } = this;
    this.stretch = undefined;
    if (!stretch) return;
    const { clusterSize } = this.geometry;
    const { most } = this.refcounts;
    const clusters = stretch.end - stretch.start;
    const times = stretch.verdict === 'overflow' ? clusters * (stretch.references - most) : clusters;
    const { code, counts } = ABOUT[stretch.verdict];
    this.notes.add(counts, times, code, () => describe(stretch, clusterSize, most));
  }
}

const ABOUT: Readonly<Record<Fault, { readonly code: string; readonly counts: Note['counts'] }>> = {
  leaked: { code: 'leaked', counts: 'leak' },
  overcounted: { code: 'overcounted', counts: 'leak' },
  uncounted: { code: 'uncounted', counts: 'corruption' },
  overflow: { code: 'refcount-overflow', counts: 'corruption' },
  contested: { code: 'contested', counts: 'further' },
  unreadable: { code: 'refcount-unreadable', counts: 'error' },
};

const DONT_WRITE =
  'Do not boot from it: a write there changes what something else relies on. Copy the disk out (vmdisk convert), or ' +
  'mend a copy with a repair of all.';

function describe(
  { verdict, start, end, counted, references }: Stretch,
  clusterSize: number,
  most: number,
): Description {
  const clusters = end - start;
  const host = { start: start * clusterSize, end: end * clusterSize };
  // Where they are is told with each problem.
  const what = clusters === 1 ? 'a cluster' : `${formatCount(clusters)} clusters in a row`;
  const is = clusters === 1 ? 'is' : 'are';
  const about = { offset: host.start, host };
  const claimed = { clusters: { start, end } };
  switch (verdict) {
    case 'leaked':
      return {
        ...about,
        message: `${what} ${is} counted as used, but nothing refers to ${clusters === 1 ? 'it' : 'them'}`,
        advice: 'Space is lost, nothing else: a repair of leaks frees it.',
      };
    case 'overcounted':
      return {
        ...about,
        message: `${what} ${is} referred to ${times(references)}, but counted ${times(counted)}`,
        advice: 'Space will not be freed when it could be, nothing else: a repair of leaks mends it.',
      };
    case 'uncounted':
      return {
        ...about,
        ...claimed,
        message: `${what} ${is} referred to ${times(references)}, but counted ${counted === 0 ? 'as free' : times(counted)}`,
        advice: DONT_WRITE,
      };
    case 'overflow':
      return {
        ...about,
        ...claimed,
        message: `${what} ${is} referred to ${times(references)}, more than a count goes (${most})`,
        advice: 'Copy the disk out (vmdisk convert): wider counts are needed.',
      };
    case 'unreadable':
      return {
        ...about,
        message: `the counts of ${formatCount(clusters)} clusters in a row can't be read`,
        advice: 'The reference count table is broken there: a repair of all makes a new one, on a copy.',
      };
    case 'contested':
      return {
        ...about,
        ...claimed,
        message: `${what} ${is} claimed by more than one, and counted so`,
        advice: DONT_WRITE,
      };
  }
}

const times = (count: number): string => (count === 1 ? 'once' : count === 2 ? 'twice' : `${formatCount(count)} times`);
