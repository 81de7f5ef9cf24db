import * as fs from 'node:fs';
import type { Ranges } from '../../core';
import {
  allocationDiffersAt,
  compareInto,
  DiskError,
  finish,
  formatBytes,
  formatCount,
  formatOffset,
  MAX_RANGES,
  oneLine,
  RangesBuilder,
} from '../../core';
import { codecsReady } from '../../node/codecs';
import type { OpenImage } from '../image';
import { openDisk, percent, tellDoubts } from '../image';
import { Output, tell } from '../output';
import { ProgressLine } from '../progress';
import { paint, plain, table } from '../text';
import type { ExitCode, Invocation, Verb } from '../verb';

const DETAILS = `
Compares what a guest reads of two disks, byte by byte, and lists every range that differs, in sectors of 512
bytes. Where both answer from the same place in the same file nothing is read: snapshots of one disk compare fast.
The sizes may differ: what the longer disk has past the end of the other must then read as zero.

A or B may be IMAGE@SNAPSHOT: an internal snapshot by its id or name. A file of that whole name comes first.

With --output json: { sizeA, sizeB, differences: [ { start, length } ], unknown: [ { start, length } ], identical,
bytesDifferent, bytesUnknown, bytesSkipped }. unknown is what could not be compared, since a parent is missing or
content is encrypted or broken on one side; it lists the first ${formatCount(MAX_RANGES)} ranges, differences all.

With --strict the sizes must be the same too, and what is allocated: data, zeros, compressed clusters and places that
no layer holds are then not the same, though they may read so. JSON tells "allocationDiffersAt", a guest offset.

Exit codes, as of qemu-img compare: 0 the same, 1 different, 2 an image can't be opened, 4 some of it can't be read
and the rest is the same.
`;

const CODE = { same: 0, different: 1, notOpened: 2, notRead: 4 } as const;

export const compare: Verb = {
  name: 'compare',
  operands: ['A', 'B'],
  summary: 'where two disks differ, for the guest',
  details: DETAILS,
  options: {
    strict: { short: 's', help: 'sizes, and what is allocated, must be the same too' },
    'b-format': { value: 'FORMAT', short: 'F', help: 'take B as this format instead of probing it; --format is of A' },
  },
  run: async (invocation) => {
    await codecsReady();
    const images: OpenImage[] = [];
    try {
      const [a = '', b = ''] = invocation.operands;
      images.push(openNamed(a, invocation.value('format')), openNamed(b, invocation.value('b-format')));
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      tell(plain(oneLine(error)));
      return CODE.notOpened;
    }
    const [a, b] = images;
    return a && b ? compareImages(invocation, a, b) : CODE.notOpened;
  },
};

/**
 * `IMAGE@SNAPSHOT` parts at the last `@` before which there is a file's name, unless there is a file of the whole name.
 * @throws DiskError, UsageError
 */
function openNamed(text: string, format: string | undefined): OpenImage {
  for (let at = text.length; at > 0; at = text.lastIndexOf('@', at - 1)) {
    const file = text.slice(0, at);
    if (fs.existsSync(file))
      return openDisk(file, { format, snapshot: at < text.length ? text.slice(at + 1) : undefined });
  }
  return openDisk(text, { format, snapshot: undefined });
}

interface Totals {
  /** Both are the same by content, and also by size and allocation where that was asked for. */
  readonly identical: boolean;
  /** Guest offset, where that was asked for and they are not allocated in the same way. */
  readonly allocationDiffersAt: number | undefined;
  readonly ranges: number;
  readonly different: number;
  readonly unknown: number;
  readonly skipped: number;
}

interface Printer {
  different(ranges: Ranges): void;
  end(totals: Totals, unknown: Ranges): void;
}

function compareImages(invocation: Invocation, a: OpenImage, b: OpenImage): ExitCode {
  const output = new Output();
  const print = invocation.json ? new JsonPrinter(output, a, b) : new HumanPrinter(output, a, b);
  const different = new RangesBuilder();
  const unknown = new RangesBuilder(MAX_RANGES);
  const line = new ProgressLine();
  const job = compareInto(a.session, b.session, different, unknown);
  let step = job.next();
  for (; !step.done; step = job.next()) {
    print.different(different.drain());
    line.update(`comparing: ${percent(step.value.done, step.value.total)} %`);
  }
  print.different(different.finish());
  const strict = invocation.flag('strict');
  const sameSize = a.session.view.guestSize === b.session.view.guestSize;
  const allocationDiffers = strict && sameSize ? finish(allocationDiffersAt(a.session, b.session)) : undefined;
  line.clear();
  const same = different.bytes === 0 && (!strict || (sameSize && allocationDiffers === undefined));
  const totals: Totals = {
    identical: same && unknown.bytes === 0,
    allocationDiffersAt: allocationDiffers,
    ranges: different.length,
    different: different.bytes,
    unknown: unknown.bytes,
    skipped: step.value,
  };
  print.end(totals, unknown.finish());
  output.flush();
  tellDoubts([a, b]);
  if (!same) return CODE.different;
  return totals.unknown > 0 ? CODE.notRead : CODE.same;
}

