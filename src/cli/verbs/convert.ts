import type { Progress } from '../../core';
import { formatBytes } from '../../core';
import { codecsReady } from '../../node/codecs';
import { compressorOf } from '../../node/compressors';
import { TRUST_ALL } from '../../node/gate';
import { flatten } from '../../node/work/flatten';
import { SNAPSHOT_OPTION } from '../args';
import { openImage, percent, tellFindings } from '../image';
import { interruptible } from '../interrupt';
import { Output, tell } from '../output';
import { ProgressLine } from '../progress';
import { plain } from '../text';
import type { Invocation, Verb } from '../verb';
import { EXIT, UsageError } from '../verb';

const DETAILS = `
Writes what the guest reads from the disk, through all its layers, to a new image that stands by itself. Zeros
take no space in it: they are holes in a raw file, and unallocated in qcow2 (version 3, clusters of 64 KiB).

OUT is there once it is complete, or not at all: it is written under another name beside its place and brought
to the disk first. A file of the chain itself is never written to.

What can't be read (a parent is missing, content is encrypted, a table is broken) ends the copy with an error
that names the first byte concerned. So does a file that was cut short, where a table or a whole piece of data lies
past its end and no newer layer hides that: a VM reads zeros there, and --salvage copies these. A file that ends
inside its last piece of data can't be told from one that is whole.
`;

const FORMATS = ['raw', 'qcow2'] as const;
const COMPRESSIONS = ['zlib', 'zstd'] as const;

export const convert: Verb = {
  name: 'convert',
  operands: ['IMAGE', 'OUT'],
  summary: 'the disk, flattened into a new image',
  details: DETAILS,
  options: {
    'target-format': { value: 'raw|qcow2', short: 'O', help: 'the format of OUT; raw when left out' },
    compress: { value: 'zlib|zstd', short: 'c', help: 'compress the clusters of a qcow2 image' },
    ...SNAPSHOT_OPTION,
    force: { help: 'replace OUT if there is such a file' },
    salvage: { help: 'copy what there is of a file that was cut short, and zeros for the rest' },
    verify: { help: 'read OUT again and compare it with IMAGE before it gets its name' },
  },
  run: async (invocation) => {
    const format = oneOf(invocation, 'target-format', FORMATS) ?? 'raw';
    const compression = oneOf(invocation, 'compress', COMPRESSIONS);
    if (compression && format === 'raw')
      throw new UsageError("a raw image can't be compressed: --compress goes with -O qcow2");
    const compressor = compression && (await compressorOf(compression));
    await codecsReady();
    const [image = '', target = ''] = invocation.operands;
    const open = openImage(invocation, image);
    try {
      const job = {
        target,
        replace: invocation.flag('force'),
        format,
        compressor,
        verify: invocation.flag('verify'),
        salvage: invocation.flag('salvage'),
        policy: TRUST_ALL,
      };
      const written = await withProgress(flatten(open.session, job));
      if (invocation.json) printJson({ filename: target, format, ...written });
      else printHuman(target, format, written);
      if (format === 'raw' && /\.qcow2?$/i.test(target))
        tell(`${plain(target)}: written as raw, whatever its name says; -O qcow2 makes a qcow2 image`);
      tellFindings(open);
      return EXIT.fine;
    } finally {
      open.session.close();
    }
  },
};

function oneOf<T extends string>(invocation: Invocation, option: string, known: readonly T[]): T | undefined {
  const value = invocation.value(option);
  if (value === undefined) return undefined;
  const found = known.find((candidate) => candidate === value);
  if (found === undefined) throw new UsageError(`--${option} is ${known.join(' or ')}, not "${value}"`);
  return found;
}

async function withProgress(job: Generator<Progress, Written, void>): Promise<Written> {
  const line = new ProgressLine();
  try {
    return await interruptible(job, ({ done, total }) => {
      line.update(`converting: ${percent(done, total)} %`);
    });
  } finally {
    line.clear();
  }
}

interface Written {
  readonly guestSize: number;
  readonly fileSize: number;
  readonly diskUsage: number | undefined;
}

function printJson(value: object): void {
  const output = new Output();
  output.json(value);
  output.flush();
}

function printHuman(target: string, format: string, { guestSize, fileSize, diskUsage }: Written): void {
  const usage = diskUsage === undefined ? '' : `, ${formatBytes(diskUsage)} of it on the disk`;
  const output = new Output();
  output.line(`${plain(target)}: ${format}, ${formatBytes(guestSize)} in a file of ${formatBytes(fileSize)}${usage}`);
  output.flush();
}
