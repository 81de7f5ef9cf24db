import { dateOr, descriptionText, labelText } from '../../strangersText';
import type { XmlElement } from '../../xml';
import { childNamed, childrenNamed, parseXml, textOf } from '../../xml';

/** What an OVF, as oVirt's engine writes it, says of a VM's or a template's disks and snapshots. */
export interface Ovf {
  readonly vm: string | undefined;
  readonly disks: readonly OvfDisk[];
  readonly snapshots: ReadonlyMap<string, OvfSnapshot>;
  /** True while a snapshot is previewed: what was current before has one of its own then. */
  readonly previewed: boolean;
}

export interface OvfDisk {
  readonly volume: string;
  readonly image: string | undefined;
  /** Id of the snapshot that has this volume: of the one that froze it, or of the active one. */
  readonly snapshot: string | undefined;
  readonly alias: string | undefined;
}

export interface OvfSnapshot {
  /** `REGULAR`, `ACTIVE`, `STATELESS`, `PREVIEW`, `NEXT_RUN`. */
  readonly type: string;
  readonly description: string | undefined;
  /** Milliseconds since 1970. */
  readonly date: number | undefined;
}

/** @returns undefined for what is no OVF */
export function parseOvf(text: string): Ovf | undefined {
  const envelope = parseXml(text);
  if (envelope?.name !== 'Envelope') return undefined;
  const content = childNamed(envelope, 'Content');
  const sections = [...envelope.children, ...(content?.children ?? [])];
  const snapshots = new Map(
    sections
      .filter(({ attributes }) => attributes.get('type') === 'ovf:SnapshotsSection_Type')
      .flatMap((section) => childrenNamed(section, 'Snapshot'))
      .flatMap(toSnapshot),
  );
  return {
    vm: labelText(textOf(content, 'Name')),
    disks: sections.flatMap((section) => childrenNamed(section, 'Disk')).flatMap(toDisk),
    snapshots,
    previewed: [...snapshots.values()].some(({ type }) => type === 'PREVIEW'),
  };
}

/** `fileRef` is `image/volume`; `diskId` the volume alone. */
function toDisk({ attributes }: XmlElement): readonly OvfDisk[] {
  const [first, second] = (attributes.get('fileRef') ?? '').toLowerCase().split('/');
  const volume = second ?? attributes.get('diskId')?.toLowerCase();
  if (volume === undefined || volume === '') return [];
  return [
    {
      volume,
      image: second === undefined ? undefined : first,
      snapshot: attributes.get('vm_snapshot_id')?.toLowerCase(),
      alias: labelText(attributes.get('disk-alias')),
    },
  ];
}

function toSnapshot(element: XmlElement): readonly (readonly [string, OvfSnapshot])[] {
  const id = element.attributes.get('id')?.toLowerCase();
  if (id === undefined) return [];
  const type = textOf(element, 'Type')?.toUpperCase() ?? '';
  return [
    [
      id,
      {
        type,
        description: descriptionText(textOf(element, 'Description')),
        date: ovfDate(textOf(element, 'CreationDate')),
      },
    ],
  ];
}

/** `2024/03/12 10:11:12`, in UTC. */
function ovfDate(text: string | undefined): number | undefined {
  const [, year, month, day, time] = /^(\d{4})\/(\d\d)\/(\d\d) (\d\d:\d\d:\d\d)/.exec(text ?? '') ?? [];
  return year === undefined ? undefined : dateOr(Date.parse(`${year}-${month}-${day}T${time}Z`));
}
