import { spawnSync } from 'node:child_process';
import type { HostExtents } from '../core';
import type { FileOptions } from './files';
import { findTool } from './tools';

/**
 * Node can't ask the file system for holes (lseek with SEEK_DATA), but programs that nearly every Linux and macOS has
 * can. Each prints "start end" of every range of data, one a line.
 */
interface HoleTool {
  readonly program: string;
  readonly args: readonly string[];
}

// SEEK_DATA and SEEK_HOLE are 3 and 4 on Linux and the BSDs, 4 and 3 on macOS.
const [SEEK_DATA, SEEK_HOLE] = process.platform === 'darwin' ? [4, 3] : [3, 4];

const PERL = `
sysopen(my $file, $ARGV[0], 0) or exit 1;
my $at = 0;
while (defined(my $data = sysseek($file, $at, ${SEEK_DATA}))) {
  $data += 0;
  my $hole = sysseek($file, $data, ${SEEK_HOLE});
  exit 1 unless defined $hole;
  print "$data $hole\\n";
  $at = $hole;
}
exit($!{ENXIO} ? 0 : 1);
`;

const PYTHON = `
import errno, os, sys
file = os.open(sys.argv[1], os.O_RDONLY)
at = 0
try:
    while True:
        data = os.lseek(file, at, os.SEEK_DATA)
        at = os.lseek(file, data, os.SEEK_HOLE)
        sys.stdout.write("%d %d\\n" % (data, at))
except OSError as error:
    sys.exit(0 if error.errno == errno.ENXIO else 1)
`;

const TOOLS: readonly HoleTool[] = [
  { program: 'perl', args: ['-MErrno', '-e', PERL] },
  { program: 'python3', args: ['-I', '-S', '-c', PYTHON] },
];

const TIMEOUT_MS = 10_000;
/**
 * A file in more pieces than this prints more: its holes are then not told. That is about a million pieces; reading so
 * much takes some four times its size for a moment.
 */
const MAX_OUTPUT_BYTES = 24 << 20;

/** Data and holes of a file; all of it as data, marked as assumed, when the platform does not tell. */
export function hostExtents(file: string, size: number, { platformTools }: FileOptions): HostExtents {
  const assumed: HostExtents = { bounds: Float64Array.of(0, size), startsWithData: true, certainty: 'assumed' };
  if (size === 0) return { ...assumed, certainty: 'exact' };
  if (!platformTools || process.platform === 'win32') return assumed;
  for (const { program, args } of TOOLS) {
    const found = findTool(program);
    if (found === undefined) continue;
    const run = spawnSync(found, [...args, file], {
      encoding: 'latin1',
      timeout: TIMEOUT_MS,
      maxBuffer: MAX_OUTPUT_BYTES,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    if (run.status === 0) return fromRanges(run.stdout, size);
  }
  return assumed;
}

/** @param text lines of "start end", rising, of the ranges that hold data */
export function fromRanges(text: string, size: number): HostExtents {
  const bounds = [0];
  let startsWithData = false;
  // Not all lines at a time: each would be an object of its own.
  for (let at = 0, lineEnd = 0; at < text.length; at = lineEnd + 1) {
    const newline = text.indexOf('\n', at);
    lineEnd = newline < 0 ? text.length : newline;
    const space = text.indexOf(' ', at);
    if (space < 0 || space > lineEnd) continue;
    const from = Number(text.slice(at, space));
    const to = Number(text.slice(space + 1, lineEnd));
    const start = Math.min(from, size);
    const end = Math.min(to, size);
    if (!(end > start)) continue;
    if (start === 0) startsWithData = true;
    else if (start === bounds.at(-1)) bounds.pop();
    else bounds.push(start);
    if (end < size) bounds.push(end);
  }
  bounds.push(size);
  return { bounds: Float64Array.from(bounds), startsWithData, certainty: 'exact' };
}
