import type { ChainLayer, LayerAccount, LayerStory, Picture } from '../../core';
import { formatBytes, formatDay, lostBytes, sizesOnHost } from '../../core';
import { SNAPSHOT_OPTION } from '../args';
import { findingJson, findingLines } from '../findings';
import type { OpenImage } from '../image';
import { openImage, scan, storiesOf } from '../image';
import { Output } from '../output';
import type { Column } from '../text';
import { bar, pad, paint, plain, table } from '../text';
import type { Verb } from '../verb';
import { EXIT } from '../verb';

const DETAILS = `
Lists the layers that the image stands on, newest first, and says how much of the guest's disk each one owns:
owned = it answers a read of these bytes; shadowed = it holds these bytes too, but a newer layer hides them.
All numbers are bytes of the guest's disk but those of the files on the host.

Where the platform that made the layers keeps names of snapshots beside them (oVirt, libvirt, Proxmox, Multipass, Lima,
VirtualBox, VMware), each layer has the name of the snapshot whose state it froze; the newest is "current".

A chain that is broken is listed as far as it goes. What lies below is unknown, and the findings tell why.

With --output json: { guestSize, end, nobody, unknown, layers: [ { depth, filename, label?, format, guestSize, fileSize,
diskUsage, grain, backing, owned, ownedData, ownedZero, ownedCompressed, shadowed, findings } ] }
The owned of all layers, nobody and unknown add up to guestSize.
`;

export const chain: Verb = {
  name: 'chain',
  operands: ['IMAGE'],
  summary: 'the layers below an image, and how much of the disk each one owns',
  details: DETAILS,
  options: SNAPSHOT_OPTION,
  run: async (invocation) => {
    const image = openImage(invocation, invocation.operands[0] ?? '');
    const picture = await scan(image);
    const output = new Output();
    if (invocation.json) output.json(chainJson(image, picture));
    else
      humanLines(image, picture).forEach((line) => {
        output.line(line);
      });
    output.flush();
    return EXIT.fine;
  },
};

const NOTHING: LayerAccount = { owned: 0, ownedData: 0, ownedZero: 0, ownedCompressed: 0, shadowed: 0 };

function chainJson(image: OpenImage, { accounting }: Picture): Record<string, unknown> {
  const { session, names } = image;
  const stories = storiesOf(image);
  const {
    chain: { layers, end },
  } = session;
  return {
    guestSize: accounting.guestSize,
    end: end.kind,
    nobody: accounting.nobody,
    unknown: accounting.unknown,
    layers: layers.map((chainLayer) => {
      const { depth, layer } = chainLayer;
      const { fileSize, diskUsage = fileSize } = sizesOnHost(chainLayer);
      return {
        depth,
        filename: names[depth],
        format: layer.format,
        label: stories[depth]?.label,
        guestSize: layer.guestSize,
        fileSize,
        diskUsage,
        grain: layer.grain,
        backing: layer.parent?.written ?? null,
        ...(accounting.layers[depth] ?? NOTHING),
        findings: session.findings(depth).map(findingJson),
      };
    }),
  };
}

const COLUMNS: readonly Column[] = [
  { title: '', align: 'right' },
  { title: '' },
  { title: 'Owned', align: 'right' },
  { title: 'Data', align: 'right' },
  { title: 'Zero', align: 'right' },
  { title: 'Compressed', align: 'right' },
  { title: 'Shadowed', align: 'right' },
  { title: 'Disk size', align: 'right' },
  { title: 'File on host', align: 'right' },
  { title: 'Format' },
  { title: 'Snapshot' },
  { title: 'File' },
];
const BAR_WIDTH = 24;

function humanLines(image: OpenImage, { accounting }: Picture): string[] {
  const { session, titles } = image;
  const stories = storiesOf(image);
  const {
    chain: { layers, end },
    view,
  } = session;
  const accounts = layers.map(({ depth }) => accounting.layers[depth] ?? NOTHING);
  const longest = Math.max(...accounts.map(({ owned, shadowed }) => owned + shadowed));
  const rows = layers.map((layer, depth) =>
    layerRow(layer, accounts[depth] ?? NOTHING, longest, [storyText(stories[depth]), titles[depth] ?? '']),
  );
  if (end.kind !== 'base') {
    rows.push([
      '?',
      '╌'.repeat(BAR_WIDTH),
      amount(accounting.unknown),
      '',
      '',
      '',
      '',
      '',
      '',
      end.kind,
      '',
      plain(end.written),
    ]);
  }
  const state = view.id === '' ? '' : ` at snapshot ${plain(view.name)}`;
  const whose = [...new Set(stories.flatMap((story) => (story ? [belongs(story)] : [])))];
  const count = layers.length === 1 ? 'one layer' : `${layers.length} layers, newest first`;
  const unknown = accounting.unknown === 0 ? [] : [`${formatBytes(accounting.unknown)} can't be known.`];
  const found = layers.map(({ depth }) => session.findings(depth));
  const findings = found.flatMap((each, depth) => each.flatMap((finding) => findingLines(finding, titles[depth])));
  const lost = lostBytes(found.slice(session.from.depth).flat(), accounting.nobody);
  const lostOf = lost === 0 ? '' : `; up to ${formatBytes(lost)} of that is unknown, since tables are lost`;
  const nobody =
    accounting.nobody === 0 ? [] : [`${formatBytes(accounting.nobody)} are in no layer and read as zero${lostOf}.`];
  return [
    `${paint('bold', titles[0] ?? '')}${state}: a disk of ${formatBytes(accounting.guestSize)} in ${count}`,
    ...whose.slice(0, MOST_OWNERS),
    '',
    ...table(COLUMNS, rows),
    '',
    paint('dim', '█ owned: it answers a read   ░ shadowed: hidden by a newer layer'),
    ...nobody,
    ...unknown,
    ...(findings.length === 0 ? [] : ['', ...findings]),
  ];
}

function layerRow(chainLayer: ChainLayer, account: LayerAccount, longest: number, names: readonly string[]): string[] {
  const { depth, layer } = chainLayer;
  const { fileSize, diskUsage = fileSize } = sizesOnHost(chainLayer);
  const { owned, ownedData, ownedZero, ownedCompressed, shadowed } = account;
  return [
    String(depth),
    pad(bar(owned, shadowed, longest, BAR_WIDTH), BAR_WIDTH),
    amount(owned),
    ...[ownedData, ownedZero, ownedCompressed, shadowed].map(amount),
    formatBytes(layer.guestSize),
    formatBytes(diskUsage),
    layer.format,
    ...names,
  ];
}

/** Disks and VMs that one chain is told to belong to: its own, and the templates it stands on. */
const MOST_OWNERS = 8;

function belongs({ platform, disk, vm }: LayerStory): string {
  const parts = [disk === undefined ? '' : `disk ${plain(disk)}`, vm === undefined ? '' : `VM ${plain(vm)}`];
  return [platform, ...parts].filter(Boolean).join(' · ');
}

/** The snapshot that the layer froze, and when. */
function storyText(story: LayerStory | undefined): string {
  const date = story?.date === undefined ? '' : formatDay(story.date);
  return [plain(story?.label ?? ''), date].filter(Boolean).join(', ');
}

const amount = (bytes: number): string => (bytes === 0 ? '-' : formatBytes(bytes));
