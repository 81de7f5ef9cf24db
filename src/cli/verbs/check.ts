import type { CheckCounts, CheckProblem, CheckReport, Finding, Layer } from '../../core';
import {
  COMPLETE_FIRST,
  endsEarly,
  faultsFound,
  formatBytes,
  formatCount,
  formatOffset,
  isRepaired,
  placesListed,
  unitName,
} from '../../core';
import { findingJson, findingLines } from '../findings';
import { openImage, percent } from '../image';
import { Output, tell } from '../output';
import { ProgressLine } from '../progress';
import { ourCommand, paint, plain } from '../text';
import type { ExitCode, Verb } from '../verb';

const DETAILS = `
Checks that an image is consistent by itself; what it stands on is not needed. It counts every reference to every
cluster of the file and compares that with the image's own reference counts, as "qemu-img check" does, and says of
each problem who refers to that place and which of the guest's bytes it touches. Nothing is written.

With --output json: the keys of "qemu-img check --output=json", left out where they are 0 as it does, and
further (corruptions that qemu-img does not look for), problems: [ { code, severity, message, advice, offset, counts,
times, host: { start, end }, claims: [ … ], guest: [ { view, start, end } ], guestPlaces? } ], untold, how many more
problems there are, and findings: what was told of the image when it was opened, such as a parent that is missing.
These are no part of the check, and the exit code does not tell of them. guestPlaces is how many places of the disk a
problem touches where guest lists only the first.

Of an image that a machine is writing to, what is found may be of no one moment: check it when the machine is off.

Exit codes, as of qemu-img check: 0 consistent, 1 the check could not be completed, 2 corruptions, 3 leaked clusters and
nothing else, 63 a format that has nothing to check.
`;

const CODE = { fine: 0, incomplete: 1, corrupt: 2, leaks: 3, nothingToCheck: 63 } as const;

export const check: Verb = {
  name: 'check',
  operands: ['IMAGE'],
  summary: 'whether an image is consistent, and what a problem touches',
  details: DETAILS,
  options: {},
  usageCode: CODE.incomplete,
  run: (invocation) => {
    const [file = ''] = invocation.operands;
    const { session, names } = openImage(invocation, file);
    const layer = session.chain.layers[0]?.layer;
    const report = layer && runCheck(layer);
    if (!report) {
      tell(`${plain(file)}: the format ${layer?.format ?? ''} has nothing to check`);
      return CODE.nothingToCheck;
    }
    const output = new Output();
    const name = names[0] ?? file;
    const findings = session.findings(0).filter(({ severity }) => severity !== 'info');
    if (invocation.json) output.json({ ...checkJson(report, name, layer.format), findings: findings.map(findingJson) });
    else humanLines(report, layer, name, findings).forEach((line) => output.line(line));
    output.flush();
    return exitCode(report.counts);
  },
};

function runCheck(layer: Layer): CheckReport | undefined {
  const job = layer.check?.();
  if (!job) return undefined;
  const line = new ProgressLine();
  try {
    for (;;) {
      const step = job.next();
      if (step.done) return step.value;
      line.update(`checking: ${percent(step.value.done, step.value.total)} %`);
    }
  } finally {
    line.clear();
  }
}

function exitCode({ checkErrors, corruptions, further, leaks }: CheckCounts): ExitCode {
  if (checkErrors > 0) return CODE.incomplete;
  if (corruptions + further > 0) return CODE.corrupt;
  return leaks > 0 ? CODE.leaks : CODE.fine;
}

function checkJson({ counts, problems, untold }: CheckReport, filename: string, format: string): object {
  const some = (key: string, count: number | undefined): Record<string, number> =>
    count === undefined || count === 0 ? {} : { [key]: count };
  return {
    ...some('image-end-offset', counts.imageEnd),
    ...some('total-clusters', counts.totalClusters),
    'check-errors': counts.checkErrors,
    ...some('corruptions', counts.corruptions),
    ...some('leaks', counts.leaks),
    ...some('allocated-clusters', counts.allocatedClusters),
    ...some('fragmented-clusters', counts.fragmentedClusters),
    ...some('compressed-clusters', counts.compressedClusters),
    filename,
    format,
    further: counts.further,
    problems: problems.map(problemJson),
    untold,
  };
}

