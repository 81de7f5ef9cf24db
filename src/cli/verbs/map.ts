import * as path from 'node:path';
import type { Finding, QemuMapEntry } from '../../core';
import { formatBytes, formatCount, formatOffset, qemuMap } from '../../core';
import { SNAPSHOT_OPTION } from '../args';
import type { OpenImage } from '../image';
import { openImage, percent, tellFindings } from '../image';
import { TRUST_ALL } from '../../node/gate';
import { countUnknown } from '../../node/scan/mapPiece';
import type { MapRemarks } from '../../node/scan/mapText';
import { writeMap } from '../../node/scan/mapText';
import { Output, stdoutIsTerminal, tell, writeBytes } from '../output';
import { ProgressLine } from '../progress';
import { pad, paint, plain } from '../text';
import type { ExitCode, Verb } from '../verb';
import { EXIT } from '../verb';

const DETAILS = `
Says of every byte of the guest's disk which layer answers a read of it, range by range. depth 0 is the image
itself, 1 its parent and so on.

With --output json this is what "qemu-img map --output=json" prints, field by field (as of QEMU 8.2):
start, length, depth, present, zero, data, compressed and, where it is known, offset in the layer's file.

Where the answer is not known (a parent is missing, a table can't be read) the entry has "unknown": true,
which qemu-img has no word for. All else is printed as usual, a line on stderr tells why, and the exit code is 1.

Of a file that was cut short, tables past its end read as empty, as they do to QEMU. What was there is unknown: a line
on stderr tells how much of the disk that is.
`;

export const map: Verb = {
  name: 'map',
  operands: ['IMAGE'],
  summary: 'which layer answers each byte of the disk, as qemu-img map says it',
  details: DETAILS,
  options: SNAPSHOT_OPTION,
  run: async (invocation) => {
    const image = openImage(invocation, invocation.operands[0] ?? '');
    // On a terminal the map itself is the progress.
    const line = stdoutIsTerminal() ? undefined : new ProgressLine();
    const progress = (done: number): void => {
      line?.update(`reading the map: ${percent(done, image.session.view.guestSize)} %`);
    };
    const remarks = invocation.json
      ? await writeMap(image.session, { format: 'json', policy: TRUST_ALL, write: writeBytes, progress })
      : printMap(image, progress);
    line?.clear();
    return conclude(image, remarks);
  },
};

/** For people, a line an entry. */
function printMap(image: OpenImage, progress: (done: number) => void): MapRemarks {
  const { chain, from } = image.session;
  const unknown = { ranges: 0, bytes: 0 };
  const failures = new Map<number, Finding>();
  const output = new Output();
  const table = new MapTable(output, image);
  let done = 0;
  for (const entry of qemuMap(chain, from, (depth, finding) => failures.set(depth, finding))) {
    if (!entry) {
      progress(done);
      continue;
    }
    table.entry(entry);
    done = entry.start + entry.length;
    countUnknown(unknown, entry);
  }
  output.flush();
  return { unknown, failures };
}

/** Says what makes the map less than it should be: on stderr, since stdout has the map alone. */
function conclude({ session, titles }: OpenImage, { unknown, failures }: MapRemarks): ExitCode {
  tellFindings({ session, titles }, failures);
  if (unknown.ranges === 0) return EXIT.fine;
  const ranges = unknown.ranges === 1 ? '1 range' : `${formatCount(unknown.ranges)} ranges`;
  tell(`${titles[0] ?? ''}: ${ranges} of the disk (${formatBytes(unknown.bytes)}) can't be known`);
  return EXIT.failed;
}

/** Columns as wide as the largest offset asks for, since the entries are not known before they are printed. */
class MapTable {
  private readonly offsetWidth: number;
  private readonly layerWidth: number;

  constructor(
    private readonly output: Output,
    { session, titles }: OpenImage,
  ) {
    const { chain, view } = session;
    const files = chain.layers.flatMap(({ source, layer }) => [source, ...(layer.files ?? [])].map(({ size }) => size));
    this.offsetWidth = Math.max('Start'.length, formatOffset(Math.max(view.guestSize, ...files)).length);
    this.layerWidth = Math.max('Layer'.length, String(chain.layers.length).length);
    const state = view.id === '' ? '' : `, snapshot ${plain(view.name)}`;
    output.line(`${paint('bold', titles[0] ?? '')}: ${formatBytes(view.guestSize)}${state}`);
    titles.forEach((title, depth) => {
      output.line(`  ${depth}  ${title}  ${paint('dim', chain.layers[depth]?.layer.format ?? '')}`);
    });
    output.line();
    output.line(paint('dim', this.row('Start', 'End', 'Length', 'Layer', 'What', 'In the file')));
  }

  entry(entry: QemuMapEntry): void {
    const { start, length, depth, present, offset, file } = entry;
    const layer = present ? String(depth) : entry.unknown ? '?' : '-';
    const place = offset === undefined ? '' : formatOffset(offset);
    const row = this.row(
      formatOffset(start),
      formatOffset(start + length),
      formatBytes(length),
      layer,
      wordFor(entry),
      place,
    );
    this.output.line(file === undefined ? row : `${row}  of ${plain(path.basename(file))}`);
  }

  private row(start: string, end: string, length: string, layer: string, what: string, place: string): string {
    const { offsetWidth, layerWidth } = this;
    const numbers = [
      pad(start, offsetWidth, 'right'),
      pad(end, offsetWidth, 'right'),
      pad(length, LENGTH_WIDTH, 'right'),
    ];
    return [...numbers, pad(layer, layerWidth, 'right'), pad(what, WORD_WIDTH), pad(place, offsetWidth, 'right')]
      .join('  ')
      .trimEnd();
  }
}

/** `1023 bytes`, `99.9 KiB` … */
const LENGTH_WIDTH = 10;
const NOBODYS = 'nothing, reads as zero';
const WORD_WIDTH = NOBODYS.length;

function wordFor({ present, zero, data, compressed, unknown }: QemuMapEntry): string {
  if (unknown) return 'unknown';
  if (!present) return NOBODYS;
  if (compressed) return 'compressed';
  if (!data) return 'zero';
  return zero ? 'data, never written' : 'data';
}
