import type { Signature } from '../signature';
import { matchSignature } from '../signature';
import type { ProbeInput } from './driver';

const FOREIGN_IMAGES: readonly Signature[] = [
  { found: 'a QEMU enhanced disk (QED)', at: 0, bytes: 'QED\0' },
];

/** The name of a disk-image format that has no driver here: to take such a file as a raw disk would be a lie. */
export function foreignFormat(input: ProbeInput): string | undefined {
  return matchSignature(input.head, FOREIGN_IMAGES);
}