function problemJson(problem: CheckProblem): Record<string, unknown> {
  const { counts, times, host, claims, guest, guestPlaces } = problem;
  const more = guestPlaces === undefined ? {} : { guestPlaces };
  return { ...findingJson(problem), counts, times, ...(host && { host }), claims, guest, ...more };
}

function humanLines(
  { counts, problems, untold }: CheckReport,
  layer: Layer,
  name: string,
  all: readonly Finding[],
): string[] {
  // What was found on opening may be one of the problems.
  const findings = all.filter(({ message }) => !problems.some((problem) => problem.message === message));
  const found = [
    ...findings.flatMap((finding) => findingLines(finding)),
    ...problems.flatMap((problem) => [...findingLines(problem), ...touchLines(problem, layer)]),
  ];
  return [
    ...found,
    ...(untold === 0 ? [] : [`… and ${formatCount(untold)} more`]),
    ...(found.length === 0 ? [] : ['']),
    `${paint('bold', plain(name))}: ${faultsFound(counts) ?? 'consistent by itself'}${worry(findings)}`,
    ...layoutLines(counts, layer),
    ...(isRepaired(layer.format) ? mendLines(counts, endsEarly(problems), name) : []),
  ];
}

/** The command that mends it, or as much of it as can be. */
function mendLines({ corruptions, further, leaks }: CheckCounts, isCut: boolean, name: string): string[] {
  if (corruptions + further > 0) {
    const repair = ourCommand('repair', name, '--mode', 'all');
    if (isCut) return [COMPLETE_FIRST, `Only where there is none, all that changes being kept: ${repair}`];
    return [`To mend what can be, all that changes being kept: ${repair}`];
  }
  return leaks > 0 ? [`To free what is leaked: ${ourCommand('repair', name, '--mode', 'leaks')}`] : [];
}

function touchLines(problem: CheckProblem, { views }: Layer): string[] {
  const { claims, guest } = problem;
  const listed = placesListed(problem);
  const nameOf = (id: string): string => (id === '' ? '' : ` of ${views.find((view) => view.id === id)?.name ?? id}`);
  return [
    ...claims.map((claim) => `         claimed by ${plain(claim)}`),
    ...guest.map(({ view, start, end }) => {
      return `         guest bytes ${formatOffset(start)} to ${formatOffset(end)}${plain(nameOf(view))}`;
    }),
    ...(listed === undefined ? [] : [`         (${listed})`]),
  ];
}

/** An image can be consistent and yet no machine will boot from it. */
function worry(findings: readonly Finding[]): string {
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  return errors === 0 ? '' : `, but see ${errors === 1 ? 'the error' : `the ${errors} errors`} above`;
}

function layoutLines(counts: CheckCounts, { format, files }: Layer): string[] {
  const { totalClusters, allocatedClusters, fragmentedClusters, compressedClusters, imageEnd } = counts;
  const share = (part: number, whole: number): string =>
    whole === 0 ? '0 %' : `${((part / whole) * 100).toFixed(2)} %`;
  return [
    `${formatCount(allocatedClusters)} of ${formatCount(totalClusters)} ${unitName(format)}s are allocated ` +
      `(${share(allocatedClusters, totalClusters)}), ${share(fragmentedClusters, allocatedClusters)} of them ` +
      `fragmented, ${share(compressedClusters, allocatedClusters)} compressed`,
    // Of a disk of several files it is the end of the one that lists the others.
    ...(imageEnd === undefined || files
      ? []
      : [`the image ends at ${formatOffset(imageEnd)} (${formatBytes(imageEnd)})`]),
  ];
}
