import { DiskError } from '../../errors';
import { parentReference } from '../../fileReference';
import type { Fact } from '../../model';
import { Kind, Use } from '../../model';
import { formatDay } from '../../units';
import { BlockPart } from '../blocks/blockPart';
import { CompressedBlocks } from '../blocks/compressedBlocks';
import { checkBlocks } from '../check';
import type { Structure } from '../check';
import type { Driver } from '../driver';
import type { WriteRule } from '../parts/part';
import { writesBlocks } from '../parts/part';
import { PartLayer } from '../parts/partLayer';
import { clusterUnpacker } from '../qcow2/compressed';
import { AES_FACTS } from '../qcow2/describe';
import type { Qcow1Parts } from './blocks';
import { Qcow1Blocks, readDirectory } from './blocks';
import type { Qcow1Header } from './header';
import { isQcow1, readHeader } from './header';

const HEADER_BYTES = 48;

/** qcow of version 1: block/qcow.c in QEMU's sources; libqcow, "QEMU Copy-On-Write file format". */
export const qcow1: Driver = {
  id: 'qcow',
  title: 'QEMU copy-on-write disk, version 1',
  patterns: ['*.qcow'],
  probe: ({ head }) => isQcow1(head),
  open: (source, { cache, codecs }) => {
    const lookups = cache.of(source);
    const header = readHeader(lookups);
    const clusterSize = 2 ** header.clusterBits;
    const directory = readDirectory(lookups, header);
    const parts: Qcow1Parts = {
      source,
      lookups,
      header,
      directory,
      compressed: new CompressedBlocks(
        { source, lookups, shelf: cache.shelf() },
        clusterSize,
        clusterUnpacker('zlib', codecs),
      ),
    };
    const blocks = new Qcow1Blocks(parts);
    return new PartLayer({
      format: 'qcow',
      grain: clusterSize,
      part: new BlockPart(blocks),
      write: writes,
      facts: describe(header),
      info: { 'cluster-size': clusterSize, 'dirty-flag': false, ...(header.encrypted && { encrypted: true }) },
      findings: [...header.findings, ...directory.findings()],
      parent: header.backing && { ...parentReference(header.backing.name, undefined), formatHasNoPlace: true },
      unreadable: header.encrypted ? new DiskError('encrypted', 'the content is encrypted (aes)') : undefined,
      check: () =>
        checkBlocks({
          size: source.size,
          blocks,
          structures: () => structures(parts),
          mayEndEarly: true,
          word: 'cluster',
          unreferred: 'free',
          also: (notes) => {
            directory.noteImpossible(notes, 'further');
          },
        }),
    });
  },
};

/** As `get_cluster_offset` of block/qcow.c does: what is compressed is written anew, as a whole. */
const writes: WriteRule = (of) => {
  if (of.kind !== Kind.Compressed) return writesBlocks(of);
  return { effect: 'copy', bytes: of.unitEnd - of.unitStart, reason: 'a compressed cluster is never written in place' };
};

function* structures({ header, directory }: Qcow1Parts): Generator<Structure | undefined> {
  yield { what: 'the header', start: 0, end: HEADER_BYTES, use: Use.Header };
  const { backing, guestSize } = header;
  if (backing) {
    const end = backing.offset + backing.length;
    yield { what: 'the name of the backing file', start: backing.offset, end, use: Use.Header };
  }
  yield* directory.structures(guestSize);
}

function describe(header: Qcow1Header): readonly Fact[] {
  const { guestSize, clusterBits, l2Bits, backing, backingTime, encrypted } = header;
  const changed = formatDay(backingTime * 1000);
  return [
    { label: 'Version', value: 1 },
    { label: 'Disk size', value: guestSize, unit: 'bytes' },
    { label: 'Cluster size', value: 2 ** clusterBits, unit: 'bytes' },
    { label: 'L2 table size', value: 2 ** (l2Bits + 3), unit: 'bytes' },
    ...(backing ? [{ label: 'Backing file', value: backing.name }] : []),
    ...(backingTime === 0 ? [] : [{ label: 'Backing file changed', value: changed }]),
    ...(encrypted ? AES_FACTS : []),
  ];
}
