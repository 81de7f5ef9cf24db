import type { CheckCounts, CheckProblem, CheckReport, Job, Progress } from '../../model';
import { Use } from '../../model';
import { BlockNotes } from '../check/faults';
import { checkExtent } from './check';
import type { ExtentLine } from './descriptor';
import type { OpenedExtent } from './extents';

/** Problems that are told one by one, of all extents together. */
const MOST_TOLD = 1000;

type Report = Pick<CheckReport, 'counts' | 'problems' | 'untold'>;

/**
 * Checks the extents of a disk one after the other. The map of the file is that of the descriptor alone, which is the image.
 * @param lines all extents that the disk has, @param size bytes of the descriptor
 */
export function* checkExtents(
  opened: readonly OpenedExtent[],
  lines: readonly ExtentLine[],
  size: number,
): Job<CheckReport> {
  const total = lines.reduce((sum, line) => sum + line.size, 0) + 1;
  const reports: Report[] = [unopened(opened, lines)];
  for (const extent of opened) {
    if (!extent.sparse) {
      reports.push(flat(extent));
      continue;
    }
    const job = checkExtent(extent.sparse);
    const report = yield* withProgress(job, extent, total);
    reports.push({ ...report, problems: report.problems.map((problem) => ofExtent(problem, extent)) });
  }
  const problems = reports.flatMap((report) => report.problems);
  return {
    counts: { ...summed(reports.map(({ counts }) => counts)), imageEnd: size },
    problems: problems.slice(0, MOST_TOLD),
    untold: reports.reduce((sum, { untold }) => sum + untold, 0) + Math.max(0, problems.length - MOST_TOLD),
    file: { count: 1, start: Float64Array.of(0, size), use: Uint8Array.of(Use.Header) },
  };
}

function* withProgress(
  job: Job<CheckReport>,
  { start, line }: OpenedExtent,
  total: number,
): Generator<Progress, CheckReport, void> {
  for (;;) {
    const step = job.next();
    if (step.done) return step.value;
    const share = step.value.total > 0 ? step.value.done / step.value.total : 0;
    yield { done: start + line.size * share, total };
  }
}

/** What can't be checked since it could not be opened; extents of zeros are nowhere. */
function unopened(opened: readonly OpenedExtent[], lines: readonly ExtentLine[]): Report {
  const notes = new BlockNotes();
  const missing = lines.filter((line) => line.type !== 'ZERO').length - opened.length;
  if (missing > 0) {
    notes.add('error', missing, 'check-incomplete', () => ({
      message: `${missing} of ${lines.length} extents could not be opened: they are not checked`,
      claims: [],
      guest: [],
    }));
  }
  return reportOf(notes);
}

/** Of a flat extent QEMU looks whether it begins in its file. */
function flat({ line: { offset, size }, fileSize, start, words }: OpenedExtent): Report {
  const notes = new BlockNotes();
  if (offset >= fileSize) {
    notes.add('corruption', 1, 'past-end', () => ({
      message: `${words} is said to begin past the end of its file`,
      claims: [],
      guest: [{ view: '', start, end: start + size }],
    }));
  }
  return reportOf(notes);
}

function reportOf(notes: BlockNotes): Report {
  const counts = { ...NOTHING, ...notes.counts };
  return { counts, problems: notes.kept, untold: notes.untold };
}

const NOTHING: CheckCounts = {
  checkErrors: 0,
  corruptions: 0,
  leaks: 0,
  further: 0,
  imageEnd: undefined,
  totalClusters: 0,
  allocatedClusters: 0,
  fragmentedClusters: 0,
  compressedClusters: 0,
};

function summed(all: readonly CheckCounts[]): CheckCounts {
  return all.reduce(
    (sum, counts) => ({
      checkErrors: sum.checkErrors + counts.checkErrors,
      corruptions: sum.corruptions + counts.corruptions,
      leaks: sum.leaks + counts.leaks,
      further: sum.further + counts.further,
      imageEnd: undefined,
      totalClusters: sum.totalClusters + counts.totalClusters,
      allocatedClusters: sum.allocatedClusters + counts.allocatedClusters,
      fragmentedClusters: sum.fragmentedClusters + counts.fragmentedClusters,
      compressedClusters: sum.compressedClusters + counts.compressedClusters,
    }),
    NOTHING,
  );
}

/** A problem of one file of several: it says of which, and no place in the image's own file. */
function ofExtent(problem: CheckProblem, { words, start }: OpenedExtent): CheckProblem {
  const { offset, message, guest } = problem;
  const place = offset === undefined ? '' : ` (byte ${offset} of the file)`;
  return {
    ...problem,
    offset: undefined,
    host: undefined,
    message: `${words}: ${message}${place}`,
    guest: guest.map((range) => ({ ...range, start: range.start + start, end: range.end + start })),
  };
}
