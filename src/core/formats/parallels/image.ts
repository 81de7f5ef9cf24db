import { formatBytes, formatGeometry } from '../../units';
import type { ByteSource, Codecs, Fact, Finding } from '../../model';
import type { OpenContext } from '../driver';
import { CUT_SHORT } from '../advice';
import { BlockPart } from '../blocks/blockPart';
import type { DiskPart } from '../parts/part';
import type { ImageFile } from './bat';
import { BatBlocks, lostPart } from './bat';
import type { ParallelsBitmap } from './extension';
import { readExtension } from './extension';
import type { ParallelsHeader } from './header';
import { readHeader } from './header';
import { LIMITS } from './limits';

/** An expanding image by itself, whoever names it. */
export interface ExpandingImage {
  readonly file: ImageFile;
  readonly bitmaps: readonly ParallelsBitmap[];
  readonly findings: readonly Finding[];
}

export interface ExpandingOptions {
  readonly holder?: ImageFile['holder'];
  /** How many bytes of a format extension may be read. */
  readonly extensionBytes?: number;
}

/** @throws DiskError when no sense can be made of the image */
export function openExpanding(
  source: ByteSource,
  { cache, codecs }: { readonly cache: OpenContext['cache']; readonly codecs: Codecs },
  { holder, extensionBytes = Infinity }: ExpandingOptions = {},
): ExpandingImage {
  const lookups = cache.of(source);
  const header = readHeader(lookups);
  const { bitmaps, findings } = readExtension(
    source,
    header,
    codecs,
    Math.min(extensionBytes, LIMITS.maxExtensionBytes),
  );
  return {
    file: { header, source, lookups, holder },
    bitmaps,
    findings: [...header.findings, ...tableFindings(header, source), ...findings],
  };
}

/** @param size bytes of the disk, or of the part of it that the image holds */
export const partOf = ({ file }: ExpandingImage, size: number): DiskPart => new BlockPart(new BatBlocks(file, size));

function tableFindings(header: ParallelsHeader, source: ByteSource): readonly Finding[] {
  const part = lostPart({ header, source }, header.guestSize);
  if (!part) return [];
  const lost = part.end - part.start;
  const message = `the table goes on past the end of the file (${source.size} bytes): what was in the ${formatBytes(lost)} of the disk that is mapped there is unknown, and reads as empty`;
  return [{ code: 'table-past-end', severity: 'error', message, advice: CUT_SHORT, offset: source.size, lost }];
}

/** The header for a person to read. */
export function factsOf({ file: { header }, bitmaps }: ExpandingImage): readonly Fact[] {
  const yes = (label: string, value: boolean): Fact[] => (value ? [{ label, value }] : []);
  return [
    { label: 'Signature', value: header.magic },
    { label: 'Disk size', value: header.guestSize, unit: 'bytes' },
    { label: 'Cluster size', value: header.clusterSize, unit: 'bytes' },
    { label: 'Geometry', value: formatGeometry(header.cylinders, header.heads) },
    { label: 'Data begins at', value: header.dataStart, unit: 'bytes' },
    ...yes('In use', header.inUse),
    ...yes('Marked empty', header.markedEmpty),
    ...(bitmaps.length === 0 ? [] : [{ label: 'Bitmaps', value: bitmaps.length }]),
  ];
}