/** Ranges go out as they are found, so that memory does not depend on how many there are. */
class JsonPrinter implements Printer {
  private before = '\n';

  constructor(
    private readonly output: Output,
    a: OpenImage,
    b: OpenImage,
  ) {
    output.line('{');
    output.line(`    "sizeA": ${a.session.view.guestSize},`);
    output.line(`    "sizeB": ${b.session.view.guestSize},`);
    output.write('    "differences": [');
  }

  different(ranges: Ranges): void {
    this.list(ranges);
  }

  end(
    { identical, allocationDiffersAt: at, ranges, different, unknown, skipped }: Totals,
    unknownRanges: Ranges,
  ): void {
    this.endList(ranges);
    this.output.write('    "unknown": [');
    this.before = '\n';
    this.list(unknownRanges);
    this.endList(unknownRanges.count);
    this.output.line(`    "identical": ${identical},`);
    if (at !== undefined) this.output.line(`    "allocationDiffersAt": ${at},`);
    this.output.line(`    "bytesDifferent": ${different},`);
    this.output.line(`    "bytesUnknown": ${unknown},`);
    this.output.line(`    "bytesSkipped": ${skipped}`);
    this.output.line('}');
  }

  private list({ count, start, end }: Ranges): void {
    for (let i = 0; i < count; i += 1) {
      const from = start[i] ?? 0;
      this.output.write(`${this.before}        { "start": ${from}, "length": ${(end[i] ?? 0) - from} }`);
      this.before = ',\n';
    }
  }

  private endList(count: number): void {
    this.output.line(count === 0 ? '],' : '\n    ],');
  }
}

/** How many ranges a person is shown. */
const SHOWN = 20;

class HumanPrinter implements Printer {
  private readonly first: (readonly [start: number, end: number])[] = [];

  constructor(
    private readonly output: Output,
    private readonly a: OpenImage,
    private readonly b: OpenImage,
  ) {}

  different(ranges: Ranges): void {
    this.first.push(...firstOf(ranges, SHOWN - this.first.length));
  }

  end(
    { identical, allocationDiffersAt: at, ranges, different, unknown, skipped }: Totals,
    unknownRanges: Ranges,
  ): void {
    const { output } = this;
    const asFarAs = unknown > 0 && ranges === 0 && at === undefined;
    const verdict = identical ? 'are the same' : asFarAs ? 'are the same as far as can be known' : 'differ';
    output.line(paint('bold', `${nameOf(this.a)} and ${nameOf(this.b)} ${verdict}`));
    const [sizeA, sizeB] = [this.a.session.view.guestSize, this.b.session.view.guestSize];
    if (sizeA !== sizeB) output.line(`The sizes are not the same: ${formatBytes(sizeA)} and ${formatBytes(sizeB)}.`);
    if (at !== undefined) output.line(`They are allocated differently, from ${formatOffset(at)} on.`);
    if (ranges > 0) this.table(`${formatBytes(different)} differ, in ${inRanges(ranges)}:`, this.first, ranges);
    if (unknown > 0) {
      const text = `${formatBytes(unknown)} can't be compared, in ${inRanges(unknownRanges.count)}:`;
      this.table(text, firstOf(unknownRanges, SHOWN), unknownRanges.count);
    }
    if (skipped > 0) {
      if (ranges + unknown > 0) output.line();
      const why = 'both have them in the same place, or read as zero';
      output.line(`${formatBytes(skipped)} did not have to be read: ${why}.`);
    }
  }

  private table(title: string, ranges: readonly (readonly [number, number])[], count: number): void {
    const { output } = this;
    const columns = (['Start', 'End', 'Length'] as const).map((name) => ({ title: name, align: 'right' as const }));
    const rows = ranges.map(([start, end]) => [formatOffset(start), formatOffset(end), formatBytes(end - start)]);
    output.line();
    output.line(title);
    for (const line of table(columns, rows)) output.line(`  ${line}`);
    if (count > ranges.length) {
      output.line(`  … and ${formatCount(count - ranges.length)} more, which --output json lists`);
    }
  }
}

const inRanges = (count: number): string => (count === 1 ? '1 range' : `${formatCount(count)} ranges`);

function nameOf({ session, titles }: OpenImage): string {
  const { view } = session;
  return `${titles[0] ?? ''}${view.id === '' ? '' : ` at snapshot ${plain(view.name)}`}`;
}

function firstOf({ count, start, end }: Ranges, most: number): (readonly [number, number])[] {
  return Array.from({ length: Math.min(most, count) }, (_, i) => [start[i] ?? 0, end[i] ?? 0] as const);
}
