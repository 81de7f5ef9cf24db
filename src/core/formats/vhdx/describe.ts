import type { Fact, LayerInfo } from '../../model';
import type { VhdxHeader } from './header';
import type { PendingLog } from './log';
import type { Metadata } from './metadata';

/** The headers and the metadata for a person to read. */
export function describe(header: VhdxHeader, metadata: Metadata, log: PendingLog | undefined): readonly Fact[] {
  const known = (label: string, value: string | undefined): Fact[] => (value === undefined ? [] : [{ label, value }]);
  return [
    { label: 'Type', value: typeOf(metadata) },
    { label: 'Disk size', value: metadata.diskSize, unit: 'bytes' },
    { label: 'Block size', value: metadata.blockSize, unit: 'bytes' },
    { label: 'Logical sector size', value: metadata.logicalSector, unit: 'bytes' },
    ...(metadata.physicalSector === undefined
      ? []
      : [{ label: 'Physical sector size', value: metadata.physicalSector, unit: 'bytes' } as const]),
    ...known('Disk id', metadata.diskId),
    { label: 'DataWriteGuid', value: header.dataWriteGuid },
    ...known('Creator', header.creator),
    ...(log ? [{ label: 'Entries of the log to replay', value: log.entries }] : []),
  ];
}

function typeOf({ hasParent, leaveAllocated }: Metadata): string {
  return hasParent ? 'differencing' : leaveAllocated ? 'fixed' : 'dynamic';
}

/** The same as `qemu-img info --output=json` has it, which tells nothing of this format alone. */
export const qemuInfo = ({ blockSize, hasParent }: Metadata): LayerInfo => ({
  'cluster-size': blockSize,
  'dirty-flag': false,
  ...(hasParent ? { 'backing-filename-format': 'vhdx' } : {}),
});
