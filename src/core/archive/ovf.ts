import { labelText } from '../strangersText';
import { childNamed, childrenNamed, parseXml, textOf } from '../xml';

/** What the descriptor of an appliance says of it (DMTF DSP0243, Open Virtualization Format 1.1). */
export interface Appliance {
  readonly name: string | undefined;
  /** By the name of its file in lower case: what is said of a disk. */
  readonly disks: ReadonlyMap<string, ApplianceDisk>;
}

export interface ApplianceDisk {
  readonly id: string | undefined;
  /** Bytes, as the descriptor says. */
  readonly capacity: number | undefined;
}

/** Programmatic units that describe sizes (DSP0243, annex C). */
const UNITS = /^byte(?:\s*\*\s*2\^(\d{1,2}))?$/;

/** @returns undefined for what is no descriptor */
export function parseAppliance(text: string): Appliance | undefined {
  const envelope = parseXml(text);
  if (envelope?.name !== 'Envelope') return undefined;
  const references = childrenNamed(childNamed(envelope, 'References') ?? envelope, 'File');
  const files = new Map(references.map(({ attributes }) => [attributes.get('id'), attributes.get('href')]));
  const sections = [childNamed(envelope, 'DiskSection'), ...childrenNamed(envelope, 'Section')];
  const disks = sections.flatMap((section) => (section ? childrenNamed(section, 'Disk') : []));
  const system = childNamed(envelope, 'VirtualSystem') ?? childNamed(envelope, 'Content');
  return {
    name: labelText(textOf(system, 'Name')) ?? labelText(system?.attributes.get('id')),
    disks: new Map(
      disks.flatMap(({ attributes }) => {
        const file = files.get(attributes.get('fileRef'));
        if (file === undefined) return [];
        return [[file.toLowerCase(), { id: labelText(attributes.get('diskId')), capacity: capacityOf(attributes) }]];
      }),
    ),
  };
}

function capacityOf(attributes: ReadonlyMap<string, string>): number | undefined {
  const text = attributes.get('capacity') ?? '';
  const [unit, power = '0'] = UNITS.exec(attributes.get('capacityAllocationUnits') ?? 'byte') ?? [];
  const bytes = /^\d{1,16}$/.test(text) && unit !== undefined ? Number(text) * 2 ** Number(power) : NaN;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
