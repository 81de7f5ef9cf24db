import { parentReference } from '../../fileReference';
import type { CheckReport, Fact, Job } from '../../model';
import { Use } from '../../model';
import { BlockPart } from '../blocks/blockPart';
import { checkBlocks } from '../check';
import type { Structure } from '../check';
import type { Driver } from '../driver';
import { writesBlocks } from '../parts/part';
import { PartLayer } from '../parts/partLayer';
import type { QedParts } from './blocks';
import { eachTableOnce, QedBlocks, readDirectory } from './blocks';
import type { QedHeader } from './header';
import { isQed, readHeader } from './header';

/** QEMU enhanced disks: docs/interop/qed_spec.rst in QEMU's sources. */
export const qed: Driver = {
  id: 'qed',
  title: 'QEMU enhanced disk (QED)',
  patterns: ['*.qed'],
  probe: ({ head }) => isQed(head),
  open: (source, { cache }) => {
    const lookups = cache.of(source);
    const header = readHeader(lookups);
    const parts: QedParts = { source, lookups, header, directory: readDirectory(lookups, header) };
    const { clusterSize, backing } = header;
    return new PartLayer({
      format: 'qed',
      grain: clusterSize,
      part: new BlockPart(new QedBlocks(parts)),
      write: writesBlocks,
      facts: describe(header),
      info: {
        'cluster-size': clusterSize,
        // QEMU tells nothing of the image's own flag there.
        'dirty-flag': false,
        ...(backing?.isRaw === true && { 'backing-filename-format': 'raw' }),
      },
      findings: [...header.findings, ...parts.directory.findings()],
      parent: backing && {
        ...parentReference(backing.name, backing.isRaw ? 'raw' : undefined),
        formatHasNoPlace: !backing.isRaw,
      },
      check: () => check(parts),
    });
  },
};

/** As `qemu-img check` goes about it (block/qed-check.c), but for its count of leaks in files of very many clusters. */
function check(parts: QedParts): Job<CheckReport> {
  const { header, directory } = parts;
  const { fileEnd, clusterSize, entriesPerTable, headerBytes } = header;
  // What lies past the end is told to be there, and not that it is impossible.
  const blocks = new QedBlocks(parts, Infinity, eachTableOnce(directory));
  return checkBlocks({
    size: fileEnd,
    blocks,
    *structures(): Generator<Structure | undefined> {
      yield { what: 'the header', start: 0, end: headerBytes, use: Use.Header };
      yield* directory.structures(header.guestSize);
    },
    word: 'cluster',
    unit: clusterSize,
    corruptions: ['past-end', 'entry', 'claimed-twice'],
    unreferred: 'leaked',
    blocksPerTable: entriesPerTable,
    also: (notes) => {
      directory.noteImpossible(notes, 'corruption');
    },
  });
}

function describe(header: QedHeader): readonly Fact[] {
  const { guestSize, clusterSize, tableBytes, backing, needsCheck } = header;
  return [
    { label: 'Disk size', value: guestSize, unit: 'bytes' },
    { label: 'Cluster size', value: clusterSize, unit: 'bytes' },
    { label: 'Table size', value: tableBytes, unit: 'bytes' },
    ...(backing ? [{ label: 'Backing file', value: backing.name }] : []),
    ...(backing?.isRaw === true ? [{ label: 'Backing format', value: 'raw' }] : []),
    ...(needsCheck ? [{ label: 'Needs a check', value: true }] : []),
  ];
}
