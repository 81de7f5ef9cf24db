import { Kind, Use, USE_COUNT } from '../../../src/core/model';
import type { CheckProblem, FileMap } from '../../../src/core/model';
import type { CheckSummary } from '../../../src/protocol/image';
import type { FakeLayer } from './disk';

/** Something wrong with a made-up file: so many clusters of a use, put in after a share of the file. */
export interface Fault {
  readonly use: Use;
  readonly at: number;
  readonly clusters: number;
  readonly problem: Omit<CheckProblem, 'host' | 'times'>;
}

const L2_ENTRIES = 8192;

/** The file of a made-up layer: its tables, its data in the order of the guest, a snapshot's, and what is wrong. */
export class FakeFile {
  readonly map: FileMap;
  readonly check: CheckSummary;

  constructor({ kinds, faults = [], snapshots = [], bitmaps = [] }: FakeLayer, private readonly cluster: number) {
    const uses: Use[] = [Use.Header, Use.Refcounts, Use.Refcounts, Use.L1];
    kinds.forEach((kind, index) => {
      if (index % L2_ENTRIES === 0) uses.push(Use.L2);
      if (kind === Kind.Data) uses.push(Use.Data);
      if (kind === Kind.Zero && index % 5 === 0) uses.push(Use.Preallocated);
      if (kind === Kind.Compressed && index % 2 === 0) uses.push(Use.Compressed);
    });
    snapshots.forEach(() => uses.push(Use.SnapshotTables, ...new Array<Use>(6000).fill(Use.SnapshotData)));
    bitmaps.forEach(() => uses.push(Use.Bitmaps, Use.Bitmaps));
    uses.push(...new Array<Use>(Math.ceil(uses.length / 20)).fill(Use.Free));
    const problems = faults.map(({ use, at, clusters, problem }): CheckProblem => {
      const from = Math.floor(at * uses.length);
      uses.fill(use, from, from + clusters);
      return { ...problem, times: clusters, host: { start: from * cluster, end: (from + clusters) * cluster } };
    });
    this.map = this.mapOf(uses);
    this.check = this.summary(uses, problems);
  }

  private mapOf(uses: readonly Use[]): FileMap {
    const starts = uses.flatMap((use, index) => (use === uses[index - 1] ? [] : [index]));
    return {
      count: starts.length,
      start: Float64Array.from([...starts, uses.length], (index) => index * this.cluster),
      use: Uint8Array.from(starts, (index) => uses[index] ?? 0),
    };
  }

  private summary(uses: readonly Use[], problems: readonly CheckProblem[]): CheckSummary {
    const sums = new Array<number>(USE_COUNT).fill(0);
    for (const use of uses) sums[use] = (sums[use] ?? 0) + this.cluster;
    const times = (counts: CheckProblem['counts']): number =>
      problems.filter((problem) => problem.counts === counts).reduce((sum, problem) => sum + problem.times, 0);
    const end = uses.length * this.cluster;
    const data = uses.filter((use) => use === Use.Data).length;
    return {
      counts: {
        checkErrors: 0, corruptions: times('corruption'), leaks: times('leak'), further: times('further'), imageEnd: end,
        totalClusters: 655_360, allocatedClusters: data, fragmentedClusters: Math.round(data * 0.03), compressedClusters: 0,
      },
      problems, untold: 0, fileEnd: end, uses: sums,
    };
  }
}
