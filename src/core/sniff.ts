import { u32be } from './bytes';
import type { ProbeInput } from './formats/driver';
import { foreignFormat } from './formats/foreign';
import { DRIVERS } from './formats/registry';
import { descriptorNameOf } from './formats/vmdk/names';
import { machineFile } from './sniffing/machineFiles';
import { otherFile } from './sniffing/otherFiles';
import { onRawDisk } from './sniffing/rawDisk';

/** What a file is, by its content and, where bytes alone don't tell, its name. */
export type Sniffed =
  /** A format that a driver opens. `found` names what is on it, where that is known. */
  | { readonly kind: 'image'; readonly format: string; readonly found: string }
  /** A disk image of a format that is not read here. */
  | { readonly kind: 'foreign-image'; readonly found: string }
  /** `advice`: what to do to get to a disk, where that is known. */
  | { readonly kind: 'other'; readonly found: string; readonly text: boolean; readonly advice?: string | undefined };

const RAW_NAME = /\.(?:img|raw|dd|iso|bin)$/i;

/**
 * @param fileName the file's own name, for what no bytes tell: `.img`, or none of an extension as oVirt's volumes
 * @throws DiskError `io`
 */
export function sniff(input: ProbeInput, fileName: string): Sniffed {
  const { head, size } = input;
  if (size === 0) return { kind: 'other', found: 'an empty file', text: false };
  const driver = DRIVERS.find((candidate) => candidate.id !== 'raw' && candidate.probe(input));
  if (driver) return { kind: 'image', format: driver.id, found: driver.title };
  const foreign = foreignFormat(input);
  if (foreign !== undefined) return { kind: 'foreign-image', found: foreign };
  const disk = onRawDisk(input);
  if (disk !== undefined) return { kind: 'image', format: 'raw', found: disk };
  const other = otherFile(input);
  if (other) return { kind: 'other', text: false, ...other };
  if (looksLikeText(head)) return { kind: 'other', text: true, ...(machineFile(fileName, head) ?? { found: 'text' }) };
  if (RAW_NAME.test(fileName) || isVolumeName(fileName))
    return { kind: 'image', format: 'raw', found: 'a raw disk with nothing known at its start' };
  if (descriptorNameOf(fileName) !== undefined)
    return { kind: 'image', format: 'raw', found: 'by its name, data of a VMware disk' };
  return { kind: 'other', found: 'data of no kind known here', text: false };
}

/** oVirt names a volume by its UUID, with no extension. */
const isVolumeName = (name: string): boolean => /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(name);

function looksLikeText(head: Uint8Array): boolean {
  if (u32be(head, 0) === 0) return false;
  return head.every(
    (byte) => byte >= 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d || byte === 0x0c || byte === 0x1b,
  );
}
