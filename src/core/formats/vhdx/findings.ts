import type { ByteSource, Finding } from '../../model';
import { formatBytes } from '../../units';
import { CUT_SHORT } from '../advice';
import type { BatLayout } from './bat';
import { ENTRY_BYTES } from './bat';
import type { VhdxHeader } from './header';
import type { PendingLog } from './log';
import { LIMITS } from './limits';
import type { Regions } from './regions';

export const LOG_REPLAYED = 'log-replayed';

export function replayed(log: PendingLog): Finding {
  const entries = `${log.entries} ${log.entries === 1 ? 'entry' : 'entries'}`;
  return {
    code: LOG_REPLAYED,
    severity: 'warning',
    message: `the file was not closed: ${entries} of its log ${log.entries === 1 ? 'is' : 'are'} still to be written. That was done in memory, and the file was left as it is`,
    advice: 'Hyper-V does it when it opens the disk, as does qemu-img check -r all.',
  };
}

/** Places in the file that two structures have ([MS-VHDX] 2.2.3.2). */
export function overlaps({ log }: VhdxHeader, { all }: Regions): readonly Finding[] {
  const parts = [
    { name: 'the headers', offset: 0, length: LIMITS.alignment },
    { name: 'the log', ...log },
    ...all.map(({ guid, offset, length }) => ({ name: `the region ${guid}`, offset, length })),
  ]
    .filter(({ length }) => length > 0)
    .sort((a, b) => a.offset - b.offset);
  return parts.flatMap(({ name, offset, length }, index) => {
    const next = parts[index + 1];
    if (!next || next.offset >= offset + length) return [];
    return [
      {
        code: 'regions-overlap',
        severity: 'error',
        message: `${name} and ${next.name} lie over one another`,
        advice: 'One of them is damaged. Restore the image from a backup.',
        offset: next.offset,
      },
    ];
  });
}

/** A table of which a part is missing: of those blocks nothing is known. */
export function tableCut({ size }: ByteSource, layout: BatLayout): readonly Finding[] {
  const entries = Math.max(0, Math.floor((size - layout.offset) / ENTRY_BYTES));
  if (entries >= layout.entries) return [];
  const blocks = Math.floor((entries / (layout.chunkRatio + 1)) * layout.chunkRatio);
  const lost = (layout.blocks - blocks) * layout.blockSize;
  return [
    {
      code: 'table-past-end',
      severity: 'error',
      message: `the file ends before its block allocation table does: where ${formatBytes(lost)} of the disk are is not known`,
      advice: CUT_SHORT,
      offset: layout.offset + entries * ENTRY_BYTES,
    },
  ];
}
