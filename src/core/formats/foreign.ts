import { ascii } from '../bytes';
import type { Signature } from '../signature';
import { matchSignature } from '../signature';
import type { ProbeInput } from './driver';

/** What QEMU reads and we do not: block/bochs.c, block/cloop.c. */
const FOREIGN_IMAGES: readonly Signature[] = [
  { found: 'a Bochs disk', at: 0, bytes: 'Bochs Virtual HD Image' },
  { found: 'a compressed loop image (cloop)', at: 0, bytes: '#!/bin/sh\n#V2.0 Format\n' },
];

/** Of an Apple disk image (block/dmg.c) the signature is in a trailer alone. */
const DMG_TRAILER = 512;

/** The name of a disk-image format that has no driver here: to take such a file as a raw disk would be a lie. */
export function foreignFormat(input: ProbeInput): string | undefined {
  return matchSignature(input.head, FOREIGN_IMAGES) ?? (isDmg(input) ? 'an Apple disk image (DMG)' : undefined);
}

function isDmg({ tail }: ProbeInput): boolean {
  return tail.length >= DMG_TRAILER && ascii(tail, tail.length - DMG_TRAILER, 4) === 'koly';
}
