import type { ProbeInput } from '../formats/driver';
import type { Signature } from '../signature';
import { matchSignature } from '../signature';

/** A file that is no disk image of ours: what it is, and what to do where there is something. */
export interface OtherFile {
  readonly found: string;
  readonly advice?: string | undefined;
}

const UNPACK = 'Unpack it: a disk image is read in place, and what is compressed as a whole has no places.';
const EXPORT = 'ewfexport (libewf) or the tool that made it gives a raw copy, which is read here.';

const OTHERS: readonly (Signature & { readonly advice?: string })[] = [
  { found: 'gzip-compressed data', at: 0, bytes: '\x1f\x8b', advice: UNPACK },
  { found: 'xz-compressed data', at: 0, bytes: '\xfd7zXZ\0', advice: UNPACK },
  { found: 'zstd-compressed data', at: 0, bytes: '\x28\xb5\x2f\xfd', advice: UNPACK },
  { found: 'lz4-compressed data', at: 0, bytes: '\x04\x22\x4d\x18', advice: UNPACK },
  { found: 'bzip2-compressed data', at: 0, bytes: 'BZh', advice: UNPACK },
  { found: 'a ZIP archive (or an Office document, a JAR, a .vsix …)', at: 0, bytes: 'PK\x03\x04', advice: UNPACK },
  { found: 'a 7-Zip archive', at: 0, bytes: '7z\xbc\xaf\x27\x1c', advice: UNPACK },
  { found: 'a tar archive in which no disk was found', at: 257, bytes: 'ustar', advice: UNPACK },
  { found: 'a forensic image (EnCase, E01)', at: 0, bytes: 'EVF\x09\x0d\x0a\xff\0', advice: EXPORT },
  { found: 'a forensic image (EnCase 7, Ex01)', at: 0, bytes: 'EVF2\x0d\x0a\x81\0', advice: EXPORT },
  { found: 'a forensic collection (EnCase, L01)', at: 0, bytes: 'LVF\x09\x0d\x0a\xff\0', advice: EXPORT },
  { found: 'a forensic image (AFF)', at: 0, bytes: 'AFF10\r\n\0', advice: EXPORT },
  {
    found: 'a sparse image of Android',
    at: 0,
    bytes: '\x3a\xff\x26\xed',
    advice: 'simg2img makes a raw copy of it, which is read here.',
  },
  { found: 'a Windows image (WIM)', at: 0, bytes: 'MSWIM\0\0\0', advice: 'It holds files and no disk.' },
  { found: 'a PNG picture', at: 0, bytes: '\x89PNG\r\n\x1a\n' },
  { found: 'a JPEG picture', at: 0, bytes: '\xff\xd8\xff' },
  { found: 'a GIF picture', at: 0, bytes: 'GIF8' },
  { found: 'a PDF document', at: 0, bytes: '%PDF-' },
  { found: 'an ELF program or library', at: 0, bytes: '\x7fELF' },
  { found: 'an SQLite database', at: 0, bytes: 'SQLite format 3\0' },
];

/** What else a file is by its bytes. */
export function otherFile({ head }: Pick<ProbeInput, 'head'>): OtherFile | undefined {
  const known = OTHERS.find((each) => matchSignature(head, [each]) !== undefined);
  return known && { found: known.found, advice: known.advice };
}
