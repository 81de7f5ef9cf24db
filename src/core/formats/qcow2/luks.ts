import { readUpTo } from '../../bytes';
import type { ByteSource, Finding } from '../../model';
import type { LuksInfo } from '../luks/luks1';
import { decodeLuks1, HEADER_BYTES, luksVersion } from '../luks/luks1';
import type { Qcow2Header } from './header';

/**
 * Reads how a LUKS image is encrypted (docs/interop/qcow2.rst, "Full disk encryption header pointer"); what can't be read
 * is a finding, since the map does not depend on it.
 */
export function readLuks(
  source: ByteSource,
  header: Qcow2Header,
): { luks: LuksInfo | undefined; findings: readonly Finding[] } {
  if (header.encryption !== 'luks') return { luks: undefined, findings: [] };
  const broken = (message: string, offset?: number): { luks: undefined; findings: readonly Finding[] } => ({
    luks: undefined,
    findings: [
      {
        code: 'luks-header',
        severity: 'error',
        message,
        offset,
        advice: 'Without its LUKS header the content can never be decrypted.',
      },
    ],
  });
  if (header.luksOffset === undefined)
    return broken('the image is encrypted with LUKS and does not say where its LUKS header is');
  const bytes = readUpTo(source, header.luksOffset, HEADER_BYTES);
  if (bytes.length < HEADER_BYTES) return broken('the file ends inside the LUKS header', header.luksOffset);
  const version = luksVersion(bytes);
  if (version === undefined)
    return broken('there is no LUKS header where the image says it has one', header.luksOffset);
  if (version !== 1)
    return broken(`the LUKS header is of version ${version}, of which QEMU knows nothing`, header.luksOffset);
  return { luks: decodeLuks1(bytes), findings: [] };
}
