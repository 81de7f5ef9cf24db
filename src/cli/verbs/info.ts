import type { ChainLayer, Fact, Finding, InternalSnapshot, View } from '../../core';
import { formatBytes, formatCount, formatName, sizesOnHost } from '../../core';
import { SNAPSHOT_OPTION } from '../args';
import { findingJson, findingLines } from '../findings';
import type { OpenImage } from '../image';
import { disksToName, openImage } from '../image';
import { fullBackingName } from '../names';
import { Output } from '../output';
import { indent, pad, paint, plain, table } from '../text';
import type { Verb } from '../verb';
import { EXIT } from '../verb';

const DETAILS = `
Says what the image's header holds: format, sizes, features, internal snapshots, bitmaps, and what is wrong with it.

With --output json the keys are those of "qemu-img info --output=json" where it has them; file-size (bytes of the
file, holes included), snapshot (with --snapshot: the state looked at) and findings are ours. With --backing-chain
it is a list, newest first; a chain that breaks is listed as far as it goes, and a finding tells where it ends.

Of an archive with several disks (appliance.ova) all are listed; appliance.ova:disk2.vmdk is one of them.
`;

export const info: Verb = {
  name: 'info',
  operands: ['IMAGE'],
  summary: 'header, sizes, features, snapshots and bitmaps of an image',
  details: DETAILS,
  options: { 'backing-chain': { help: 'the image and everything it stands on' }, ...SNAPSHOT_OPTION },
  run: (invocation) => {
    const file = invocation.operands[0] ?? '';
    const members = disksToName(file);
    const files = members.length === 0 ? [file] : members.map((member) => `${file}:${member}`);
    const wholeChain = invocation.flag('backing-chain');
    const told = files.flatMap((name) => {
      const image = openImage(invocation, name);
      const layers = image.session.chain.layers.slice(0, wholeChain ? undefined : 1);
      return layers.map((layer) => ({ image, layer }));
    });
    const output = new Output();
    if (invocation.json) {
      const answers = told.map(({ image, layer }) => layerJson(image, layer));
      output.json(wholeChain || members.length > 0 ? answers : answers[0]);
    } else {
      told.forEach(({ image, layer }, index) => {
        for (const line of [...(index > 0 ? [''] : []), ...humanLines(image, layer)]) output.line(line);
      });
    }
    output.flush();
    return EXIT.fine;
  },
};

/** The state of a layer that is looked at: the snapshot asked for is one of the image itself. */
const viewOf = ({ session }: OpenImage, { depth, layer }: ChainLayer): View | undefined =>
  depth === 0 ? session.view : layer.views[0];

// ---------------------------------------------------------------------------------------------

function layerJson(image: OpenImage, chainLayer: ChainLayer): Record<string, unknown> {
  const { depth, layer } = chainLayer;
  const { parent, info: header } = layer;
  const { fileSize, diskUsage = fileSize } = sizesOnHost(chainLayer);
  const name = image.names[depth] ?? '';
  const view = viewOf(image, chainLayer);
  const snapshots = layer.views.flatMap(({ snapshot }) => (snapshot ? [snapshotJson(snapshot)] : []));
  return {
    ...(snapshots.length === 0 ? {} : { snapshots }),
    'virtual-size': view?.guestSize ?? layer.guestSize,
    filename: name,
    format: layer.format,
    'actual-size': diskUsage,
    ...header,
    ...(parent === undefined
      ? {}
      : { 'full-backing-filename': fullBackingName(name, parent), 'backing-filename': parent.written }),
    'file-size': fileSize,
    ...(view?.snapshot === undefined ? {} : { snapshot: snapshotJson(view.snapshot) }),
    findings: findingsOf(image, depth).map(findingJson),
  };
}

/** qapi/block-core.json, SnapshotInfo. */
function snapshotJson({
  id,
  name,
  date,
  dateNanoseconds,
  vmClock,
  vmStateSize,
  icount,
}: InternalSnapshot): Record<string, unknown> {
  return {
    ...(icount === undefined ? {} : { icount }),
    'vm-clock-nsec': vmClock.nanoseconds,
    name,
    'date-sec': date / 1000,
    'date-nsec': dateNanoseconds,
    'vm-clock-sec': vmClock.seconds,
    id,
    'vm-state-size': vmStateSize,
  };
}

