import { readUpTo } from '../../bytes';
import { DiskError } from '../../errors';
import { windowOf } from '../../extents';
import type { ByteSource, Fact, Finding, Layer, LayerInfo } from '../../model';
import { formatBytes } from '../../units';
import { CUT_SHORT } from '../advice';
import type { Driver, OpenContext } from '../driver';
import { FlatPart, SECTOR } from '../parts/flatPart';
import { writesBlocks } from '../parts/part';
import { PartLayer } from '../parts/partLayer';
import { decodeLuks1, HEADER_BYTES, luks1Facts, luksVersion } from './luks1';
import type { Luks2Header, Luks2Segment } from './luks2';
import { readLuks2 } from './luks2';

/**
 * A LUKS container by itself, told of and not decrypted: the disk is what its payload decrypts to. QEMU opens version 1
 * so; version 2 it takes for a raw disk (crypto/block-luks.c).
 */
export const luks: Driver = {
  id: 'luks',
  title: 'LUKS-encrypted disk, version 1 or 2',
  patterns: [],
  probe: ({ head }) => [1, 2].includes(luksVersion(head) ?? 0),
  open: (source, context) => {
    const lookups = context.cache.of(source);
    const head = readUpTo(lookups, 0, HEADER_BYTES);
    switch (luksVersion(head)) {
      case 1:
        return openVersion1(source, head, context);
      case 2:
        return openVersion2(source, context);
      default:
        throw new DiskError('not-this-format', 'there is no LUKS header of version 1 or 2', { offset: 0 });
    }
  },
};

function openVersion1(source: ByteSource, head: Uint8Array, context: OpenContext): Layer {
  if (head.length < HEADER_BYTES) {
    throw new DiskError('short-read', 'the file ends inside the LUKS header', { offset: head.length }, CUT_SHORT);
  }
  const info = decodeLuks1(head);
  return container(source, context, {
    payload: { offset: info['payload-offset'], size: undefined },
    facts: [{ label: 'Version', value: 1 }, ...luks1Facts(info)],
    formatSpecific: { type: 'luks', data: { ...info } },
    findings: [],
  });
}

function openVersion2(source: ByteSource, context: OpenContext): Layer {
  const { header, findings } = readLuks2(context.cache.of(source), (bytes) => context.codecs.sha256(bytes));
  const [first] = header.segments;
  return container(source, context, {
    payload: first ?? { offset: source.size, size: undefined },
    facts: facts2(header),
    formatSpecific: { type: 'luks2', data: { ...header } },
    findings: [
      ...findings,
      ...(first
        ? []
        : [
            {
              code: 'luks-header',
              severity: 'error' as const,
              message: 'the LUKS header names no segment of data: where the content is can not be known',
            },
          ]),
    ],
  });
}

/** What is known of a container by its header. */
interface Container {
  /** Where the encrypted disk is; to the end of the file where it has no size. */
  readonly payload: { readonly offset: number; readonly size: number | undefined };
  readonly facts: readonly Fact[];
  readonly formatSpecific: NonNullable<LayerInfo['format-specific']>;
  readonly findings: readonly Finding[];
}

function container(source: ByteSource, { cache }: OpenContext, told: Container): PartLayer {
  const { offset } = told.payload;
  const inFile = Math.max(0, source.size - offset);
  const guestSize = Math.floor((told.payload.size ?? inFile) / SECTOR) * SECTOR;
  const payload = (of: ByteSource): ByteSource =>
    withoutHoles(windowOf(of, Math.min(offset, source.size), Math.min(guestSize, inFile)));
  return new PartLayer({
    format: 'luks',
    grain: SECTOR,
    part: new FlatPart(payload(source), payload(cache.of(source)), guestSize),
    write: writesBlocks,
    facts: [
      { label: 'Disk size', value: guestSize, unit: 'bytes' },
      ...told.facts,
      { label: 'Payload at', value: offset, unit: 'bytes' },
    ],
    info: { 'dirty-flag': false, encrypted: true, 'format-specific': told.formatSpecific },
    findings: [...told.findings, ...payloadFindings(offset, guestSize, source.size)],
    unreadable: new DiskError('encrypted', 'the content is encrypted (LUKS)'),
  });
}

/** Where the file has holes the cipher text is zeros, and what that decrypts to is anything but. */
const withoutHoles = (source: ByteSource): ByteSource => ({
  ...source,
  extents: () => ({ bounds: Float64Array.of(0, source.size), startsWithData: true, certainty: 'exact' }),
});

function payloadFindings(offset: number, guestSize: number, fileSize: number): Finding[] {
  if (offset === 0) {
    return [
      {
        code: 'luks-detached',
        severity: 'info',
        message: 'this is the header of a container alone: what it encrypts is in another file or device',
      },
    ];
  }
  if (offset + guestSize <= fileSize) return [];
  return [
    {
      code: 'data-past-end',
      severity: 'error',
      message: `the file ends at byte ${fileSize}, before the encrypted content does (byte ${offset + guestSize})`,
      advice: CUT_SHORT,
      offset: fileSize,
    },
  ];
}

function facts2(header: Luks2Header): Fact[] {
  const { segments, keySlots, label, subsystem, requirements } = header;
  const [first] = segments;
  const derivations = [...new Set(keySlots.flatMap(({ derivation }) => derivation ?? []))];
  const keyBits = keySlots.find(({ keyBytes }) => keyBytes !== undefined)?.keyBytes;
  const some = (name: string, value: string | undefined): Fact[] =>
    value === undefined || value === '' ? [] : [{ label: name, value }];
  return [
    { label: 'Version', value: 2 },
    { label: 'Encryption', value: `LUKS (${first?.encryption ?? 'unknown'})` },
    ...(keyBits === undefined ? [] : [{ label: 'Key size', value: keyBits * 8, unit: 'bits' as const }]),
    ...(first?.sectorSize === undefined
      ? []
      : [{ label: 'Encrypted in sectors of', value: first.sectorSize, unit: 'bytes' as const }]),
    ...some('Integrity', first?.integrity),
    { label: 'Key slots', value: `${keySlots.length === 0 ? 'none' : keySlots.map(({ id }) => id).join(', ')} in use` },
    ...some('Key derivation', derivations.join(', ')),
    ...some('Label', label),
    ...some('Subsystem', subsystem),
    { label: 'LUKS id', value: header.uuid },
    ...(segments.length > 1 ? [{ label: 'Segments', value: segments.map(segmentText).join('; ') }] : []),
    ...some('Requires', requirements.join(', ')),
    { label: 'LUKS header', value: `the ${header.which}, sequence number ${header.sequence}` },
  ];
}

const segmentText = ({ type, offset, size }: Luks2Segment): string =>
  `${type} from byte ${offset}${size === undefined ? ' to the end' : `, ${formatBytes(size)}`}`;
