import type { Fact, LayerInfo } from '../../model';
import type { VdiHeader } from './header';

const TYPES: readonly string[] = ['', 'dynamic', 'static', 'undo', 'differencing'];

/** The header for a person to read. */
export function describe(header: VdiHeader): readonly Fact[] {
  const where = (label: string, value: string | undefined): Fact[] =>
    value === undefined || value === '' ? [] : [{ label, value }];
  return [
    { label: 'Version', value: header.version },
    { label: 'Type', value: TYPES[header.type] ?? header.type },
    { label: 'Disk size', value: header.guestSize, unit: 'bytes' },
    { label: 'Block size', value: header.blockSize, unit: 'bytes' },
    ...(header.blockExtra === 0
      ? []
      : [{ label: 'Extra bytes of each block', value: header.blockExtra, unit: 'bytes' } as const]),
    { label: 'Blocks with space in the file', value: header.blocksAllocated },
    { label: 'UUID', value: header.uuid },
    { label: 'Modification UUID', value: header.modification },
    ...where('Parent UUID', header.parent),
    ...where('Parent modification UUID', header.parentModification),
    ...where('Made by', header.title.replace(/^<<< ?| ?>>>$/g, '')),
    ...where('Comment', header.comment),
  ];
}

/** The same as `qemu-img info --output=json` words it. */
export const qemuInfo = ({ blockSize }: VdiHeader): LayerInfo => ({ 'cluster-size': blockSize, 'dirty-flag': false });
