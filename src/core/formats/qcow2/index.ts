import { u32be } from '../../bytes';
import type { ByteSource, Finding } from '../../model';
import { dataFileReference } from '../../fileReference';
import { formatBytes } from '../../units';
import { CUT_SHORT } from '../advice';
import type { Driver, OpenContext } from '../driver';
import { readBitmaps } from './bitmaps';
import type { Qcow2Header } from './header';
import { MAGIC, readHeader } from './header';
import { Qcow2Layer } from './layer';
import { LIMITS } from './limits';
import { readLuks } from './luks';
import { readSnapshots } from './snapshots';

/** qcow2, version 2 and 3: docs/interop/qcow2.rst in QEMU's sources. */
export const qcow2: Driver = {
  id: 'qcow2',
  title: 'QEMU copy-on-write disk, version 2 or 3',
  patterns: ['*.qcow2'],
  probe: ({ head }) => head.length >= 8 && u32be(head, 0) === MAGIC && u32be(head, 4) >= 2,
  open: (source, context) => {
    const { cache } = context;
    const lookups = cache.of(source);
    const header = readHeader(lookups);
    const most = context.isLeaf ? LIMITS.maxListed : LIMITS.maxListedBelow;
    const table = readSnapshots(lookups, header, most);
    const directory = readBitmaps(lookups, header, most);
    const encryption = readLuks(lookups, header);
    const data = openDataFile(source, header, context);
    return new Qcow2Layer({
      source,
      lookups,
      holder: data.file && cache.of(data.file),
      dataFile: data.file,
      header,
      snapshots: table.snapshots,
      bitmaps: directory.bitmaps,
      luks: encryption.luks,
      findings: [
        ...header.findings,
        ...table.findings,
        ...directory.findings,
        ...encryption.findings,
        ...data.findings,
      ],
      codecs: context.codecs,
      shelf: cache.shelf(),
    });
  },
};

function openDataFile(
  own: ByteSource,
  header: Qcow2Header,
  context: OpenContext,
): { file: ByteSource | undefined; findings: readonly Finding[] } {
  if (!header.externalData) return { file: own, findings: [] };
  const broken = (message: string): { file: undefined; findings: readonly Finding[] } => ({
    file: undefined,
    findings: [
      {
        code: 'data-file',
        severity: 'error',
        message,
        advice: 'Ownership is shown all the same; the content is not known.',
      },
    ],
  });
  if (header.dataFileName === undefined) return broken('the image keeps its data in another file and does not name it');
  const answer = context.openCompanion(dataFileReference(header.dataFileName));
  if (!answer.ok) return broken(answer.refusal.message);
  const file = answer.opened.source;
  return { file, findings: [...answer.findings, ...tooShort(file, header)] };
}

/** QEMU makes a data file as long as the disk, and keeps it so. */
function tooShort({ size }: ByteSource, { guestSize, dataFileName }: Qcow2Header): readonly Finding[] {
  if (size >= guestSize) return [];
  const message = `the data file ${dataFileName} ends ${formatBytes(guestSize - size)} before the disk does: zeros are read there`;
  return [{ code: 'data-file-short', severity: 'warning', message, advice: CUT_SHORT }];
}