const findingsOf = ({ session }: OpenImage, depth: number): readonly Finding[] => session.findings(depth);

// ---------------------------------------------------------------------------------------------

/** `VHD (vpc)`: with the name that options take, where that is another. */
function namedFormat(format: string): string {
  const name = formatName(format);
  return name === format ? format : `${name} (${format})`;
}

function humanLines(image: OpenImage, chainLayer: ChainLayer): string[] {
  const { depth, identity, layer, source } = chainLayer;
  const { titles, session } = image;
  const { fileSize, diskUsage = fileSize } = sizesOnHost(chainLayer);
  const files = layer.files ? `, in ${layer.files.length} ${layer.files.length === 1 ? 'file' : 'files'}` : '';
  const facts: (readonly [string, string])[] = [
    ['Format', namedFormat(layer.format)],
    ...[...layer.facts, ...(identity.archive?.facts ?? [])].map((fact) => [fact.label, factText(fact)] as const),
    ['File', `${sizeText(fileSize)}, ${formatBytes(diskUsage)} of it on the host's disk${files}`],
    ...(source.modified === undefined ? [] : [['Last changed', dateText(source.modified)] as const]),
    ...(titles[depth + 1] === undefined ? [] : [['Stands on', titles[depth + 1] ?? ''] as const]),
    ...(depth === 0 && session.view.snapshot ? [['Looked at', snapshotText(session.view)] as const] : []),
  ];
  const labels = Math.max(...facts.map(([label]) => label.length));
  const findings = findingsOf(image, depth).flatMap((finding) => findingLines(finding));
  return [
    paint('bold', titles[depth] ?? ''),
    ...indent(facts.map(([label, text]) => `${paint('dim', pad(label, labels))}  ${text}`)),
    ...section('Internal snapshots', snapshotLines(layer.views)),
    ...section('Bitmaps', bitmapLines(chainLayer)),
    ...section('Findings', findings),
  ];
}

const section = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : ['', `  ${title}`, ...indent(lines, '    ')];

function factText({ value, unit }: Fact): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'string') return plain(value);
  return unit === 'bytes' ? sizeText(value) : unit === 'bits' ? `${value} bits` : formatCount(value);
}

const sizeText = (bytes: number): string =>
  bytes < 1024 ? formatBytes(bytes) : `${formatBytes(bytes)} (${formatCount(bytes)} bytes)`;

const snapshotText = ({ name, guestSize }: View): string => `snapshot ${plain(name)}, a disk of ${sizeText(guestSize)}`;

function snapshotLines(views: readonly View[]): string[] {
  const rows = views.flatMap(({ snapshot, guestSize }) => {
    if (!snapshot) return [];
    const { id, name, date, vmClock, vmStateSize } = snapshot;
    return [
      [
        plain(id),
        plain(name),
        dateText(date),
        clockText(vmClock),
        vmStateSize === 0 ? '-' : formatBytes(vmStateSize),
        formatBytes(guestSize),
      ],
    ];
  });
  const columns = [
    { title: 'ID' },
    { title: 'Name' },
    { title: 'Taken' },
    { title: 'VM had run', align: 'right' },
    { title: 'VM state', align: 'right' },
    { title: 'Disk size', align: 'right' },
  ] as const;
  return rows.length === 0 ? [] : table(columns, rows);
}

function bitmapLines({ layer }: ChainLayer): string[] {
  const rows = layer.bitmaps.map(({ name, granularity, flags }) => [
    plain(name),
    formatBytes(granularity),
    flags.join(', '),
  ]);
  return rows.length === 0
    ? []
    : table([{ title: 'Name' }, { title: 'One bit is', align: 'right' }, { title: 'Flags' }], rows);
}

/** Local time, to the second. */
function dateText(milliseconds: number): string {
  const date = new Date(milliseconds);
  if (Number.isNaN(date.getTime())) return 'unknown';
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** `26:03:05.120`: hours, minutes, seconds. */
function clockText({ seconds, nanoseconds }: InternalSnapshot['vmClock']): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const milliseconds = String(Math.floor(nanoseconds / 1e6)).padStart(3, '0');
  return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}.${milliseconds}`;
}
