/** What `vmdisk check --output json` prints, and how it compares with `qemu-img check --output=json`. */
import type { Place } from './damage/damage';

export interface CheckOutput {
  readonly filename: string;
  readonly problems: readonly ProblemOutput[];
  /** How many that `qemu-img check` does not look for. */
  readonly further: number;
  /** How many problems are not listed. */
  readonly untold: number;
}

interface ProblemOutput {
  readonly code: string;
  readonly message: string;
  readonly counts: 'corruption' | 'leak' | 'error' | 'further';
  readonly times: number;
  readonly offset?: number;
  readonly host?: { readonly start: number; readonly end: number };
  readonly guest: readonly { readonly view: string; readonly start: number; readonly end: number }[];
}

/** Beside the file's name, which depends on how an image was opened. */
const NOT_COMPARED = ['filename', 'problems', 'further', 'untold', 'findings'];

/** How a file is laid out, of which qemu-img tells nothing in some formats, and in some not where it ends. */
const LAYOUT = ['total-clusters', 'allocated-clusters', 'fragmented-clusters', 'compressed-clusters'];
const END = 'image-end-offset';

/** The part that qemu-img prints as well, without the file's name. @param report what it prints of this file */
export function qemuKeys(
  output: CheckOutput,
  report: object = { [END]: 0, 'total-clusters': 0 },
): Record<string, unknown> {
  const untold = ['total-clusters' in report ? [] : LAYOUT, END in report ? [] : [END]].flat();
  const left = [...NOT_COMPARED, ...untold];
  return Object.fromEntries(Object.entries(output).filter(([key]) => !left.includes(key)));
}

/** Whether one of the problems is about a place, by where it is in the file or by where the guest sees it. */
export function placeIsNamed({ problems }: CheckOutput, { host = [], guest, view = '' }: Place): boolean {
  const hosts = typeof host === 'number' ? [host] : host;
  return problems.some((problem) => {
    const { offset, host: place } = problem;
    const inFile = hosts.some((at) => at === offset || (place && inside(at, place)));
    return inFile || problem.guest.some((range) => range.view === view && inside(guest, range));
  });
}

function inside(at: number | undefined, { start, end }: { readonly start: number; readonly end: number }): boolean {
  return at !== undefined && start <= at && at < end;
}
